/*
 * The benchmark's client.
 *
 *     load PORT [ca=FILE] [suite=NAME] [group=NAME] [name=SNI] [plain=1] [reply=BYTES]
 *     load PORT [...] -- COMMAND...
 *
 * Obeys the lines on standard input and answers each with "done UNITS P50 P99" (microseconds a unit, from its first byte to its last),
 * so whoever measures takes the time between the two:
 *
 *     open N           bring the standing connections to N, each with a request of one byte; units: the new ones
 *     full N C         N full handshakes, C at once, each with a request, then closed
 *     resumed N C      the same with the last ticket; "full 1 1" before fetches one
 *     request N C      N requests over the first C standing connections
 *     turn N C         N requests over all standing connections in turn, C at once
 *     down N C, up N C N bytes over each of the first C standing connections; units: bytes
 *     close            end the standing connections
 *
 * With a COMMAND it starts that on CPU 0 and prints the milliseconds from fork to the first byte of a reply.
 * Exit status 0: all was right.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

static void pin(size_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* a machine with one CPU measures too */
}

static bool listens(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(opt.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0;
    close(fd);
    return ok;
}

static double ms_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int start(char **command)
{
    pin(1);
    double began = ms_now();
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        pin(0);
        execvp(command[0], command);
        _exit(127);
    }
    while (!listens()) {
        if (ms_now() - began > 10000 || waitpid(child, NULL, WNOHANG) != 0)
            die("the command does not listen");
        nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
    }
    client_short(FULL, 1, 1);
    printf("%.3f\n", ms_now() - began);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    return 0;
}

static void obey(const char *word, uint64_t n, uint64_t c)
{
    static uint64_t open;
    uint64_t units = n;
    if (strcmp(word, "open") == 0) {
        client_open(n);
        units = n - open;
        open = n;
    } else if (strcmp(word, "full") == 0) {
        client_short(FULL, n, c);
    } else if (strcmp(word, "resumed") == 0) {
        client_short(RESUMED, n, c);
    } else if (strcmp(word, "request") == 0) {
        client_requests(REQUEST_SAME, n, c);
    } else if (strcmp(word, "turn") == 0) {
        client_requests(REQUEST_TURN, n, c);
    } else if (strcmp(word, "down") == 0 || strcmp(word, "up") == 0) {
        client_bulk(word[0] == 'd' ? 'R' : 'U', n, c);
        units = n * c;
    } else if (strcmp(word, "close") == 0) {
        client_close();
        units = open;
        open = 0;
    } else {
        die("no such command");
    }
    printf("done %llu %.1f %.1f\n", (unsigned long long)units, client_latency(500), client_latency(990));
    fflush(stdout);
}

static bool option(const char *arg, const char *key, const char **value)
{
    size_t n = strlen(key);
    if (strncmp(arg, key, n) != 0 || arg[n] != '=')
        return false;
    *value = arg + n + 1;
    return true;
}

int main(int argc, char **argv)
{
    const char *v;
    if (argc < 2) {
        fprintf(stderr, "usage: load PORT [key=value...] [-- COMMAND...]\n");
        return 2;
    }
    opt.port = (uint16_t)atoi(argv[1]);
    char **at = argv + 2;
    for (; *at != NULL && strcmp(*at, "--") != 0; at++) {
        if (option(*at, "plain", &v))
            opt.plain = v[0] == '1';
        else if (option(*at, "reply", &v))
            opt.reply = strtoull(v, NULL, 10);
        else if (!option(*at, "ca", &opt.ca) && !option(*at, "suite", &opt.suite) && !option(*at, "group", &opt.group) &&
                 !option(*at, "name", &opt.name))
            die(*at);
    }
    client_init();
    if (*at != NULL && at[1] != NULL)
        return start(at + 1);
    char line[128], word[16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned long long n = 0, c = 1;
        if (sscanf(line, "%15s %llu %llu", word, &n, &c) >= 1)
            obey(word, n, c);
    }
    return 0;
}
