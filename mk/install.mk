# make install DESTDIR= PREFIX=: daemon, libraries, header, pkg-config file, manual pages, units for systemd, the configuration as an example.
# make deb: the Debian packages, in build/deb/.
LIBDIR ?= $(PREFIX)/lib
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
# From 253 on systemd knows of a reload from beginning to end by itself; NOTIFY_RELOAD= keeps to what all versions know.
NOTIFY_RELOAD ?= $(shell systemctl --version 2>/dev/null | awk 'NR == 1 && $$2 >= 253 { print "yes" }')
UNIT_FOR_HERE = -e 's|/usr/sbin/|$(PREFIX)/sbin/|' $(if $(NOTIFY_RELOAD),-e 's/^Type=notify$$/Type=notify-reload/' -e '/^ExecReload=.*kill /d')

#: install        DESTDIR= PREFIX=/usr/local
.PHONY: install
install: all $(B)/libtls13.pc
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,sbin include share/doc/tls13d) $(DESTDIR)$(LIBDIR)/pkgconfig $(addprefix $(DESTDIR)$(MANDIR)/,man3 man5 man8)
	install -m 755 $(B)/tls13d $(DESTDIR)$(PREFIX)/sbin/tls13d
	install -m 644 $(B)/libtls13.a $(DESTDIR)$(LIBDIR)/libtls13.a
	install -m 755 $(B)/libtls13.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libtls13.so.$(SOVERSION)
	ln -sf libtls13.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libtls13.so
	install -m 644 libtls13/tls13.h $(DESTDIR)$(PREFIX)/include/tls13.h
	install -m 644 $(B)/libtls13.pc $(DESTDIR)$(LIBDIR)/pkgconfig/libtls13.pc
	install -m 644 docs/libtls13.3 $(DESTDIR)$(MANDIR)/man3/libtls13.3
	for name in $$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Fn \([a-z0-9_]*\).*/\1/p' docs/libtls13.3); do \
	    ln -sf libtls13.3 $(DESTDIR)$(MANDIR)/man3/$$name.3 || exit 1; \
	done
	install -m 644 docs/tls13d.ini.5 $(DESTDIR)$(MANDIR)/man5/tls13d.ini.5
	install -m 644 docs/tls13d.8 $(DESTDIR)$(MANDIR)/man8/tls13d.8
	install -m 644 conf/tls13d.ini $(DESTDIR)$(PREFIX)/share/doc/tls13d/tls13d.ini
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(TMPFILESDIR)
	for unit in tls13d.service tls13d@.service tls13d.socket; do \
	    sed $(UNIT_FOR_HERE) systemd/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && chmod 644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done
	install -m 644 systemd/tls13d.sysusers $(DESTDIR)$(SYSUSERSDIR)/tls13d.conf
	install -m 644 systemd/tls13d.tmpfiles $(DESTDIR)$(TMPFILESDIR)/tls13d.conf

# PREFIX may differ from one run to the next, so it is always made anew.
.PHONY: $(B)/libtls13.pc
$(B)/libtls13.pc:
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR:$(PREFIX)/%=$${prefix}/%)' 'includedir=$${prefix}/include' '' \
	    'Name: libtls13' 'Description: TLS 1.3 for a server, in three calls or as an engine without sockets' 'Version: $(VERSION)' \
	    'Libs: -L$${libdir} -ltls13' 'Libs.private: $(LIB_LIBS)' 'Cflags: -I$${includedir}' >$@

# A copy of the tree is built, so that nothing of it stays here.
#: deb            Debian packages of daemon and library, in build/deb/
.PHONY: deb
deb:
	$(Q)tools/setup.sh build deb
	$(Q)rm -rf build/deb && mkdir -p build/deb/tls13d
	$(Q)tar -c --exclude=./build --exclude=./.git --exclude=./tests/node_modules . | tar -x -C build/deb/tls13d
	$(Q)cd build/deb/tls13d && env -u MAKEFLAGS -u MAKELEVEL -u B dpkg-buildpackage -b -uc -us -j$$(nproc) >../build.log 2>&1 || \
	    { tail -n 60 ../build.log; exit 1; }
	$(Q)rm -rf build/deb/tls13d
	$(Q)ls build/deb/*.deb
