/* Private keys: the first byte chooses the PEM label. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const labels[] = { "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY" };
    struct private_key key;
    if (size < 1)
        return 0;
    if (key_parse(&key, labels[data[0] % 4], data + 1, size - 1) == 0) {
        PROMISE(key.type == KEY_P256 || key.type == KEY_P384 || key.type == KEY_RSA || key.type == KEY_RSA_PSS);
        key_wipe(&key);
    }
    return 0;
}
