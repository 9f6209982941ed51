/*
 * Speed floors: how many times another implementation's time in the same run a row may take, about a third above what was measured, so that
 * a compiler or a change that loses a vector width is seen.  Reported by the benchmark; no test depends on it.
 */
#include "bench.h"

/* In the order of the rows; what this CPU or level does not run is not judged. */
static const struct bench_floor floors[] = {
    { "AES-128-GCM seal", 64, "gcm512", OPENSSL, 0.20 },
    { "AES-128-GCM seal", 64, "gcm256", OPENSSL, 0.20 },
    { "AES-128-GCM seal", 64, "gcm128", OPENSSL, 0.27 },
    { "AES-128-GCM seal", 16384, "gcm512", OPENSSL, 0.50 },
    { "AES-128-GCM seal", 16384, "gcm256", OPENSSL, 0.62 },
    { "AES-128-GCM seal", 16384, "gcm128", OPENSSL, 1.25 },
    { "AES-256-GCM seal", 16384, "gcm512", OPENSSL, 0.52 },
    { "AES-256-GCM seal", 16384, "gcm256", OPENSSL, 0.60 },
    { "AES-256-GCM seal", 16384, "gcm128", OPENSSL, 1.20 },
    { "ChaCha20-Poly1305 seal", 64, "chapoly512", OPENSSL, 0.70 },
    { "ChaCha20-Poly1305 seal", 64, "chapoly256", OPENSSL, 0.70 },
    { "ChaCha20-Poly1305 seal", 16384, "chapoly512", OPENSSL, 1.35 },
    { "ChaCha20-Poly1305 seal", 16384, "chapoly256", OPENSSL, 2.15 },
    { "SHA-256", 64, "sha256-ni", OPENSSL, 0.32 },
    { "SHA-256", 16384, "sha256-ni", OPENSSL, 1.30 },
    { "SHA-384", 64, "sha512-bmi2", OPENSSL, 0.70 },
    { "SHA-384", 16384, "sha512-bmi2", OPENSSL, 1.50 },
    { "ML-KEM-768 encapsulation", 0, "avx2", "portable", 0.65 },
    { "ML-KEM-768 encapsulation", 0, "avx512", "portable", 0.42 },
    { "key exchange secp384r1", 0, "ours", OPENSSL, 0.42 },
    { "sign ECDSA P-384", 0, "ours, checked", OPENSSL, 1.15 },
    { "X25519 x 1", 0, "x25519-avx512", OPENSSL, 0.77 },
    { "X25519 x 1", 0, "x25519-scalar", OPENSSL, 1.65 },
    { "X25519 x 2 (a key exchange)", 0, "x25519-avx512", OPENSSL, 0.38 },
    { "X25519 x 8", 0, "x25519-avx512", OPENSSL, 0.27 },
    { "P-256 key", 0, "p256-avx2", OPENSSL, 0.50 },
    { "P-256 key", 0, "p256-64", "p256-bearssl", 0.45 },
    { "P-256 ECDH", 0, "p256-avx2", OPENSSL, 1.30 },
    { "P-256 ECDH", 0, "p256-64", "p256-bearssl", 0.29 },
    { "ECDSA P-256 sign", 0, "p256, checked", OPENSSL, 1.35 },
    { "ECDSA P-256 verify", 0, "p256", OPENSSL, 1.05 },
    { "RSA-2048 private", 0, "rsa-ifma", OPENSSL, 1.10 },
    { "RSA-4096 private", 0, "rsa-ifma", OPENSSL, 0.45 },
    { "RSA-2048 public", 0, "rsa-ifma", OPENSSL, 1.00 },
    { "handshake x25519, ECDSA P-256", 0, "ours", OPENSSL, 0.28 },
    { "handshake x25519, resumed", 0, "ours", OPENSSL, 0.22 },
    { "handshake x25519, AES-256", 0, "ours", OPENSSL, 0.33 },
    { "handshake secp256r1, ECDSA P-256", 0, "ours", OPENSSL, 0.37 },
    { "handshake x25519, RSA-2048", 0, "ours", OPENSSL, 0.70 },
    { "handshake secp384r1, ECDSA P-384", 0, "ours", OPENSSL, 0.60 },
};

const struct bench_floor *bench_floor(const struct bench *row)
{
    for (size_t i = 0; i < sizeof floors / sizeof floors[0]; i++)
        if (floors[i].bytes == row->bytes && strcmp(floors[i].what, row->what) == 0 && strcmp(floors[i].impl, row->impl) == 0)
            return &floors[i];
    return NULL;
}
