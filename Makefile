# make            build/tls13d, build/libtls13.a, build/libtls13.so, build/echo_server
# make check      the tests; make demo: see it work; make help: the rest
# V=1 shows the commands; B=DIR builds elsewhere; SAN=1 builds with ASan and UBSan.

VERSION := 0.1.0
SOVERSION := 0
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
SAN ?=
SANITIZERS ?= address,undefined
B ?= build$(if $(SAN),/san)
# As a path from here, however it was given: the objects' dependencies are written down under that name.
override B := $(patsubst $(CURDIR)/%,%,$(abspath $(B)))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' "$(1)" "$(patsubst $(B)/%,%,$(2))")

WARN := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef \
        -Wwrite-strings -Wcast-qual -Werror=implicit-function-declaration $(WERROR)
TARGET := $(shell $(CC) -dumpmachine)
HARDEN := -fstack-protector-strong -fstack-clash-protection $(if $(filter x86_64-%,$(TARGET)),-fcf-protection) \
          $(if $(filter aarch64-%,$(TARGET)),-mbranch-protection=standard)
OPT := -O2 -g
ifdef SAN
HARDEN :=
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZERS) -fno-sanitize-recover=all $(if $(FUZZ),-fsanitize=fuzzer-no-link) \
       $(if $(findstring clang,$(CC)),,-fno-var-tracking-assignments)
else
HARDEN += -D_FORTIFY_SOURCE=2
endif
ALL_CPPFLAGS := -D_GNU_SOURCE -DTLS13_VERSION='"$(VERSION)"' -Ilibtls13 $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 $(WARN) $(HARDEN) $(OPT) -fPIC -fvisibility=hidden -MMD -MP $(CFLAGS)
ALL_LDFLAGS := $(if $(SAN),-fsanitize=$(SANITIZERS)) -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)
LIB_LIBS := -lbearssl
DAEMON_LIBS := -lev -linih -lseccomp

LIB_SRC := $(wildcard libtls13/*.c libtls13/x86/*.c)
DAEMON_SRC := $(wildcard daemon/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
DAEMON_OBJ := $(DAEMON_SRC:%.c=$(B)/%.o) $(B)/gen/page.o
UNIT_LIB := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_DAEMON := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/daemon_*.c))
TOOLS := $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c))
# The constant-time programs run under valgrind, over the plain build alone.
TOOLS := $(if $(SAN),$(filter-out $(B)/tools/ct_%,$(TOOLS)),$(TOOLS))

#: all            the daemon, the library (static and shared) and the example server, in build/; what make alone makes
#: demo           install what is missing, build, serve a page through TLS and fetch it
#: check          install what is missing, build, run the tests
#: check-system   the same for what takes longer: systemd, containers, packages, real services
#: check-arm64    of it AArch64 alone: cross-built, the library's tests under qemu
.PHONY: all
all: $(B)/tls13d $(B)/libtls13.a $(B)/libtls13.so $(B)/echo_server
	@:

include mk/x86.mk
-include mk/bench.mk
include mk/fuzz.mk

$(B)/%.o: %.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(FILE_CFLAGS) -c $< -o $@

# The status page as a C string.
$(B)/gen/page.c: daemon/page.html
	@mkdir -p $(@D)
	$(Q){ printf '#include "admin.h"\n\nconst char admin_page_source[] =\n'; sed 's/[\\"]/\\&/g; s/^/    "/; s/$$/\\n"/' $<; echo '    ;'; } >$@

$(B)/gen/page.o: $(B)/gen/page.c
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) -Idaemon $(ALL_CFLAGS) -c $< -o $@

$(B)/libtls13.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libtls13.so.$(SOVERSION): $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libtls13.so.$(SOVERSION) $(ALL_LDFLAGS) $^ $(LIB_LIBS) -o $@

$(B)/libtls13.so: $(B)/libtls13.so.$(SOVERSION)
	$(Q)ln -sf $(<F) $@

$(B)/tls13d: $(DAEMON_OBJ) $(B)/libtls13.a
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(DAEMON_LIBS) -o $@

$(B)/echo_server: $(B)/libtls13/examples/echo_server.o $(B)/libtls13.a
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(ALL_LDFLAGS) $^ $(LIB_LIBS) -o $@

# -- tests ------------------------------------------------------------------

.PHONY: units tools check check-system check-arm64 demo
units: $(UNIT_LIB) $(UNIT_DAEMON)
tools: $(TOOLS)

$(UNIT_LIB): $(B)/unit/%: $(B)/tests/unit/%.o $(MSAN_BEARSSL) $(B)/libtls13.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $(MSAN_WRAP) $^ $(LIB_LIBS) -lcrypto -o $@

$(UNIT_DAEMON): $(B)/unit/%: $(B)/tests/unit/%.o $(filter-out $(B)/daemon/main.o,$(DAEMON_OBJ)) $(B)/libtls13.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(DAEMON_LIBS) -o $@

$(TOOLS): $(B)/tools/%: $(B)/tests/tools/%.o $(B)/libtls13.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) -o $@

# This one has primitives fail.
$(B)/unit/test_selftest: LIB_LIBS += -Wl,--wrap=p256_ecdsa_verify,--wrap=nist64_p256_verify,--wrap=nist64_p384_verify

# This one applies a part of the daemon.
$(B)/tools/sandboxed: $(B)/daemon/sandbox.o $(B)/daemon/log.o $(B)/daemon/utf8.o
$(B)/tools/sandboxed: LIB_LIBS += -lseccomp

$(B)/tests/unit/%.o $(B)/tests/tools/%.o: ALL_CPPFLAGS += -Idaemon -Itests/unit

check:
	$(Q)tools/setup.sh build test
	$(Q)tests/run.sh

check-system:
	$(Q)tools/setup.sh build test deb system bench
	$(Q)tests/run.sh -s

check-arm64:
	$(Q)tools/setup.sh build test system
	$(Q)tests/run.sh -s arm64

demo:
	$(Q)tools/setup.sh build demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)tools/demo.sh

#: san            the ASan and UBSan build, in build/san/
#: clean          remove build/
.PHONY: san clean help
san:
	$(Q)$(MAKE) --no-print-directory SAN=1 all units tools

clean:
	$(Q)rm -rf build

# Each target that people call has a line that begins with "#:" beside it.
help:
	@sed -n 's/^#: //p' Makefile mk/*.mk

include mk/install.mk
include mk/static.mk
include mk/dev.mk
-include $(shell find $(B) \( -path $(B)/deb -o -path $(B)/system -o -path $(B)/arm64 \) -prune -o -type f -name '*.d' -print 2>/dev/null)
