/* What the service manager is told: sd_notify(3), without its library.  Everything does nothing when nobody asked for it. */
#ifndef NOTIFY_H
#define NOTIFY_H

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the environment. */
void notify_open(void);
/* Sends lines, printf-like: "READY=1\nSTATUS=...". */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* RELOADING=1 with the moment on the monotonic clock, as Type=notify-reload wants it; READY=1 must follow. */
void notify_reloading(void);
/* => seconds between two signs of life, half of what is allowed; 0: none are wanted. */
double notify_watchdog(void);

#endif
