/* config files: every mistake with its exact line, what inih alone would misread, includes, bounds. */
#include "config_test.h"

#include <sys/stat.h>

/* --- files ---------------------------------------------------------------------------------------------------- */

/* Each text is GOOD's listener and something wrong behind it: the first problem, with its line. */
static void wrong_lines_are_told_exactly(void)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        { "tickets = 9", "5: tickets: \"9\" is not a number from 0 to 8" },
        { "tickets = x", "5: tickets: \"x\" is not a number from 0 to 8" },
        { "tickets = 1x", "5: tickets: \"1x\" is not a number from 0 to 8" },
        { "tickets = -1", "5: tickets: \"-1\" is not a number from 0 to 8" },
        { "tickets =", "5: tickets: must not be empty; give a value (such as 2) or leave the line out" },
        { "tickets = ; none", "5: tickets: must not be empty; give a value (such as 2) or leave the line out" },
        { "tickets = 1\ntickets = 1", "6: tickets: is set at T:5 already; keep one of them" },
        { "tikets = 1", "5: tikets: there is no such key; did you mean tickets?" },
        { "Tickets = 1", "5: Tickets: there is no such key; did you mean tickets?" },
        { "colour = red", "5: colour: there is no such key; tls13d --help lists them" },
        { "workers = 1", "5: workers: belongs in [daemon]; move it there" },
        { "include = x", "5: include: stands at the top of a file, before its first section; move it there" },
        { "tickets 1", "5: \"tickets 1\" is not KEY = VALUE" },
        { "tickets: 1", "5: \"tickets: 1\" is not KEY = VALUE" },
        { "= 1", "5: \"= 1\" is not KEY = VALUE" },
        { "idle-timeout = 30", "5: idle-timeout: \"30\" needs a unit: ms, s, m, h or d, as 30s" },
        { "idle-timeout = 0s", "5: idle-timeout: \"0s\" is not a time from 1ms to 365d; write a number and ms, s, m, h or d" },
        { "sni-strict = yes", "5: sni-strict: \"yes\" is not one of off/on" },
        { "truncation = Reset", "5: truncation: \"Reset\" is not one of reset/close" },
        { "alpn = h2,,http/1.1", "5: alpn: there is nothing between two commas, or behind the last one" },
        { "alpn = h2,", "5: alpn: there is nothing between two commas, or behind the last one" },
        { "alpn = h2,;x", "5: alpn: \";x\" begins like a comment" },
        { "-----BEGIN PRIVATE KEY-----\nMIGH", "5: this is a PEM file, no configuration; certificate = FILE names one" },
        { "[daemon]\nlog = stdout", "6: log: \"stdout\" would be a file; write stderr, or ./stdout for a file" },
        { "[daemon]\nlog = Syslog", "6: log: \"Syslog\" would be a file; write syslog, or ./Syslog for a file" },
        { "[daemon]\nticket-keys = AUTO", "6: ticket-keys: \"AUTO\" would be a file; write auto, or ./AUTO for a file" },
        { "alpn = h2, h2", "5: alpn: \"h2\" is there twice" },
        { "alpn = \"h2\"", "5: alpn: \"\"h2\"\" is quoted; values are written without quotes" },
        { "client-ca = a # b", "5: client-ca: \"a # b\" holds \" #\"; a comment behind a value begins with \" ;\"" },
        { "groups = x448", "5: groups: \"x448\" is not one of X25519MLKEM768, x25519, secp256r1, secp384r1" },
        { "groups = x25519, X25519", "5: groups: \"X25519\" is there twice" },
        { "cipher-suites = TLS_RSA",
          "5: cipher-suites: \"TLS_RSA\" is not one of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256" },
        { "proxy-protocol-tlvs = alp",
          "5: proxy-protocol-tlvs: \"alp\" is not one of alpn, authority, ssl, unique-id, crc32c, client-cert" },
        { "accept-proxy-from = 10.0.0.1/8",
          "5: accept-proxy-from: 10.0.0.1/8 has bits set behind its prefix of 8; is the prefix meant longer?" },
        { "accept-proxy = on\naccept-proxy-from =", "6: accept-proxy-from: is empty: no address may send the header; name some" },
        { "client-names = example.org", "5: client-names: \"example.org\" is not dns:NAME, uri:URI, cn:NAME or spki-sha256:HEX" },
        { "client-names = spki-sha256:12", "5: client-names: \"spki-sha256:12\" does not have the 64 hex digits of a SHA-256 hash" },
        { "client-auth = require", "5: client-auth: needs client-ca = FILE with the authorities that sign clients' certificates" },
        { "client-ca = ca.pem", "5: client-ca: has no effect; add client-auth = require (or request)" },
        { "client-names = cn:x", "5: client-names: has no effect; add client-auth = require (or request)" },
        { "bind = :443", "5: bind: [::]:443 is taken by listener a already; use another address" },
        { "bind = [0:0::0]:443", "5: bind: [::]:443 is taken by listener a already; use another address" },
        { "bind = :70000", "5: bind: port 70000 is over 65535" },
        { "bind =", "5: bind: must not be empty; give a value (such as [::]:443) or leave the line out" },
        { "backend = systemd:x", "5: backend: systemd: hands over listening sockets, it cannot be a backend" },
        { "backend = [::]:443", "5: backend: [::]:443 is listener a of this daemon, which would call itself" },
        { "private-key = k\nprivate-key = k", "6: private-key: the certificate above, DIR/a.pem, has its key already" },
        { "[listen b]\nprivate-key = k", "6: private-key: stands before any certificate; it belongs to the certificate above it" },
        { "route = :80", "5: route: \":80\" is not sni:NAME ADDRESS or alpn:NAME ADDRESS" },
        { "route = sni:x", "5: route: \"sni:x\" is not sni:NAME ADDRESS or alpn:NAME ADDRESS" },
        { "route = sni: unix:/x", "5: route: a server name has 1 to 253 bytes" },
        { "route = sni:a*.b unix:/x", "5: route: a star stands for the whole first label only, as *.example.org" },
        { "route = sni:a..b unix:/x", "5: route: a label of a server name has 1 to 63 bytes" },
        { "route = sni:a. unix:/x", "5: route: a server name does not end with a dot" },
        { "route = sni:a b:x", "5: route: port x is not a number" },
        { "route = alpn:h2 b:1", "5: route: alpn:h2 never matches; add h2 to alpn" },
        { "route = sni:a b:1\nroute = sni:A b:2", "6: route: a has a route above already; the first one wins" },
        { "[listen a]", "5: [listen]: there is a listener a at T:1 already; give this one another name" },
        { "[listen]", "5: [listen]: a listener needs a name, as [listen https]" },
        { "[listen a b]", "5: [listen]: \"a b\" is no name: 1 to 32 letters, digits, '-', '_' and '.' are" },
        { "[listen abcdefghijklmnopqrstuvwxyz1234567]",
          "5: [listen]: \"abcdefghijklmnopqrstuvwxyz1234567\" is no name: 1 to 32 letters, digits, '-', '_' and '.' are" },
        { "[lisen b]", "5: there is no section [lisen b]; the sections are [daemon] and [listen NAME]" },
        { "[daemon x]", "5: there is no section [daemon x]; the sections are [daemon] and [listen NAME]" },
        { "[daemon", "5: \"[daemon\" is not a section; [daemon] or [listen NAME] stands on a line of its own" },
        { "[daemon] x", "5: \"[daemon] x\" is not a section; [daemon] or [listen NAME] stands on a line of its own" },
        { "[listen b]", "5: bind: is not set in [listen b]; add bind = [::]:443" },
        { "[daemon]\nworkers = many", "6: workers: \"many\" is not a number from 1 to 64 or auto" },
        { "[daemon]\nworkers = 0", "6: workers: \"0\" is not a number from 1 to 64 or auto" },
        { "[daemon]\nticket-lifetime = 8d", "6: ticket-lifetime: \"8d\" is not a time from 1s to 7d; write a number and ms, s, m, h or d" },
        { "[daemon]\nadmin = localhost:9113", "6: admin: \"localhost:9113\" is neither unix:PATH nor IP:PORT" },
        { "[daemon]\nadmin = 9113", "6: admin: a port alone is written with a colon: :9113" },
        { "[daemon]\nuser = no-such-user", "6: user: there is no user no-such-user" },
        { "[daemon]\ngroup = no-such-group", "6: group: there is no group no-such-group" },
        { "[daemon]\nlog = nowhere/x.log", "6: log: the directory DIR/nowhere cannot be used: No such file or directory" },
        { "[daemon]\nlog = .", "6: log: DIR/. is a directory, not a file" },
        { "[daemon]\nkeylog = t.ini/x", "6: keylog: DIR/t.ini is not a directory" },
        { "tickets = 1\rbind = :1", "5: there is a carriage return inside this line; write the file with LF or CRLF line ends" },
        { "tickets = 1\x01", "5: there is a control character in this line; take it out" },
    };
    char text[1024], want[1024];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)snprintf(text, sizeof text, GOOD "%s\n", wrong[i].text);
        const char *from = wrong[i].says, *at;
        want[0] = '\0';
        while ((at = strstr(from, "T:")) != NULL || (at = strstr(from, "DIR/")) != NULL) {
            if (strncmp(at, "T:", 2) == 0 && at > from && at[-1] != ' ')
                break;
            (void)snprintf(want + strlen(want), sizeof want - strlen(want), "%.*s%s%s", (int)(at - from), from,
                           *at == 'T' ? main_file : dir, *at == 'T' ? ":" : "/");
            from = at + (*at == 'T' ? 2 : 4);
        }
        (void)snprintf(want + strlen(want), sizeof want - strlen(want), "%s", from);
        load_text(text);
        if (config != NULL || strcmp(problem(0), want) != 0)
            show();
        CHECK(config == NULL);
        CHECK_STR(problem(0), want);
    }
}

