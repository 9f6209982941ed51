#!/usr/bin/env bats
# Out of descriptors, at the connection limit, and the ways to stop.

load lib

# The process that accepts: the last of the tree, or the daemon itself.
worker() { tree "$DAEMON" | tail -n 1; }

# nofile SOFT: of the worker, only the soft limit, so that it can be raised again.
nofile() { prlimit --pid "$(worker)" --nofile="$1:"; }

# hold N: N clients in the background that connect, speak, and then stay for some seconds.
hold() {
    local i
    for ((i = 0; i < $1; i++)); do
        timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:hello read:6 "wait:${2:-30}" end drain >"$T/held.$i.out" 3>&- 2>&1 &
        HELD+=($!)
        PIDS+=($!)
    done
}

# The number that the worker's next descriptor would get: with it as the limit there is none.
next_descriptor() {
    local n=0 pid
    pid=$(worker)
    while [ -L "/proc/$pid/fd/$n" ]; do
        n=$((n + 1))
    done
    echo $n
}

# held_out N TEXT: the Nth client of `hold` was served.
held_out() {
    output=$(<"$T/held.$1.out")
    [ "$(result text)" = hello ]
}

@test "out of descriptors: CPU idle, at most a line a second, and those who wait are served when it is over" {
    daemon_lines=('user =')
    HELD=()
    backend_start tcp echo
    daemon_start
    client text:warm end drain
    local lines began i
    nofile "$(next_descriptor)"
    hold 8 0.2
    wait_for 10 log_has 'EMFILE|[Tt]oo many open files'
    lines=$(wc -l <"$LOG")
    began=${EPOCHREALTIME/./}
    cpu_idle
    cpu_idle
    cpu_idle
    # A line a second, and one more at either end.
    ((($(wc -l <"$LOG") - lines - 1) * 1000000 <= ${EPOCHREALTIME/./} - began)) || fail "the log is flooded"
    nofile 1024
    for i in "${HELD[@]}"; do
        wait "$i"
    done
    for ((i = 0; i < 8; i++)); do
        held_out $i || fail "client $i was not served in the end"
    done
}

@test "descriptors for clients but not for backends: they end, the daemon goes on" {
    daemon_lines=('user =')
    backend_start tcp echo
    daemon_start
    client text:warm end drain
    nofile $(($(next_descriptor) + 1))
    client text:more drain
    [ "$(result end)" != close_notify ] || fail "the client was shown an orderly end"
    log_wait 'end=connect-failed'
    nofile 1024
    client text:after end drain
    result_is text after
}

@test "a low descriptor limit from the start: it says so, and all are served in turn" {
    daemon_lines=('user =')
    daemon_under=(prlimit --nofile=80:80)
    HELD=()
    backend_start tcp echo
    daemon_start
    log_has 'max-connections is [0-9]+ instead of 10000'
    hold 30 1
    cpu_idle 60
    local i
    for i in "${HELD[@]}"; do
        wait "$i"
    done
    for ((i = 0; i < 30; i++)); do
        held_out $i || fail "client $i was not served"
    done
    log_has 'Too many open files' && fail "admission let too many in"
    true
}

@test "too few descriptors to start with: whatever fails is told" {
    backend_start tcp echo
    daemon_config
    local n
    for n in 6 7 8 9 10 11 12; do
        run timeout -s INT 0.5 bash -c 'ulimit -n "$0"; exec "$@" 3>&- 4>&-' $n "$TLS13D" --config "$T/tls13d.ini"
        [[ $output != *'msg="not started"'* ]] || [ "$(grep -c level=error <<<"$output")" -ge 2 ] || fail "with $n: $output"
    done
}

@test "a log file at the process's limit of size: lines are lost, nobody dies" {
    backend_start tcp echo
    daemon_lines=("log = $T/short.log")
    daemon_under=(prlimit --fsize=2048)
    daemon_start
    local i
    for i in 1 2 3 4 5 6 7 8 9 10; do
        client text:hello end drain
        result_is text hello
    done
    (($(stat -c %s "$T/short.log") <= 2048)) || fail "there is no limit"
}

