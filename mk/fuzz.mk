# make fuzz T=SECONDS F="TARGET..."   each fuzz target (tests/fuzz/fuzz_*.c) under clang's libFuzzer, ASan and UBSan, over its corpus.
# make msan T=SECONDS F="TARGET..."   the same under MemorySanitizer, with unit tests and a control (tests/system/msan.bats).
# FUZZ=1 is that build, in build/fuzz/ or build/msan/; it makes itself.
T ?= 10
FUZZ_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
F ?= $(FUZZ_ALL)
FUZZ_BIN := $(FUZZ_ALL:%=$(B)/fuzz_%)

$(B)/tests/fuzz/%.o: ALL_CPPFLAGS += -Idaemon -Itests/unit

# BearSSL and inih are not built with MemorySanitizer: it is told in between what they take and write.
ifeq ($(SANITIZERS),memory)
MSAN_BEARSSL := $(B)/tests/fuzz/msan_bearssl.o
MSAN_INIH := $(B)/tests/fuzz/msan_inih.o
MSAN_WRAP = $$(nm $(MSAN_BEARSSL) $(B)/libtls13.a 2>/dev/null | sed -n 's/.* [UTR] \(__wrap_\)\?\(br_.*\)/-Wl,--wrap=\2/p' | sort -u)
$(FUZZ_BIN): DAEMON_LIBS += -Wl,--wrap=ini_parse_stream
endif

$(FUZZ_BIN): $(B)/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(filter-out $(B)/daemon/main.o,$(DAEMON_OBJ)) $(MSAN_BEARSSL) $(MSAN_INIH) $(B)/libtls13.a
	$(call say,LD,$@)
	$(Q)$(CC) -fsanitize=fuzzer $(ALL_LDFLAGS) $(MSAN_WRAP) $^ $(LIB_LIBS) $(DAEMON_LIBS) -o $@

# This one has a second source, and OpenSSL beside ours, which is not built with MemorySanitizer.
$(B)/fuzz_primitives: $(B)/tests/fuzz/primitives_nist.o
$(B)/fuzz_primitives: LIB_LIBS += -lcrypto
MSAN_F := $(filter-out primitives,$(F))

$(B)/msan_control: $(B)/tests/fuzz/msan_control.o $(MSAN_BEARSSL) $(B)/libtls13.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(MSAN_WRAP) $^ $(LIB_LIBS) -o $@

#: fuzz           each fuzz target for T=10 seconds (F= picks targets)
#: msan           fuzz targets and unit tests under MemorySanitizer
.PHONY: fuzz fuzz-build msan msan-build
fuzz-build:
	$(Q)tools/setup.sh build test
	$(Q)$(MAKE) --no-print-directory FUZZ=1 SAN=1 CC=clang B=build/fuzz $(F:%=build/fuzz/fuzz_%)

fuzz: fuzz-build
	$(Q)tests/fuzz/run.sh build/fuzz $(T) $(F)

# OpenSSL is not built with it either; ML-KEM's tests would take half a minute.
MSAN_UNITS = $(patsubst tests/unit/%.c,%,$(filter-out %/test_mlkem.c,$(shell grep -LE 'openssl|pki_load' tests/unit/test_*.c)))
msan-build:
	$(Q)tools/setup.sh build test
	$(Q)$(MAKE) --no-print-directory FUZZ=1 SAN=1 SANITIZERS=memory CC=clang B=build/msan build/msan/msan_control \
	    $(MSAN_F:%=build/msan/fuzz_%) $(MSAN_UNITS:%=build/msan/unit/%)

msan:
	$(Q)T=$(T) $(if $(filter-out $(FUZZ_ALL),$(F))$(filter-out $(F),$(FUZZ_ALL)),F="$(F)") bats tests/system/msan.bats
