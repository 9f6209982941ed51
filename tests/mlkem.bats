#!/usr/bin/env bats
# ML-KEM beyond its unit tests: an independent implementation agrees, and no time depends on a secret.

load watched

# agree LEVEL: random keys, ciphertexts and bad keys against @noble/post-quantum.
agree() {
    run timeout 100 node "$TOP/tests/interop/mlkem_noble.mjs" "$B/tools/mlkem_tool" "$1" 100
    [ "$status" != 77 ] || skip "$(sed -n 's/^SKIP: //p' <<<"$output")"
    assert_success
    assert_output --partial "($1) agree"
}

# has LEVEL: this machine can run it.
has() {
    run -0 "$B/tools/mlkem_tool" "$1" </dev/null
}

@test "ML-KEM-768 agrees with another implementation: portable" {
    agree portable
}

@test "ML-KEM-768 agrees with another implementation: AVX2" {
    (has avx2) || skip "this CPU has no AVX2"
    agree avx2
}

@test "ML-KEM-768 agrees with another implementation: AVX-512" {
    (has avx512) || skip "this CPU has no AVX-512"
    agree avx512
}

@test "ML-KEM-768 neither branches nor indexes on a secret" {
    watched ct_mlkem
    assert_success
    assert_output --partial 'portable: key generation, encapsulation, decapsulation, rejection done'
    refute_output --partial 'uninitialised'
}

@test "the constant-time check can fail" {
    watched ct_mlkem leak
    assert_equal "$status" 9
    assert_output --partial 'depends on uninitialised value'
}