/* A key of the table with this value, in its section behind GOOD's listener; => whether it is taken, and when not, that its line is told.
 */
static bool takes(const struct row *row, const char *value)
{
    char text[512], want[128];
    bool mine = row->section == IN_DAEMON;
    (void)snprintf(text, sizeof text, GOOD "%s%s = %s\n", mine ? "[daemon]\n" : "", row->name, value);
    load_text(text);
    if (config != NULL)
        return true;
    (void)snprintf(want, sizeof want, "%d: %s: ", mine ? 6 : 5, row->name);
    CHECK_MEM(problem(0), want, strlen(want));
    return false;
}

static void number_at_its_bounds(const struct row *row)
{
    char value[64];
    (void)snprintf(value, sizeof value, "%.0f", row->min);
    CHECK(takes(row, value));
    (void)snprintf(value, sizeof value, "%.0f", row->max);
    CHECK(takes(row, value));
    (void)snprintf(value, sizeof value, "%.0f", row->min - 1);
    CHECK(!takes(row, value));
    (void)snprintf(value, sizeof value, "%.0f", row->max + 1);
    CHECK(!takes(row, value));
    CHECK(!takes(row, "1000000000000000000000"));
    CHECK(!takes(row, "0x10"));
    CHECK(!takes(row, "2 k"));
}

