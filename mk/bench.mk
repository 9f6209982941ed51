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

# make bench [M="METRIC..."] [R=ROUNDS] [TARGETS="tls13d hitch..."]: CPU time a unit of work, beside the peers that are installed.
R ?= 5
BENCH_TOOLS := $(B)/bench/load $(B)/bench/backend $(B)/bench/relay

$(BENCH_TOOLS): $(B)/bench/%: tests/bench/%.c tests/bench/wire.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN) $< -lssl -lcrypto -o $@

.PHONY: bench
bench:
	$(Q)tools/setup.sh build test bench
	$(Q)$(MAKE) --no-print-directory all $(BENCH_TOOLS) $(B)/bench/crypto
	$(Q)tests/bench/bench.py -r $(R) $(if $(M),-m $(M)) $(if $(TARGETS),-t $(TARGETS)) -j $(B)/bench/results.json \
	    --tls13d $(B)/tls13d --bin $(B)/bench
	$(Q)$(if $(M),:,$(B)/bench/crypto)
