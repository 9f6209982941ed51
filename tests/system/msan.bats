#!/usr/bin/env bats
# The library and the readers of the daemon under MemorySanitizer: nothing is used that nobody wrote.  make msan runs it too, longer.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    # clang 14 does not know what an AVX-512 scatter writes: a level below.
    export M=build/msan TLS13_CPU=avx2
    make -s -j"$(nproc)" msan-build >&2
}
setup() { cd "$BATS_TEST_DIRNAME/../.." || return; }

# The primitives' own target needs OpenSSL, which is not built for this.
@test "every fuzz target but the one beside OpenSSL" {
    # shellcheck disable=SC2086 # words
    run tests/fuzz/run.sh "$M" "${T:-2}" ${F:-$(cd tests/fuzz && echo fuzz_*.c | sed 's/fuzz_//g; s/\.c//g; s/primitives//')}
    assert_success
}

@test "the same below: BearSSL's primitives" {
    # shellcheck disable=SC2086 # words
    TLS13_CPU=portable run tests/fuzz/run.sh "$M" "${T:-2}" ${F:-record session ticket}
    assert_success
}

@test "the unit tests that do without OpenSSL" {
    for test in "$M"/unit/test_*; do
        [ -x "$test" ] || continue
        run "$test"
        assert_success
    done
}

@test "that can fail: unwritten bytes in a parser, a hash, a cipher, a key exchange" {
    local what level
    for level in portable avx2; do
        for what in parser hash cipher exchange; do
            TLS13_CPU=$level run "$M/msan_control" "$what" written
            assert_success
            TLS13_CPU=$level run "$M/msan_control" "$what"
            assert_failure
            assert_output --partial 'MemorySanitizer: use-of-uninitialized-value'
        done
    done
}