static void time_at_its_bounds(const struct row *row)
{
    char value[64];
    (void)snprintf(value, sizeof value, "%.0fms", row->min * 1000);
    CHECK(takes(row, value));
    (void)snprintf(value, sizeof value, "%.0fms", row->max * 1000);
    CHECK(takes(row, value));
    (void)snprintf(value, sizeof value, "%.0fms", row->max * 1000 + 1);
    CHECK(!takes(row, value));
    CHECK(takes(row, "0s") == (row->min == 0.));
    CHECK(!takes(row, "-1s"));
    CHECK(!takes(row, "1.5s"));
    CHECK(!takes(row, "1 s"));
    CHECK(!takes(row, "1w"));
}

/* client-auth has its own need of a client-ca, which is told under its name too. */
static void word_of_the_list(const struct row *row)
{
    char word[32];
    for (const char *p = row->words; *p != '\0'; p += strcspn(p, "|"), p += *p == '|') {
        (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(p, "|"), p);
        CHECK(takes(row, word) || strcmp(row->name, "client-auth") == 0);
    }
    CHECK(!takes(row, "nonsense"));
    CHECK(!takes(row, "ON"));
    CHECK(!takes(row, row->words));
}

/* Every key, whatever is added to the table: at its bounds, past them, with nonsense and with nothing. */
static void every_key_at_its_bounds(void)
{
    for (size_t i = 0; i < n_option_rows; i++) {
        const struct row *row = &option_rows[i];
        if (row->type == T_INT)
            number_at_its_bounds(row);
        else if (row->type == T_TIME)
            time_at_its_bounds(row);
        else if (row->type == T_WORD)
            word_of_the_list(row);
        CHECK(takes(row, "") == ((row->flags & MAY_BE_EMPTY) != 0) || strcmp(row->name, "accept-proxy-from") == 0 ||
              strcmp(row->name, "private-key") == 0);
        CHECK(!takes(row, "\"quoted\""));
    }
}

