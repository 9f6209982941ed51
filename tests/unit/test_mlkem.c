/* ML-KEM-768 (FIPS 203) on every level of this machine: known answers, the key check, implicit rejection. */
#include "mlkem_levels.h"
#include "tls13.h"
#include "unit.h"

#include "../vectors/mlkem768.h"

static const struct kem *kem; /* the level at work */
static uint8_t ek[MLKEM_EK], dk[MLKEM_DK], ct[MLKEM_CT], ss[MLKEM_SS], other[MLKEM_SS];

static void check_hex(const uint8_t *got, size_t n, const char *hex)
{
    uint8_t want[64];
    CHECK_INT(unhex(want, sizeof want, hex), n);
    CHECK_MEM(got, want, n);
}

static void check_hash(const uint8_t *p, size_t n, const char *hex)
{
    uint8_t h[32];
    sha3_256(h, p, n);
    check_hex(h, 32, hex);
}

static void key_of(uint8_t fill)
{
    uint8_t d[32], z[32];
    memset(d, fill, sizeof d);
    memset(z, fill ^ 0xff, sizeof z);
    kem->keygen(ek, dk, d, z);
}

/* --- known answers ---------------------------------------------------------------------------------------- */

/* A seed that needs more blocks of the XOF than others: C2SP CCTV, ML-KEM/unluckysample/ML-KEM-768.txt. */
static void unlucky_sample(void)
{
    uint8_t d[32], z[32], m[32];
    (void)unhex(d, 32, "82c4a361586b9715c2375a45fb85c32d04be7fe6e26acd820ec5d4080093afe1");
    (void)unhex(z, 32, "8476013560151d986dc7834dcb57c75f845f8d7ee71558d0955f3f4feb723cf2");
    (void)unhex(m, 32, "e48f74ad416e99631003ded1478aec62a02c245d88ed7f2fae92aedf13ca03b3");
    kem->keygen(ek, dk, d, z);
    check_hex(ek, 32, "ad568015b87690ebbe1fb438ee8a22b9ac4379a12422e34037c231341c316bc0");
    CHECK_INT(kem->encaps(ct, ss, ek, m), 0);
    check_hex(ct, 32, "696ef1699d5ac2aa9a012a64c60c6c214dcedec75ff87fb3a5850044202a790b");
    check_hex(ct + MLKEM_CT - 32, 32, "09c7640acea982655b3294ee0371019b134559be391c29d990f82f8a1dd4a715");
    check_hex(ss, 32, "4f7cc64c040fc4e335a539691f4638caf8b1bf5da6455754afe699e41813801b");
    kem->decaps(other, ct, dk);
    CHECK_MEM(other, ss, MLKEM_SS);
}

/*
 * NIST ACVP-Server, gen-val/json-files/ML-KEM-keyGen-FIPS203/internalProjection.json at eb31c8ef, ML-KEM-768, tcId 26 and 27.  These
 * are of 2024's draft, where (rho, sigma) is G(d) without the 3 of the final text; from there on the algorithm is the same.
 */
static void acvp_keygen(void)
{
    static const struct {
        const char *d, *z, *dk, *h; /* h is H(ek), part of dk */
    } acvp[] = {
        { "e26918d071a8f820d6b7dc106e7a3f72585f4ebc080722007cfbb21dba6a7abe",
          "4e14174abf8bcc9b86fc7471c054f6f0062a16a053b041f9b3d75b3e447f1d4b", "81fc62493cc3f4d6b162e85e6ff43fb5",
          "9f85b646f77e79e5aa043127036d03c1ee760463bdc7a8f84669ce23f65f81aa" },
        { "7101698e47ea9c88d2707f520b3e0bbcdfe477c22bbd21604550a65a79e53691",
          "5c2e9e2e49b775aceb0ab5eeb5d82b1609dc753ee2f87d1030b346bc96889288", "f723757e36c6ce51b99576bfc17c449d",
          "86328dd17c230a0521c366f3a716840f4a1b2cf03ef5c270a290fe6746453c5b" },
    };
    const struct mlkem_level *level = kem->level != NULL ? kem->level : &mlkem_portable;
    for (size_t i = 0; i < COUNT(acvp); i++) {
        uint8_t d[32], z[32], rho_sigma[64];
        (void)unhex(d, 32, acvp[i].d);
        (void)unhex(z, 32, acvp[i].z);
        sha3_512(rho_sigma, d, 32);
        level->keygen(ek, dk, rho_sigma, z);
        check_hex(dk, 16, acvp[i].dk);
        check_hash(ek, sizeof ek, acvp[i].h);
        check_hex(dk + MLKEM_DK - 64, 32, acvp[i].h);
        CHECK_MEM(dk + MLKEM_DK - 32, z, 32);
    }
}

