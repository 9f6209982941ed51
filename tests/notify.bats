#!/usr/bin/env bats
# What the service manager is told, and the sockets it hands over.

load lib

# ear ADDRESS: listens there as a service manager does.
ear() {
    python3 -S "$TOOLS/notified.py" "$1" "$T/notified.events" 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 told listening
}
told() { grep -q -- "$1" "$T/notified.events" 2>/dev/null; }
told_wait() { wait_for "${2:-5}" told "$1" || fail "the service manager was not told: $1"; }
beats() { grep -c ' WATCHDOG=1$' "$T/notified.events" || true; }
beats_more() { [ "$(beats)" -ge "$1" ]; }
order() { grep -oE '(READY|RELOADING|STOPPING)=1' "$T/notified.events" | tr '\n' ' '; }

@test "READY, RELOADING with the time, READY, STOPPING, in this order; a failed reload ends in READY too" {
    ear "$T/notify"
    backend_start tcp echo
    daemon_under=(env "NOTIFY_SOCKET=$T/notify")
    daemon_start
    told_wait ' READY=1 STATUS=serving: generation 1, 1 workers, 1 listening addresses$'
    daemon_reload
    told_wait 'RELOADING=1 MONOTONIC_USEC=[0-9]*$'
    told_wait 'READY=1 STATUS=serving: generation 2'
    awk '/RELOADING/ { split($3, usec, "="); late = $1 - usec[2] / 1e6; exit !(late > -0.01 && late < 1) }' "$T/notified.events"
    echo 'nonsense = 1' >>"$T/tls13d.ini"
    daemon_reload 'nothing was changed'
    told_wait 'READY=1 STATUS=reload failed'
    daemon_stop
    told_wait 'STOPPING=1 STATUS=draining'
    [ "$(order)" = 'READY=1 RELOADING=1 READY=1 RELOADING=1 READY=1 STOPPING=1 ' ]
    run ! told WATCHDOG
}

@test "an abstract NOTIFY_SOCKET; the watchdog is fed at half its time while the workers answer, and only then" {
    local name=@tls13d-notify-$$-$RANDOM worker
    ear "$name"
    daemon_under=(env "NOTIFY_SOCKET=$name" WATCHDOG_USEC=600000)
    daemon_start 'backend = 127.0.0.1:9'
    told_wait READY=1
    wait_for 5 beats_more 5
    # Six beats take some 1.5 s: no fewer than half that, no more than double.
    awk '/WATCHDOG/ { if (n++ == 0) first = $1; last = $1 } END { each = (last - first) / (n - 1); exit !(each > 0.15 && each < 0.6) }' \
        "$T/notified.events"
    worker=$(pgrep -P "$DAEMON")
    kill -STOP "$worker"
    wait_for 10 beats_stand
    kill -CONT "$worker"
    wait_for 5 beats_more $(($(beats) + 2))
}
# No beat for more than twice the interval.
beats_stand() {
    local last
    last=$(awk '/WATCHDOG/ { t = $1 } END { print t }' "$T/notified.events")
    awk -v last="$last" '{ exit !($1 - last > 0.9) }' /proc/uptime
}

@test "a watchdog that is meant for another process is not fed" {
    ear "$T/notify"
    daemon_under=(env "NOTIFY_SOCKET=$T/notify" WATCHDOG_USEC=200000 WATCHDOG_PID=1)
    daemon_start 'backend = 127.0.0.1:9'
    told_wait READY=1
    daemon_stop
    told_wait STOPPING=1
    run ! told WATCHDOG
}

@test "nobody listens at NOTIFY_SOCKET: a warning, and it serves" {
    backend_start tcp echo
    daemon_under=(env "NOTIFY_SOCKET=$T/nobody")
    daemon_start
    log_wait 'level=warning .*service manager cannot be told'
    client text:hello end drain
    result_is text hello
}

@test "sockets by name from systemd-socket-activate, kept over a reload" {
    backend_start tcp echo
    local other
    other=$(free_port)
    daemon_config
    daemon_under=(systemd-socket-activate -l "127.0.0.1:$other" -l "127.0.0.1:$PORT" --fdname=extra:https)
    daemon_set bind systemd:https
    printf '[listen u]\nbind = systemd:extra\ncertificate = %s\nbackend = %s\n' "$PKI/p256.pem" "$BACKEND" >>"$T/tls13d.ini"
    daemon_run
    client text:hello end drain
    result_is text hello
    PORT=$other client text:extra end drain
    result_is text extra
    daemon_reload
    client text:again end drain
    result_is text again
}