static void lines_that_inih_would_misread(void)
{
    static const char nul[] = GOOD "tickets = 1\0tickets = 2\n";
    static char text[90000];
    /* An indented line is a line, no continuation of the value above it. */
    load_text(
        "  [listen a]\n  bind = :443\n\tbackend = 127.0.0.1:80\n    certificate = a.pem\n  tickets = 1 ; one\n  # more\n  alpn = h2;x");
    show();
    CHECK(config != NULL);
    CHECK_INT(config->listens[0].tickets, 1);
    CHECK_STR(config->listens[0].alpn.at[0], "h2;x");
    load_text("\xef\xbb\xbf" GOOD);
    CHECK(config != NULL);
    load_text("[listen a]\r\nbind = :443\r\nbackend = 127.0.0.1:80\r\ncertificate = a.pem\r\n\r\n; end");
    CHECK(config != NULL);
    CHECK_STR(strrchr(config->listens[0].certs[0].certificate, '/'), "/a.pem");

    write_bytes("t.ini", nul, sizeof nul - 1);
    CHECK_INT(LOAD("--config", main_file), 0);
    CHECK(config == NULL);
    CHECK_STR(problem(0), "5: there is a control character in this line; take it out");

    /* A line of any length is one line; the next has its own number. */
    for (size_t n = 180; n < 80000; n += 39000) {
        size_t at = (size_t)sprintf(text, "%s", GOOD "client-names = cn:");
        memset(text + at, 'x', n);
        strcpy(text + at + n, "\nbogus = 1\n");
        load_text(text);
        CHECK(config == NULL);
        CHECK_INT(problems.n, n < 60000 ? 1 : 2);
        CHECK_STR(problem(problems.n - 1), "6: bogus: there is no such key; tls13d --help lists them");
    }
    CHECK_STR(problem(0), "5: this line is longer than 64 KiB; split it");
    size_t at = (size_t)sprintf(text, "%s", GOOD "client-auth = request\nclient-ca = x\nclient-names = cn:");
    memset(text + at, 'x', 4000);
    strcpy(text + at + 4000, " ; comment");
    load_text(text);
    CHECK(config != NULL);
    CHECK_INT(strlen(config->listens[0].client_names.at[0]), 4003);
    /* A bad name at the very end of the longest line that there is: nothing behind it is looked at. */
    memset(text, ' ', 65533);
    memcpy(text, "[listen", 7);
    strcpy(text + 65531, "!]\n");
    load_text(text);
    CHECK_STR(problem(0), "1: [listen]: \"!\" is no name: 1 to 32 letters, digits, '-', '_' and '.' are");
}

static void other_files_are_refused(void)
{
    char text[200];
    load_text("");
    CHECK_STR(problem(0), " there is no listener; add [listen NAME] with bind, backend and certificate");
    load_text("workers = 1\n");
    CHECK_STR(problem(0), "1: workers: stands before any section; put it below [daemon] or [listen NAME]");
    CHECK_INT(LOAD("--config", "/nonexistent/x.ini"), 0);
    CHECK_STR(problem(0), "/nonexistent/x.ini: cannot be opened: No such file or directory");
    CHECK_INT(LOAD("--config", dir), 0);
    (void)snprintf(text, sizeof text, "%s: %s is a directory; write DIR/*.ini to include its files", dir, dir);
    CHECK_STR(problem(0), text);
    CHECK_INT(LOAD("--config", "/dev/zero"), 0);
    CHECK_STR(problem(0), "/dev/zero: /dev/zero is not a file");
    CHECK_INT(LOAD("--config", "x.ini"), 0); /* from where the program was started */
    CHECK_STR(problem(0), "/work dir/x.ini: cannot be opened: No such file or directory");
}

static void warnings_do_not_refuse(void)
{
    char text[256];
    (void)snprintf(text, sizeof text, GOOD "[daemon]\nsandbox = off\nkeylog = %s/keys\n", dir);
    load_text(text);
    CHECK(config != NULL);
    CHECK_INT(problems.n, 2);
    CHECK_INT(problems.warnings, 2);
    CHECK_STR(problem(0), "6: sandbox: is off: workers run without seccomp and Landlock");
    CHECK(strncmp(problems.text[0], "warning: ", 9) == 0);
}