/* Go 1.24 crypto/mlkem TestAccumulated (the C2SP CCTV recipe for the final FIPS 203): ek, ct and both secrets of n random rounds. */
static void accumulated(int rounds, const char *hex)
{
    struct keccak rng, all;
    uint8_t seed[96], invalid[MLKEM_CT], digest[32];
    keccak_init(&rng, KECCAK_RATE_128, KECCAK_SHAKE);
    keccak_finish(&rng);
    keccak_init(&all, KECCAK_RATE_128, KECCAK_SHAKE);
    for (int i = 0; i < rounds; i++) {
        keccak_squeeze(&rng, seed, sizeof seed);
        kem->keygen(ek, dk, seed, seed + 32);
        keccak_absorb(&all, ek, sizeof ek);
        CHECK_INT(kem->encaps(ct, ss, ek, seed + 64), 0);
        keccak_absorb(&all, ct, sizeof ct);
        keccak_absorb(&all, ss, sizeof ss);
        kem->decaps(other, ct, dk);
        CHECK_MEM(other, ss, sizeof ss);
        keccak_squeeze(&rng, invalid, sizeof invalid);
        kem->decaps(other, invalid, dk);
        keccak_absorb(&all, other, sizeof other);
    }
    keccak_finish(&all);
    keccak_squeeze(&all, digest, sizeof digest);
    check_hex(digest, 32, hex);
}

static void accumulated_hundred(void)
{
    accumulated(100, "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415");
}

static void accumulated_ten_thousand(void)
{
    accumulated(10000, "8a518cc63da366322a8e7a818c7a0d63483cb3528d34a4cf42f35d5ad73f22fc");
}

/* tests/vectors/mlkem768.h: an independent implementation's answers, each value and a thousand in one digest. */
static void vectors(void)
{
    struct keccak all;
    uint8_t digest[32];
    keccak_init(&all, KECCAK_RATE_256, KECCAK_SHA3);
    for (int i = 0; i < 1000; i++) {
        char label[32];
        uint8_t seed[96];
        int n = snprintf(label, sizeof label, "mlkem768 %d", i), bit = 97 * i % (8 * MLKEM_CT);
        shake256(seed, sizeof seed, label, (size_t)n);
        kem->keygen(ek, dk, seed, seed + 32);
        CHECK_INT(kem->encaps(ct, ss, ek, seed + 64), 0);
        keccak_absorb(&all, ek, sizeof ek);
        keccak_absorb(&all, dk, sizeof dk);
        keccak_absorb(&all, ct, sizeof ct);
        keccak_absorb(&all, ss, sizeof ss);
        if (i < (int)COUNT(mlkem768_vectors)) {
            check_hash(ek, sizeof ek, mlkem768_vectors[i].ek);
            check_hash(dk, sizeof dk, mlkem768_vectors[i].dk);
            check_hash(ct, sizeof ct, mlkem768_vectors[i].ct);
            check_hex(ss, sizeof ss, mlkem768_vectors[i].ss);
        }
        ct[bit / 8] ^= (uint8_t)(1 << bit % 8);
        kem->decaps(other, ct, dk);
        keccak_absorb(&all, other, sizeof other);
        if (i < (int)COUNT(mlkem768_vectors))
            check_hex(other, sizeof other, mlkem768_vectors[i].rejected);
    }
    keccak_finish(&all);
    keccak_squeeze(&all, digest, sizeof digest);
    check_hex(digest, 32, mlkem768_thousand);
}

/* --- 7.2, the modulus check ------------------------------------------------------------------------------- */

static void set_coefficient(uint8_t *key, int i, unsigned v)
{
    uint8_t *p = key + i / 2 * 3;
    if (i % 2 == 0) {
        p[0] = (uint8_t)v;
        p[1] = (uint8_t)((p[1] & 0xf0) | v >> 8);
    } else {
        p[1] = (uint8_t)((p[1] & 0x0f) | v << 4);
        p[2] = (uint8_t)(v >> 4);
    }
}

static void every_coefficient_at_its_limit(void)
{
    static const unsigned bad[] = { 3329, 3330, 3584, 4095 };
    static const uint8_t m[32] = { 1 };
    uint8_t key[MLKEM_EK], untouched[MLKEM_CT];
    key_of(1);
    for (int i = 0; i < 768; i++) {
        memcpy(key, ek, sizeof key);
        for (size_t v = 0; v < COUNT(bad); v++) {
            set_coefficient(key, i, bad[v]);
            memset(ct, 0x5a, sizeof ct);
            memset(untouched, 0x5a, sizeof untouched);
            memset(ss, 0x5a, sizeof ss);
            CHECK_INT(kem->encaps(ct, ss, key, m), -TLS13_E_ILLEGAL);
            CHECK_MEM(ct, untouched, sizeof ct);
            CHECK_MEM(ss, untouched, sizeof ss);
        }
        set_coefficient(key, i, 3328);
        CHECK_INT(kem->encaps(ct, ss, key, m), 0);
        set_coefficient(key, i, 0);
        CHECK_INT(kem->encaps(ct, ss, key, m), 0);
    }
}

