#!/usr/bin/env bats
# No time of the accelerated asymmetric primitives depends on a secret: programs under memcheck with the secrets marked undefined.

load watched

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