static void includes(void)
{
    char path[128], want[256];
    (void)snprintf(path, sizeof path, "%s/empty.d", dir);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/conf.d", dir);
    (void)mkdir(path, 0700);
    write_file("conf.d/2.ini", "[listen b]\nbind = :2\nbackend = unix:b.sock\ncertificate = ../b.pem\n");
    write_file("conf.d/1.ini", "[daemon]\nworkers = 3\n[listen c]\nbind = :3\nbackend = h:1\ncertificate = c.pem\n");
    load_text("include = conf.d/*.ini\ninclude = empty.d/*.ini\n[daemon]\nlog-level = debug\n" GOOD);
    show();
    CHECK(config != NULL);
    CHECK_INT(config->n_listens, 3);
    CHECK_INT(config->files.n, 3);
    CHECK_STR(config->listens[0].name, "c");
    CHECK_STR(config->listens[1].name, "b");
    CHECK_STR(config->listens[2].name, "a");
    CHECK_INT(config->workers, 3);
    CHECK_INT(config->log_level, LOG_LEVEL_DEBUG);
    /* Relative paths stand beside the file that holds them. */
    (void)snprintf(want, sizeof want, "%s/conf.d/../b.pem", dir);
    CHECK_STR(config->listens[1].certs[0].certificate, want);
    (void)snprintf(want, sizeof want, "%s/conf.d/b.sock", dir);
    CHECK_STR(config->listens[1].backends[0].u.un.sun_path, want);
    CHECK(strstr(config->listens[1].origin.file, "/conf.d/2.ini") != NULL);

    load_text("include = conf.d/*.ini\n[daemon]\nworkers = 4\n" GOOD);
    (void)snprintf(want, sizeof want, "3: workers: is set at %s/conf.d/1.ini:2 already; keep one of them", dir);
    CHECK_STR(problem(0), want);
    load_text("include = gone.ini\n" GOOD);
    (void)snprintf(want, sizeof want, "1: include: there is no file %s/gone.ini", dir);
    CHECK_STR(problem(0), want);
    load_text("include = gone.d/*.ini\n" GOOD);
    (void)snprintf(want, sizeof want, "1: include: cannot read %s/gone.d/*.ini: No such file or directory", dir);
    CHECK_STR(problem(0), want);
    load_text("include =\n" GOOD);
    CHECK_STR(problem(0), "1: include: must not be empty; write a file or DIR/*.ini");
    load_text("include = t.ini\n" GOOD);
    (void)snprintf(want, sizeof want, "1: include: %s is read already", main_file);
    CHECK_STR(problem(0), want);
    load_text("include = conf.d\n" GOOD);
    (void)snprintf(want, sizeof want, "1: include: %s/conf.d is a directory; write DIR/*.ini to include its files", dir);
    CHECK_STR(problem(0), want);
    /* A directory that holds itself cannot be followed without end. */
    (void)snprintf(path, sizeof path, "%s/loop", dir);
    CHECK_INT(symlink(".", path), 0);
    load_text("include = loop/t.ini\n");
    CHECK(strstr(problems.text[0], "deep") != NULL);
    CHECK_INT(problems.n, 1);
    (void)unlink(path);
}

/* --- problems ------------------------------------------------------------------------------------------------- */

static void problems_are_bounded(void)
{
    struct origin o = { NULL, -1 };
    forget();
    for (int i = 0; i < 1000; i++)
        problem_warn(&problems, o, "k", "warning %d", i);
    problem_add(&problems, o, "k", "the error");
    problem_add(&problems, o, "k", "the error");
    CHECK_INT(problems.n, problems.warnings + 1);
    CHECK(problems.n < 200);
    CHECK_STR(problems.text[problems.n - 1], "command line: k: the error");
    problems_free(&problems);
    CHECK_INT(problems.n, 0);
}

int main(void)
{
    test_directory();
    RUN(wrong_lines_are_told_exactly);
    RUN(every_key_at_its_bounds);
    RUN(lines_that_inih_would_misread);
    RUN(other_files_are_refused);
    RUN(warnings_do_not_refuse);
    RUN(includes);
    RUN(problems_are_bounded);
    return test_end(DONE());
}
