#!/usr/bin/env bats
# Nothing in a handshake, a signature or a sealed record takes a time that depends on a secret (valgrind, portable code).

load watched

# handshake ARGS...
handshake() {
    TLS13_CPU=portable watched --suppressions="$TOP/tests/tools/ct_handshake.supp" ct_handshake "$@"
}

@test "a whole handshake neither branches nor indexes on a secret" {
    handshake
    assert_success
    assert_output --partial 'TLS_AES_128_GCM_SHA256, x25519: full, resumed, records done'
    assert_output --partial 'TLS_AES_256_GCM_SHA384, secp384r1: full, resumed, records done'
    assert_output --partial 'TLS_CHACHA20_POLY1305_SHA256, secp256r1: full, resumed, records done'
    assert_output --partial 'TLS_AES_128_GCM_SHA256, X25519MLKEM768: full, resumed, records done'
    assert_output --partial 'ecdsa_secp256r1_sha256: signed'
    assert_output --partial 'ecdsa_secp384r1_sha384: signed'
    refute_output --partial 'uninitialised'
}

@test "that check can fail" {
    handshake leak
    assert_equal "$status" 9
    assert_output --partial 'depends on uninitialised value'
}
