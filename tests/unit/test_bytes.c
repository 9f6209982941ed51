/* The reader and writer cursors, the integers, the comparison. */
#include "bytes.h"
#include "unit.h"

static const uint8_t digits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };

static void integers_are_big_endian(void)
{
    uint8_t out[8];
    CHECK_INT(load16(digits), 0x0102);
    CHECK_INT(load24(digits), 0x010203);
    CHECK_INT(load32(digits), 0x01020304);
    CHECK(load64(digits) == UINT64_C(0x0102030405060708));
    store16(out, 0x0102);
    CHECK_MEM(out, digits, 2);
    store24(out, 0x010203);
    CHECK_MEM(out, digits, 3);
    store32(out, 0x01020304);
    CHECK_MEM(out, digits, 4);
    store64(out, UINT64_C(0x0102030405060708));
    CHECK_MEM(out, digits, 8);
    memset(out, 0xff, sizeof out);
    CHECK_INT(load16(out), 0xffff);
    CHECK_INT(load24(out), 0xffffff);
    CHECK(load32(out) == UINT32_MAX && load64(out) == UINT64_MAX);
}

static void equal_sees_every_bit(void)
{
    uint8_t copy[sizeof digits];
    memcpy(copy, digits, sizeof copy);
    CHECK(ct_equal(copy, digits, sizeof copy));
    CHECK(ct_equal(copy, digits + 1, 0));
    for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!ct_equal(copy, digits, sizeof copy));
        CHECK(ct_equal(copy, digits, bit / 8));
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* --- reader ----------------------------------------------------------------------------------------------- */

static void reads_in_order(void)
{
    struct rd r = rd_of(digits, sizeof digits);
    CHECK_INT(rd_u8(&r), 1);
    CHECK_INT(rd_u16(&r), 0x0203);
    CHECK_INT(rd_u24(&r), 0x040506);
    CHECK_INT(rd_u32(&r), 0x0708090a);
    CHECK_INT(rd_left(&r), 8);
    CHECK(!rd_done(&r) && !r.bad);
    CHECK(rd_u64(&r) == UINT64_C(0x0b0c0d0e0f101112));
    CHECK(rd_done(&r));
}

/* Cut at every byte: the field that does not fit reads as zero, all after it too, and nothing is read past the end (ASan). */
static void cut_at_every_byte(void)
{
    for (size_t n = 0; n < sizeof digits; n++) {
        uint8_t *exact = malloc(n + 1);
        CHECK(exact != NULL);
        memcpy(exact + 1, digits, n);
        struct rd r = rd_of(exact + 1, n);
        uint8_t a = rd_u8(&r);
        uint16_t b = rd_u16(&r);
        uint32_t c = rd_u24(&r), d = rd_u32(&r);
        uint64_t e = rd_u64(&r);
        free(exact);
        CHECK_INT(a, n >= 1 ? 1 : 0);
        CHECK_INT(b, n >= 3 ? 0x0203 : 0);
        CHECK_INT(c, n >= 6 ? 0x040506 : 0);
        CHECK_INT(d, n >= 10 ? 0x0708090a : 0);
        CHECK(e == 0);
        CHECK(r.bad && !rd_done(&r));
        CHECK_INT(rd_left(&r), 0);
    }
}

static void bad_is_sticky(void)
{
    struct rd r = rd_of(digits, 3);
    CHECK(rd_bytes(&r, 4) == NULL && r.bad);
    CHECK_INT(rd_u8(&r), 0);
    CHECK(rd_bytes(&r, 0) == NULL);
    struct rd child = rd_sub(&r, 0);
    CHECK(child.bad && rd_left(&child) == 0 && !rd_done(&child));
    CHECK_INT(rd_rest(&r).n, 0);
}

static void huge_lengths_are_refused(void)
{
    struct rd r = rd_of(digits, sizeof digits);
    (void)rd_u8(&r);
    CHECK(rd_bytes(&r, SIZE_MAX) == NULL && r.bad);
    r = rd_of(digits, sizeof digits);
    struct rd child = rd_sub(&r, SIZE_MAX - 1);
    CHECK(r.bad && child.bad && rd_left(&child) == 0);
}

static void nothing_to_read_is_fine(void)
{
    struct rd r = rd_of(NULL, 0);
    CHECK(rd_done(&r));
    struct rd child = rd_sub(&r, 0);
    CHECK(!child.bad && !r.bad && rd_done(&child) && rd_done(&r));
    CHECK_INT(rd_u8(&r), 0);
    CHECK(r.bad);
}

static void vectors_take_their_length(void)
{
    static const uint8_t bytes[] = { 2, 'a', 'b', 0, 1, 'c', 0, 0, 2, 'd', 'e', 0, 'f' };
    struct rd r = rd_of(bytes, sizeof bytes);
    struct rd a = rd_vec8(&r), b = rd_vec16(&r), c = rd_vec24(&r), d = rd_vec8(&r);
    CHECK(!r.bad && rd_left(&r) == 1);
    CHECK(rd_left(&a) == 2 && a.p == bytes + 1);
    CHECK(rd_left(&b) == 1 && b.p[0] == 'c');
    CHECK(rd_left(&c) == 2 && c.p[1] == 'e');
    CHECK(rd_done(&d));
    struct slice rest = rd_rest(&r);
    CHECK(rest.n == 1 && rest.p[0] == 'f');
    CHECK_INT(rd_u16(&a), 0x6162);
    CHECK(rd_done(&a));
    CHECK_INT(rd_u8(&a), 0);
    CHECK(a.bad && !r.bad); /* the child's error is its own */
}

