# make static: build/static/tls13d, one file that needs nothing of the machine it runs on (the Dockerfile's FROM scratch).
# The linker would warn that getaddrinfo() and getpwnam() load modules at run time; daemon/static/names.c sees to it that they do not.
$(B)/static/tls13d: $(DAEMON_OBJ) $(B)/daemon/static/names.o $(B)/libtls13.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -static-pie $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(DAEMON_LIBS) -lm -s -Wl,--no-warnings -o $@

#: static         the daemon as one static file, in build/static/
.PHONY: static
static: $(B)/static/tls13d
