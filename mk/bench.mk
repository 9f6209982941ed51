# make bench-crypto: CPU time of every primitive at this CPU's level, beside BearSSL's and OpenSSL's.
# make bench-handshake: the server's whole handshakes among them.
#   BENCH="AES-128 16384" picks rows, TLS13_CPU=avx2 a lower level, CC=clang the other compiler.
BENCH_CRYPTO_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/crypto*.c))

$(BENCH_CRYPTO_OBJ): ALL_CPPFLAGS += -Itests/bench -Itests/unit

$(B)/bench/crypto: $(BENCH_CRYPTO_OBJ) $(B)/libtls13.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) -lssl -lcrypto -o $@

#: bench-crypto   CPU time of each primitive beside BearSSL and OpenSSL (BENCH= picks rows)
#: bench-handshake  those rows alone that are a server's whole handshake
.PHONY: bench-crypto bench-handshake
bench-crypto: $(B)/bench/crypto
	$(Q)$(B)/bench/crypto $(BENCH)

bench-handshake: $(B)/bench/crypto
	$(Q)$(B)/bench/crypto handshake $(BENCH)

# make bench [M="METRIC..."] [R=ROUNDS] [TARGETS="NAME..."]: what a TLS proxy costs, beside the peers that are installed; about 2.5 minutes a round.
# make bench-docs [R=ROUNDS]: the same, all of it, and docs/bench.json, docs/bench.svg and the README's table made from it.
# BENCH_FLAGS="--scale 0.05": other options of bench.py.
R ?= 5
BENCH_TOOLS := $(B)/bench/load $(B)/bench/backend $(B)/bench/relay $(B)/bench/engine
BENCH_RESULTS := $(B)/bench/results.json

# OpenSSL's headers want the system's limits.h, not the library's.
$(patsubst %,$(B)/tests/bench/%.o,load client hybrid engine): ALL_CPPFLAGS := $(filter-out -Ilibtls13,$(ALL_CPPFLAGS))

$(B)/bench/load: $(patsubst %,$(B)/tests/bench/%.o,load client hybrid) $(B)/libtls13.a
$(B)/bench/engine: $(patsubst %,$(B)/tests/bench/%.o,engine hybrid) $(B)/libtls13.a
$(B)/bench/backend $(B)/bench/relay: $(B)/bench/%: $(B)/tests/bench/%.o
$(BENCH_TOOLS):
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) -lssl -lcrypto -o $@

# Loaded before a program, for a test.
$(B)/bench/allocations.so: tests/bench/allocations.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -fPIC -shared $(filter-out -Wmissing-prototypes,$(WARN)) $< -o $@

#: bench          CPU time, calls and memory beside hitch, haproxy, nginx and stunnel (M= metrics, R= rounds, TARGETS=)
#: bench-docs     the same, into the README and docs/performance.md
.PHONY: bench bench-tools bench-docs
# The sanitizer build does not measure.
bench-tools: $(if $(SAN),,$(BENCH_TOOLS) $(B)/bench/allocations.so)

bench:
	$(Q)tools/setup.sh build test bench
	$(Q)$(MAKE) --no-print-directory all bench-tools
	$(Q)tests/bench/bench.py -r $(R) $(if $(M),-m $(M),--budget) $(if $(TARGETS),-t $(TARGETS)) -j $(BENCH_RESULTS) --tls13d $(B)/tls13d --bin $(B)/bench $(BENCH_FLAGS)

# A turn that went wrong is named in what is published; a metric without any figure is not published.
bench-docs:
	$(Q)rm -f $(BENCH_RESULTS)
	$(Q)$(MAKE) --no-print-directory bench M= TARGETS= || echo 'bench: see what went wrong above'
	$(Q)tests/bench/report.py $(BENCH_RESULTS) --publish
