/* The reader of JSON that `tls13d status` has: strict, and what is asked of it. */
#include "json.h"
#include "unit.h"

#include <string.h>

static void json_is_read_strictly(void)
{
    static const char *const good[] = {
        "0", "-1.5e+3", "\"\"", "[]", "{}", " [1, {\"a\": null}, true ] ", "\"\\u00e9\\n\\\\\"", "[[[[]]]]"
    };
    static const char *const bad[] = { "",           "01",
                                       "1.",         "-",
                                       "+1",         "1e",
                                       "[1,]",       "[1 2]",
                                       "{\"a\"}",    "{a:1}",
                                       "{\"a\":1,}", "\"\n\"",
                                       "\"\\x\"",    "\"\\u12g4\"",
                                       "\"",         "[",
                                       "tru",        "nul",
                                       "[] []",      "\"\\u12\"",
                                       "{\"a\":}",   "[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]" };
    struct json j;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        printf("# %s\n", good[i]);
        CHECK(json_parse(&j, good[i], strlen(good[i])));
        json_free(&j);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char exact[64];
        printf("# %s\n", bad[i]);
        memcpy(exact, bad[i], strlen(bad[i]));
        CHECK(!json_parse(&j, exact, strlen(bad[i])));
        CHECK(j.node == NULL);
    }
}

static void json_values_are_found(void)
{
    static const char text[] = "{\"a\":{\"b\":[1,[2,3],\"x\"]},\"c\":-2.5,\"d\":\"\\u0041\\u001b\xc2\x9b\\/\",\"e\":true}";
    struct json j;
    char buf[16];
    CHECK(json_parse(&j, text, sizeof text - 1));
    size_t b = json_member(&j, json_member(&j, 0, "a"), "b"), i = json_first(&j, b);
    CHECK(json_number(&j, i) == 1);
    i = json_next(&j, b, i);
    CHECK(json_number(&j, json_first(&j, i)) == 2);
    i = json_next(&j, b, i);
    CHECK_STR(json_string(&j, i, buf, sizeof buf), "x");
    CHECK(json_next(&j, b, i) == 0);
    CHECK(json_number(&j, json_member(&j, 0, "c")) == -2.5);
    CHECK_STR(json_string(&j, json_member(&j, 0, "d"), buf, sizeof buf), "A?"
                                                                         "?/");
    CHECK_STR(json_string(&j, json_member(&j, 0, "d"), buf, 2), "A");
    CHECK(json_true(&j, json_member(&j, 0, "e")));
    CHECK(json_member(&j, 0, "z") == 0 && json_first(&j, 0) == 0 && json_number(&j, 0) == 0 && !json_true(&j, 0));
    CHECK_STR(json_string(&j, 0, buf, sizeof buf), "");
    json_free(&j);
}

int main(void)
{
    RUN(json_is_read_strictly);
    RUN(json_values_are_found);
    return DONE();
}
