/* What the service manager is told: sd_notify(3), without its library.  Everything does nothing when nobody asked for it. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.  The environment keeps what a new master needs that takes our place, which then is
 * another process: not WATCHDOG_PID.
 */
void notify_open(void);
/* Another process speaks for the service: nothing is sent until it is our turn. */
void notify_mute(bool mute);
/* Sends lines, printf-like: "READY=1\nSTATUS=...". */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* RELOADING=1 with the moment on the monotonic clock, as Type=notify-reload wants it; READY=1 must follow. */
void notify_reloading(void);
/* => seconds between two signs of life, half of what is allowed; 0: none are wanted. */
double notify_watchdog(void);

#endif
