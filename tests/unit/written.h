/* What the admin process writes, for its unit tests: one text, and questions about it. */
#ifndef WRITTEN_H
#define WRITTEN_H

#include "text.h"
#include "unit.h"

#include <string.h>

static struct text out;

/* What was written, as a string. */
static const char *written(void)
{
    text_put(&out, "", 1);
    out.len--;
    CHECK(!out.failed);
    return out.at;
}

static void clear(void)
{
    text_free(&out);
}

static bool has(const char *what)
{
    return strstr(written(), what) != NULL;
}

#endif
