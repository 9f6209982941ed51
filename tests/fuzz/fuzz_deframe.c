/* Records and messages in place against a plain copy: the joined handshake bytes are the same, however the input is cut. */
#include "fuzz.h"

/* All handshake bytes of the whole records in data, one behind the other; stops where input_record() would. */
static size_t reference(const uint8_t *data, size_t size, uint8_t *out)
{
    size_t at = 0, n = 0;
    while (size - at >= 5 && data[at] == CT_HANDSHAKE) {
        size_t len = load16(data + at + 3);
        if (len == 0 || len > TLS13_MAX_PLAIN || size - at < 5 + len)
            break;
        memcpy(out + n, data + at + 5, len);
        n += len;
        at += 5 + len;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[1 << 16], want[1 << 16], got[1 << 16];
    size_t n_want, n_got = 0, n_buf = 0, held = 0;
    if (size < 2 || size > sizeof buf)
        return 0;
    size_t step = 1U + data[0];
    data++;
    size--;
    n_want = reference(data, size, want);
    for (size_t at = 0; at < size;) {
        size_t part = step < size - at ? step : size - at;
        memcpy(buf + n_buf, data + at, part);
        n_buf += part;
        at += part;
        struct input in = input_of(buf, n_buf, held);
        struct rec_view rec;
        int r;
        while ((r = input_record(&in, false, &rec)) == 1 && rec.type == CT_HANDSHAKE)
            input_join(&in, &rec, rec.at + TLS13_HEAD, rec.len);
        bool over = r != 0;
        struct slice msg;
        while (input_message(&in, 1 << 16, &msg) == 1) {
            memcpy(got + n_got, msg.p, msg.n);
            n_got += msg.n;
            input_take(&in, msg);
        }
        struct slice rest = input_rest(&in, &held);
        PROMISE(rest.n <= n_buf && held <= rest.n);
        memmove(buf, rest.p, rest.n);
        n_buf = rest.n;
        if (over)
            break;
    }
    PROMISE(n_got <= n_want && memcmp(got, want, n_got) == 0);
    PROMISE(held <= n_want - n_got && memcmp(buf, want + n_got, held) == 0);
    return 0;
}
