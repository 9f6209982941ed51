#!/usr/bin/env bats
# No time of the symmetric primitives depends on a secret: programs under memcheck with the secrets marked undefined.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
    TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    B=${B:-$TOP/build}
    case $B in /*) ;; *) B=$TOP/$B ;; esac
}

# watched PROGRAM ARGS...: under memcheck; a copy without debug information, since clang's is too new for valgrind 3.19.
watched() {
    local program=$1
    shift
    strip -g -o "$BATS_TEST_TMPDIR/$program" "$B/tools/$program"
    run timeout 200 valgrind -q --error-exitcode=9 "$BATS_TEST_TMPDIR/$program" "$@"
    [ "$status" != 77 ] || skip "${output##*SKIP: }"
}

# constant PROGRAM WORD: it and its negative control.
constant() {
    watched "$1"
    assert_success
    assert_output --partial "$2"
    refute_output --partial 'uninitialised'
    watched "$1" leak
    assert_equal "$status" 9
    assert_output --partial 'depends on uninitialised value'
}

@test "what valgrind's CPU has: neither branches nor indexes on a secret" {
    constant ct_sym 'SHA-384: done'
}

@test "AES-GCM on 256 bits, emulated: neither branches nor indexes on a secret" {
    constant ct_sym_gcm256 'gcm256 AES-256: done'
}

@test "AES-GCM on 512 bits, emulated: neither branches nor indexes on a secret" {
    constant ct_sym_gcm512 'gcm512 AES-256: done'
}

@test "ChaCha20-Poly1305 on 512 bits, emulated: neither branches nor indexes on a secret" {
    constant ct_sym_chapoly512 'chapoly512: done'
}