@test "max-connections: the next client waits or is refused, and is served when there is room" {
    daemon_lines=('max-connections = 3')
    HELD=()
    backend_start tcp echo
    daemon_start
    hold 3 3
    wait_for 10 held_served 3
    run timeout 20 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" --timeout 1 text:more read:5
    [ "$(result text)" = '' ] || fail "a fourth connection was served"
    wait_for 20 no_links
    client text:after end drain
    result_is text after
}
held_served() { [ "$(ss -Htn state established "sport = :$PORT" | wc -l)" -ge "$1" ] && ss -Htn state established "dport = :${BACKEND##*:}" | awk 'END { exit NR < 3 }'; }
no_links() { [ "$(ss -Htn state established "sport = :$PORT" | wc -l)" = 0 ]; }

# -- stopping ------------------------------------------------------------------------------------------------------

@test "SIGTERM lets a transfer end, takes no new client, exits 0" {
    daemon_lines=('drain-timeout = 20s')
    backend_start tcp late:3000000 --delay 2
    daemon_start
    timeout 30 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" send:100000 end drain >"$T/client.out" 3>&- &
    local pid=$!
    wait_for 5 backend_connected
    kill -TERM "$DAEMON"
    wait_for 3 not_listening
    cpu_idle
    wait "$pid"
    output=$(<"$T/client.out")
    result_is in 3000000
    result_is end close_notify
    wait_for 3 daemon_gone
    [ "$(<"$T/rc")" = 0 ]
    DAEMON=
}
backend_connected() { [ "$(ss -Htn "dport = :${BACKEND##*:}" | wc -l)" != 0 ]; }
not_listening() { ! port_listens "$PORT"; }

@test "SIGTERM with nothing to drain exits at once" {
    backend_start tcp echo
    daemon_lines=('drain-timeout = 20s')
    daemon_start
    client text:x end drain
    daemon_stop TERM 2
}

@test "SIGTERM: a connection that does not end is cut at drain-timeout, exit 0" {
    daemon_lines=('drain-timeout = 1s')
    backend_start tcp echo
    daemon_start
    HELD=()
    hold 1 20
    wait_for 5 backend_connected
    local start=${EPOCHREALTIME/./}
    daemon_stop TERM 5
    ((${EPOCHREALTIME/./} - start > 800000)) || fail "it did not wait for drain-timeout"
    log_has 'end=drain' || fail "the connection's end was not logged as drain"
}

cut_at() { # STEP...: a client that is still there when drain-timeout has come
    daemon_start
    timeout 30 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" "$@" >"$T/client.out" 3>&- &
    local pid=$!
    wait_for 5 backend_connected
    daemon_stop TERM 5
    wait "$pid"
    log_has 'end=drain' || fail "the connection's end was not logged as drain"
    output=$(<"$T/client.out")
}

@test "SIGTERM: what is cut in the middle of its bytes is shown as a whole to neither side, what is quiet is ended" {
    daemon_lines=('drain-timeout = 1s')
    backend_start tcp drip
    cut_at drain
    [ "$(result in)" != 0 ] || fail "nothing came"
    result_is end reset
    backend_start tcp sink
    local steps=() i
    for ((i = 0; i < 200; i++)); do
        steps+=(text:more wait:0.05)
    done
    rm "$EVENTS"
    cut_at "${steps[@]}"
    event_is 1 end reset
    backend_start tcp echo
    rm "$EVENTS"
    cut_at text:hello read:6 drain
    result_is end close_notify
    event_is 1 end eof
}

@test "a second SIGTERM stops at once" {
    daemon_lines=('drain-timeout = 20s')
    backend_start tcp echo
    daemon_start
    HELD=()
    hold 1 20
    wait_for 5 backend_connected
    kill -TERM "$DAEMON"
    wait_for 3 not_listening
    daemon_stop TERM 2
}

@test "SIGINT stops at once, exit 0" {
    daemon_lines=('drain-timeout = 20s')
    backend_start tcp echo
    daemon_start
    HELD=()
    hold 1 20
    wait_for 5 backend_connected
    daemon_stop INT 2
}

@test "a port that is taken: exit 3, with the address, nothing left running" {
    backend_start tcp echo
    daemon_start
    run -3 timeout 10 "$TLS13D" --config "$T/tls13d.ini"
    assert_output --partial ":$PORT"
    client text:x end drain
    result_is text x
}