static void vectors_cut_short_are_bad(void)
{
    static const uint8_t bytes[] = { 0, 0, 3, 'x', 'y', 'z' };
    for (size_t n = 0; n < sizeof bytes; n++) {
        struct rd r = rd_of(bytes, n), v = rd_vec24(&r);
        CHECK(r.bad && v.bad && rd_left(&v) == 0);
        r = rd_of(bytes + 1, n > 0 ? n - 1 : 0);
        v = rd_vec16(&r);
        CHECK(r.bad && v.bad);
        r = rd_of(bytes + 2, n > 1 ? n - 2 : 0);
        v = rd_vec8(&r);
        CHECK(r.bad && v.bad);
    }
    struct rd r = rd_of(bytes, sizeof bytes), v = rd_vec24(&r);
    CHECK(rd_done(&r) && rd_left(&v) == 3);
}

/* --- writer ----------------------------------------------------------------------------------------------- */

static void write_all(struct wr *w)
{
    wr_u8(w, 1);
    wr_u16(w, 0x0203);
    wr_u24(w, 0x040506);
    wr_u32(w, 0x0708090a);
    wr_u64(w, UINT64_C(0x0b0c0d0e0f101112));
}

static void writes_in_order(void)
{
    uint8_t out[sizeof digits];
    struct wr w = wr_of(out, sizeof out);
    write_all(&w);
    CHECK(!w.bad);
    CHECK_INT(w.len, sizeof digits);
    CHECK_MEM(out, digits, sizeof digits);
}

static void room_cut_at_every_byte(void)
{
    for (size_t cap = 0; cap < sizeof digits; cap++) {
        uint8_t out[sizeof digits + 1];
        memset(out, 0xee, sizeof out);
        struct wr w = wr_of(out, cap);
        write_all(&w);
        CHECK(w.bad && w.len <= cap);
        CHECK_MEM(out, digits, w.len);
        for (size_t i = w.len; i < sizeof out; i++)
            CHECK_INT(out[i], 0xee);
        size_t len = w.len;
        wr_bytes(&w, NULL, 0);
        wr_u8(&w, 1); /* would fit, but the error is sticky */
        CHECK(w.bad && w.len == len);
    }
}

static void open_and_close_nest(void)
{
    static const uint8_t want[] = { 0, 0, 8, 0, 6, 2, 'h', 'i', 0, 0xaa, 0xbb };
    uint8_t out[sizeof want];
    struct wr w = wr_of(out, sizeof out);
    size_t a = wr_open(&w, 3), b = wr_open(&w, 2), c = wr_open(&w, 1);
    wr_bytes(&w, "hi", 2);
    wr_close(&w, c, 1);
    size_t d = wr_open(&w, 1);
    wr_close(&w, d, 1);
    wr_u16(&w, 0xaabb);
    wr_close(&w, b, 2);
    wr_close(&w, a, 3);
    CHECK(!w.bad && w.len == sizeof want);
    CHECK_MEM(out, want, sizeof want);
}

static void too_long_for_its_length_is_bad(void)
{
    static uint8_t out[70000];
    static const uint8_t zeros[65536];
    static const struct {
        size_t bytes, n;
        bool bad;
    } cases[] = { { 1, 255, false }, { 1, 256, true }, { 2, 65535, false }, { 2, 65536, true }, { 3, 65536, false } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wr w = wr_of(out, sizeof out);
        size_t mark = wr_open(&w, cases[i].bytes);
        wr_bytes(&w, zeros, cases[i].n);
        wr_close(&w, mark, cases[i].bytes);
        CHECK_INT(w.bad, cases[i].bad);
    }
    struct rd r = rd_of(out, 3 + 65536), v = rd_vec24(&r); /* the last one */
    CHECK(rd_done(&r) && rd_left(&v) == 65536);
}

static void close_after_overflow_writes_nothing(void)
{
    uint8_t out[4] = { 9, 9, 9, 9 };
    struct wr w = wr_of(out, 1);
    size_t mark = wr_open(&w, 2);
    wr_close(&w, mark, 2);
    CHECK(w.bad && w.len == 0);
    CHECK_INT(out[0], 9);
    CHECK(wr_room(&w, 0) == NULL);
}

static void huge_rooms_are_refused(void)
{
    uint8_t out[4];
    struct wr w = wr_of(out, sizeof out);
    wr_u8(&w, 1);
    CHECK(wr_room(&w, SIZE_MAX) == NULL && w.bad && w.len == 1);
}

static void wipe_clears(void)
{
    uint8_t secret[sizeof digits], zero[sizeof digits] = { 0 };
    memcpy(secret, digits, sizeof secret);
    WIPE(secret);
    CHECK_MEM(secret, zero, sizeof zero);
}

int main(void)
{
    RUN(integers_are_big_endian);
    RUN(equal_sees_every_bit);
    RUN(reads_in_order);
    RUN(cut_at_every_byte);
    RUN(bad_is_sticky);
    RUN(huge_lengths_are_refused);
    RUN(nothing_to_read_is_fine);
    RUN(vectors_take_their_length);
    RUN(vectors_cut_short_are_bad);
    RUN(writes_in_order);
    RUN(room_cut_at_every_byte);
    RUN(open_and_close_nest);
    RUN(too_long_for_its_length_is_bad);
    RUN(close_after_overflow_writes_nothing);
    RUN(huge_rooms_are_refused);
    RUN(wipe_clears);
    return DONE();
}
