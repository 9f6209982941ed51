/* Errors and alerts as text: one row each. */
#include "tls13.h"

#include <stddef.h>

struct row {
    const char *name, *text;
    int alert;
};

static const struct row errors[] = {
#define ROW(name, alert, text) { #name, text, alert },
    TLS13_ERRORS(ROW)
#undef ROW
};

static const struct row alerts[] = {
#define ROW(name, code) { #name, "", code },
    TLS13_ALERTS(ROW)
#undef ROW
};

static const struct row *find(int err)
{
    unsigned i = err < 0 ? 0U - (unsigned)err : (unsigned)err;
    return i >= 1 && i <= sizeof errors / sizeof errors[0] ? &errors[i - 1] : NULL;
}

int tls13_err_alert(int err)
{
    const struct row *r = find(err);
    return r != NULL ? r->alert : TLS13_ALERT_internal_error;
}

const char *tls13_err_name(int err)
{
    const struct row *r = find(err);
    return r != NULL ? r->name : "NONE";
}

const char *tls13_err_text(int err)
{
    const struct row *r = find(err);
    return r != NULL ? r->text : "no error";
}

const char *tls13_alert_name(int alert)
{
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
        if (alerts[i].alert == alert)
            return alerts[i].name;
    return "unknown_alert";
}
