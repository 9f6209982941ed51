/* The status page: page.html, with the nonce of this answer put where its style and script stand. */
#include "admin.h"

#include <string.h>

void admin_page(struct text *out, const char *nonce)
{
    static const char mark[] = "@NONCE@";
    const char *at = admin_page_source;
    for (const char *next; (next = strstr(at, mark)) != NULL; at = next + sizeof mark - 1) {
        text_put(out, at, (size_t)(next - at));
        text_add(out, "%s", nonce);
    }
    text_put(out, at, strlen(at));
}
