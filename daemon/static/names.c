/*
 * Linked into the static daemon only: users, groups and hosts come from /etc and DNS, whatever nsswitch.conf says.  A static glibc
 * would load the modules named there, of another glibc perhaps, and crash in them.
 */
#include <nss.h>

__attribute__((constructor)) static void plain_names(void)
{
    (void)__nss_configure_lookup("passwd", "files");
    (void)__nss_configure_lookup("group", "files");
    (void)__nss_configure_lookup("hosts", "files dns");
}
