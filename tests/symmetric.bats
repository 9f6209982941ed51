#!/usr/bin/env bats
# No time of the symmetric primitives depends on a secret: programs under memcheck with the secrets marked undefined.

load watched

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
