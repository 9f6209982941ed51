# make fuzz T=SECONDS F="TARGET..."   each fuzz target (tests/fuzz/fuzz_*.c) under clang's libFuzzer, ASan and UBSan, over its corpus.
# FUZZ=1 is that build (in build/fuzz/); it makes itself.
T ?= 10
FUZZ_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
F ?= $(FUZZ_ALL)
FUZZ_BIN := $(FUZZ_ALL:%=$(B)/fuzz_%)

$(B)/tests/fuzz/%.o: ALL_CPPFLAGS += -Idaemon -Itests/unit

$(FUZZ_BIN): $(B)/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(filter-out $(B)/daemon/main.o,$(DAEMON_OBJ)) $(B)/libtls13.a
	$(call say,LD,$@)
	$(Q)$(CC) -fsanitize=fuzzer $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(DAEMON_LIBS) -o $@

.PHONY: fuzz fuzz-build fuzz-msan
fuzz-build:
	$(Q)$(MAKE) --no-print-directory FUZZ=1 SAN=1 CC=clang B=build/fuzz $(F:%=build/fuzz/fuzz_%)

fuzz: fuzz-build
	$(Q)tests/fuzz/run.sh build/fuzz $(T) $(F)

# The targets whose code is all ours, under MemorySanitizer: BearSSL and inih are not built with it, so that what they write would count
# as never written.
MSAN_F := deframe der proxy
fuzz-msan:
	$(Q)$(MAKE) --no-print-directory FUZZ=1 SAN=1 SANITIZERS=memory CC=clang B=build/msan $(MSAN_F:%=build/msan/fuzz_%)
	$(Q)tests/fuzz/run.sh build/msan $(T) $(MSAN_F)
