#include "process.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- CPUs ------------------------------------------------------------------------------------------------------- */

/* Two numbers of a file, or "max" for the first.  => quota / period, 0 when there is none. */
static double quota_of(const char *path)
{
    double quota = 0, period = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    int n = fscanf(f, "%lf %lf", &quota, &period);
    (void)fclose(f);
    return n == 2 && quota > 0 && period > 0 ? quota / period : 0;
}

static double number_of(const char *path)
{
    double v = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    int n = fscanf(f, "%lf", &v);
    (void)fclose(f);
    return n == 1 && v > 0 ? v : 0;
}

/* The smallest quota from our own cgroup (v2) up to the root; in a container the root is all that is seen. */
static double quota_v2(void)
{
    char line[512], path[600], own[512] = "";
    double best = 0;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "0::", 3) == 0)
            (void)snprintf(own, sizeof own, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    if (f != NULL)
        (void)fclose(f);
    for (;;) {
        (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", own);
        double q = quota_of(path);
        if (q > 0 && (best == 0 || q < best))
            best = q;
        char *slash = strrchr(own, '/');
        if (slash == NULL)
            return best;
        *slash = '\0';
    }
}

static double quota_v1(void)
{
    double quota = number_of("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period = number_of("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
}

size_t process_cpus(void)
{
    cpu_set_t set;
    size_t n = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    double quota = quota_v2();
    if (quota == 0)
        quota = quota_v1();
    while (n > 1 && quota > 0 && (double)(n - 1) >= quota)
        n--;
    return n != 0 ? n : 1;
}

/* --- descriptors ------------------------------------------------------------------------------------------------ */

size_t process_descriptors(size_t want)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 1024;
    if (r.rlim_cur < want) {
        struct rlimit more = { want, r.rlim_max < want ? want : r.rlim_max };
        if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
            more = (struct rlimit){ r.rlim_max < want ? r.rlim_max : want, r.rlim_max };
            (void)setrlimit(RLIMIT_NOFILE, &more);
        }
        (void)getrlimit(RLIMIT_NOFILE, &r);
    }
    return r.rlim_cur;
}

/* --- the program ------------------------------------------------------------------------------------------------ */

/* => whether path is the file that runs. */
static bool is_me(const char *path)
{
    struct stat me, st;
    return path[0] == '/' && stat("/proc/self/exe", &me) == 0 && stat(path, &st) == 0 && st.st_dev == me.st_dev && st.st_ino == me.st_ino;
}

bool process_program(const char *name, const char *cwd, char *path, size_t n)
{
    const char *dirs = getenv("PATH");
    if (name[0] == '/')
        (void)snprintf(path, n, "%s", name);
    else
        (void)snprintf(path, n, "%s/%s", cwd != NULL ? cwd : "", name);
    if (strchr(name, '/') != NULL && is_me(path))
        return true;
    while (strchr(name, '/') == NULL && dirs != NULL && *dirs != '\0') {
        size_t len = strcspn(dirs, ":");
        (void)snprintf(path, n, "%.*s/%s", (int)len, dirs, name);
        if (is_me(path))
            return true;
        dirs += len + (dirs[len] == ':');
    }
    ssize_t len = readlink("/proc/self/exe", path, n - 1);
    if (len < 0)
        return false;
    path[len] = '\0';
    return path[0] == '/';
}

/* --- the user --------------------------------------------------------------------------------------------------- */

int process_identity(struct identity *id, const struct config *c, char *why, size_t why_len)
{
    *id = (struct identity){ 0 };
    if (geteuid() != 0 || c->user[0] == '\0')
        return 0;
    bool any = strcmp(c->user, "auto") == 0;
    const struct passwd *pw = getpwnam(any ? "tls13d" : c->user);
    if (pw == NULL && any)
        pw = getpwnam("nobody");
    if (pw == NULL && !any) {
        (void)snprintf(why, why_len, "there is no user %s", c->user);
        return -1;
    }
    /* An image without any user database has a nobody all the same. */
    id->change = true;
    id->uid = pw != NULL ? pw->pw_uid : 65534;
    id->gid = pw != NULL ? pw->pw_gid : 65534;
    (void)snprintf(id->name, sizeof id->name, "%s", pw != NULL ? pw->pw_name : "nobody");
    if (c->group[0] == '\0')
        return 0;
    const struct group *gr = getgrnam(c->group);
    if (gr == NULL) {
        (void)snprintf(why, why_len, "there is no group %s", c->group);
        return -1;
    }
    id->gid = gr->gr_gid;
    return 0;
}

int process_become(const struct identity *id)
{
    if (!id->change)
        return 0;
    if (setgroups(0, NULL) != 0 || setresgid(id->gid, id->gid, id->gid) != 0 || setresuid(id->uid, id->uid, id->uid) != 0)
        return -1;
    /* There must be no way back. */
    if (id->uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0) {
        errno = EPERM;
        return -1;
    }
    return 0;
}
