# make bench-crypto: CPU time of every primitive at this CPU's level, beside BearSSL's and OpenSSL's.
#   BENCH="AES-128 16384" picks rows, TLS13_CPU=avx2 a lower level, CC=clang the other compiler.
BENCH_CRYPTO_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/crypto*.c))

$(BENCH_CRYPTO_OBJ): ALL_CPPFLAGS += -Itests/bench

$(B)/bench/crypto: $(BENCH_CRYPTO_OBJ) $(B)/libtls13.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) -lcrypto -o $@

.PHONY: bench-crypto
bench-crypto: $(B)/bench/crypto
	$(Q)$(B)/bench/crypto $(BENCH)