/* Every value of one coefficient: the first 3329 are good, the rest are not. */
static void every_value_of_a_coefficient(void)
{
    static const uint8_t m[32] = { 2 };
    key_of(2);
    for (unsigned v = 0; v<4096; v += v> 3300 && v < 3360 ? 1 : 37) {
        set_coefficient(ek, 767, v);
        CHECK_INT(kem->encaps(ct, ss, ek, m), v < 3329 ? 0 : -TLS13_E_ILLEGAL);
    }
}

static void keys_of_one_byte(void)
{
    static const uint8_t m[32] = { 3 };
    memset(ek, 0, sizeof ek);
    CHECK_INT(kem->encaps(ct, ss, ek, m), 0);
    memset(ek, 0xff, sizeof ek);
    CHECK_INT(kem->encaps(ct, ss, ek, m), -TLS13_E_ILLEGAL);
    memset(ek, 0, MLKEM_EK - 32); /* rho may be anything */
    CHECK_INT(kem->encaps(ct, ss, ek, m), 0);
}

/* --- implicit rejection (6.3) ----------------------------------------------------------------------------- */

/* What algorithm 18 gives for a wrong ciphertext: SHAKE256(z || ct). */
static void rejection(uint8_t want[static 32])
{
    uint8_t zc[32 + MLKEM_CT];
    memcpy(zc, dk + MLKEM_DK - 32, 32);
    memcpy(zc + 32, ct, MLKEM_CT);
    shake256(want, 32, zc, sizeof zc);
}

static void every_flipped_bit_is_rejected(void)
{
    static const uint8_t m[32] = { 4 };
    uint8_t want[32];
    key_of(4);
    CHECK_INT(kem->encaps(ct, ss, ek, m), 0);
    for (int bit = 0; bit < 8 * MLKEM_CT; bit += bit < 16 || bit > 8 * MLKEM_CT - 16 ? 1 : 7) {
        ct[bit / 8] ^= (uint8_t)(1 << bit % 8);
        kem->decaps(other, ct, dk);
        CHECK(memcmp(other, ss, sizeof ss) != 0);
        rejection(want);
        CHECK_MEM(other, want, sizeof want);
        ct[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    kem->decaps(other, ct, dk);
    CHECK_MEM(other, ss, sizeof ss);
}

static void ciphertexts_of_one_byte_are_rejected(void)
{
    uint8_t want[32];
    key_of(5);
    for (int fill = 0; fill < 256; fill += 85) {
        memset(ct, fill, sizeof ct);
        kem->decaps(ss, ct, dk);
        rejection(want);
        CHECK_MEM(ss, want, sizeof want);
        kem->decaps(other, ct, dk);
        CHECK_MEM(other, ss, sizeof ss);
    }
}

static void a_foreign_key_is_rejected(void)
{
    static const uint8_t m[32] = { 6 };
    uint8_t want[32];
    key_of(6);
    CHECK_INT(kem->encaps(ct, ss, ek, m), 0);
    key_of(7);
    kem->decaps(other, ct, dk);
    rejection(want);
    CHECK_MEM(other, want, sizeof want);
    CHECK(memcmp(other, ss, sizeof ss) != 0);
}

/* --- messages ---------------------------------------------------------------------------------------------- */

static void every_message_bit_comes_back(void)
{
    uint8_t last[MLKEM_SS] = { 0 };
    key_of(8);
    for (int bit = -2; bit < 256; bit++) {
        uint8_t m[32];
        memset(m, bit == -2 ? 0xff : 0, sizeof m);
        if (bit >= 0)
            m[bit / 8] = (uint8_t)(1 << bit % 8);
        CHECK_INT(kem->encaps(ct, ss, ek, m), 0);
        CHECK(memcmp(ss, last, sizeof ss) != 0);
        memcpy(last, ss, sizeof ss);
        kem->decaps(other, ct, dk);
        CHECK_MEM(other, ss, sizeof ss);
    }
}

static void run(const char *name)
{
    kem = kem_by_name(name);
    printf("# level %s%s\n", name, kem == NULL ? ": not on this CPU" : "");
    if (kem == NULL)
        return;
    RUN(unlucky_sample);
    RUN(acvp_keygen);
    RUN(accumulated_hundred);
    RUN(vectors);
    RUN(every_coefficient_at_its_limit);
    RUN(every_value_of_a_coefficient);
    RUN(keys_of_one_byte);
    RUN(every_flipped_bit_is_rejected);
    RUN(ciphertexts_of_one_byte_are_rejected);
    RUN(a_foreign_key_is_rejected);
    RUN(every_message_bit_comes_back);
}

int main(void)
{
    static volatile size_t i;
    for (i = 0; i < COUNT(kems); i++)
        run(kems[i].name);
    kem = &kems[0];
    RUN(accumulated_ten_thousand);
    return DONE();
}
