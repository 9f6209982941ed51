#!/usr/bin/env bats
# No time of the accelerated asymmetric primitives depends on a secret: programs under memcheck with the secrets marked undefined.

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

@test "X25519, P-256, P-384 and ECDSA: neither branches nor indexes on a secret" {
    constant ct_asym 'ECDSA P-384: done'
}

@test "X25519 in eight lanes, emulated: neither branches nor indexes on a secret" {
    constant ct_asym_x25519 'eight lanes: done'
}

@test "X25519 two at once, emulated: neither branches nor indexes on a secret" {
    constant ct_asym_x25519_x2 'two at once: done'
}

@test "RSA on AVX-512, emulated: neither branches nor indexes on a secret" {
    constant ct_asym_rsa 'RSA-2048: done'
}
