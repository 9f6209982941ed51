/* An upgrade (SIGUSR2) as the two masters go through it. */
#include "clock.h"
#include "log.h"
#include "master_parts.h"
#include "notify.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define RECEIVE_SECONDS 10

/* --- the old master ---------------------------------------------------------------------------------------------- */

/* => why there can be no upgrade now, NULL: there can. */
static const char *obstacle(const struct master *m)
{
    if (m->crew.ending)
        return "this one is draining";
    if (m->upgrade.pid != 0)
        return "one is under way already";
    if (handover_fd() >= 0)
        return "the one that started this process is not over yet";
    if (getpid() == 1)
        return "this is process 1, with whose end the container ends: replace the container";
    return m->program[0] == '\0' ? "the path of this program is not known" : NULL;
}

static void say_failed(struct master *m)
{
    log_error("upgrade failed, this one goes on: %s", m->upgrade.why);
    master_say_ready(m, "upgrade failed, the old one is in force");
}

void master_upgrade(struct master *m)
{
    struct upgrade *u = &m->upgrade;
    const char *why = obstacle(m);
    double now = clock_now();
    if (why != NULL) {
        log_warning("no upgrade: %s", why);
        return;
    }
    const struct world *w = m->world;
    u->handover = (struct handover){ .generation = m->generation,
                                     .binds = w->binds,
                                     .admin = w->admin,
                                     .inherited = m->commons.inherited,
                                     .names = w->names,
                                     .n_names = w->n_names };
    if (m->rotate_at > 0) {
        u->handover.ring = *m->commons.ring;
        u->handover.key_made = m->commons.shared->master.ticket_key_made;
        u->handover.rotate_in = m->rotate_at - now;
    }
    notify_reloading();
    if (!upgrade_start(u, m->program, m->inv->argv, now)) {
        say_failed(m);
        return;
    }
    m->commons.channel = u->fd;
    log_info("upgrade: %s starts as pid %d", m->program, (int)u->pid);
}

/*
 * The new one serves.  The service manager must know who speaks for the service from now on before that one speaks, and before anything
 * that we do could look like the service's end.
 */
static void give_way(struct master *m)
{
    pid_t successor = m->upgrade.pid;
    notify_send("READY=1\nMAINPID=%d\nSTATUS=upgraded: process %d serves", (int)successor, (int)successor);
    notify_mute(true);
    upgrade_release(&m->upgrade);
    log_info("upgraded: pid %d serves, this one drains", (int)successor);
    if (m->reload_due)
        (void)kill(successor, SIGHUP);
    if (m->crew.admin.pid > 0)
        (void)kill(m->crew.admin.pid, SIGTERM); /* it answers what it was asked, and goes by itself */
    m->crew.admin.pid = 0;
    master_drain(m);
    listen_close(&m->world->binds, &m->world->binds); /* the files are the new one's */
    listen_close(&m->world->admin, &m->world->admin);
}

void master_upgrade_step(struct master *m, enum upgrade_state state)
{
    if (state == UPGRADE_NONE)
        return;
    if (state == UPGRADE_READY && !upgrade_adopted(&m->upgrade))
        state = UPGRADE_FAILED;
    if (state == UPGRADE_READY)
        give_way(m);
    m->commons.channel = m->upgrade.fd;
    if (state != UPGRADE_FAILED)
        return;
    say_failed(m);
    if (m->reload_due)
        master_reload(m);
    m->reload_due = false;
}

void master_upgrade_child(struct master *m, pid_t pid, int status)
{
    master_upgrade_step(m, upgrade_ended(&m->upgrade, pid, status));
}

void master_upgrade_cancel(struct master *m)
{
    if (m->upgrade.pid == 0)
        return;
    log_warning("the upgrade is given up: this one is to end");
    upgrade_cancel(&m->upgrade);
    m->commons.channel = -1;
}

/* --- the new master ---------------------------------------------------------------------------------------------- */

bool master_take_over(struct master *m)
{
    char why[512];
    struct handover h;
    if (handover_fd() < 0)
        return true;
    notify_mute(true); /* until the old one has said that we speak now */
    m->commons.channel = handover_fd();
    if (handover_receive(&h, RECEIVE_SECONDS, why, sizeof why) != 0) {
        log_error("cannot take over: %s", why);
        handover_note(why);
        return false;
    }
    m->generation = h.generation;
    m->commons.inherited = h.inherited;
    if (h.ring.n != 0) {
        tickets_put(m->commons.ring, &h.ring);
        m->commons.shared->master.ticket_key_made = h.key_made;
        m->rotate_at = clock_now() + h.rotate_in;
    }
    explicit_bzero(&h.ring, sizeof h.ring);
    m->world = world_handed(&h);
    if (m->world == NULL)
        log_error("cannot take over: out of memory");
    return m->world != NULL;
}

void master_alone(struct master *m)
{
    if (!handover_done())
        return;
    m->commons.channel = -1;
    notify_mute(false);
    log_info("upgraded: the sockets of pid %d are served here now", (int)handover_from());
    if (!m->crew.ending)
        master_say_ready(m, "serving");
}
