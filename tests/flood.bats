#!/usr/bin/env bats
# Limits by address and rate, and good clients in the middle of a flood.

load lib
load admin

# flood COUNT KIND...: in the background until flood_end.
flood() {
    mkfifo "$T/flood.in"
    python3 -S "$TOOLS/flood.py" "$PORT" "$@" <"$T/flood.in" >"$T/flood.out" 2>&1 3>&- &
    FLOOD=$!
    PIDS+=("$FLOOD")
    disown
    exec 9>"$T/flood.in"
    wait_for 60 grep -q up "$T/flood.out" || fail "the flood did not come up: $(<"$T/flood.out")"
}
flood_end() {
    exec 9>&-
    wait_for 10 eval '! kill -0 "$FLOOD" 2>/dev/null'
    rm "$T/flood.in"
}

@test "silent clients, garbage, hellos that never end and flights without an answer: good clients are served, all the rest is reaped" {
    local turn fds
    admin_start 'handshake-timeout = 5s'
    client text:warm end drain
    wait_for 5 metric_is connections_active 0
    fds=$(daemon_fds)
    flood 150 silent garbage hello
    for turn in {1..20}; do
        client text:good end drain
        result_is text good
        (($(result ms) < 3000)) || fail "a good client took $(result ms) ms"
    done
    wait_for 15 metric_is connections_active 0
    # Nobody but the good ones got as far as the backend.
    [ "$(metric backend_connects_total)" = 21 ]
    fds_back "$fds"
    flood_end
    cpu_idle
}

@test "a handshake that does not get on holds no more memory than its ClientHello" {
    local before held
    admin_start 'handshake-timeout = 30s'
    client text:warm end drain
    before=$(daemon_memory)
    flood 300 started
    wait_for 20 eval '[ "$(json .gauges.active)" -ge 300 ]'
    held=$(($(daemon_memory) - before))
    # 16 KiB of hello and what a connection is: the sanitizers add to that.
    case $TLS13D in *san*) ;; *) ((held <= 300 * 26)) || fail "300 of them hold $held KiB" ;; esac
    cpu_idle
    flood_end
    wait_for 10 metric_is connections_active 0
    wait_for 5 metric_is buffers_leased 0
}

# v6 ADDRESS: a PROXY header of a client at that address, hex.
v6() { printf 'PROXY TCP6 %s 2001:db8::99 5000 443\r\n' "$1" | od -An -v -tx1 | tr -d ' \n'; }
# place ADDRESS: a client there that stays.
place() {
    timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" --prefix "$(v6 "$1")" text:hello read:6 wait:50 >"$T/held.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
}

@test "max-connections-per-ip: an IPv4 address, an IPv6 /64; a place that is given back is taken again; over all workers" {
    daemon_lines=('max-connections-per-ip = 2')
    admin_start
    daemon_set workers 3
    daemon_reload
    client_held 50
    local first=${PIDS[-1]}
    client_held 50
    wait_for 5 metric_is connections_active 2
    client text:third drain
    result_is text ''
    log_wait 'client=127\.0\.0\.1:.* end=limit'
    client --source 127.0.0.2 text:other end drain
    result_is text other
    kill "$first"
    wait_for 5 metric_is connections_active 1
    client text:third end drain
    result_is text third
    printf 'accept-proxy = on\n' >>"$T/tls13d.ini"
    daemon_reload
    place 2001:db8:0:1::1
    place 2001:db8:0:1:ffff::2
    wait_for 5 metric_is connections_active 3
    client --prefix "$(v6 2001:db8:0:1:5::5)" text:x drain
    result_is text ''
    client --prefix "$(v6 2001:db8:0:2::1)" text:x end drain
    result_is text x
}

@test "max-connections holds over all workers, whichever of them the kernel gives them to" {
    local turn
    daemon_lines=('max-connections = 4')
    admin_start
    daemon_set workers 3
    daemon_reload
    for turn in 1 2 3 4; do
        client_held 50
    done
    wait_for 10 metric_is connections_active 4
    timeout 30 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:late end drain >"$T/late.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 eval '(($(metric accept_waits_total) > 0))'
    [ "$(metric connections_active)" = 4 ]
    log_has 'level=warning msg="max-connections .4. is reached: who comes now waits until a connection ends"'
    cpu_idle
    (($(grep -c 'max-connections .4. is reached' "$LOG") <= 3)) || fail "each worker tells it more than once"
    [ ! -s "$T/late.out" ]
    kill "${PIDS[-2]}"
    wait_for 10 test -s "$T/late.out" || fail "the fifth was not served when there was room"
    [ "$(jq -r .text "$T/late.out")" = late ]
}

@test "handshakes-per-second: more than that wait their turn, and all are served" {
    local pids=() turn began took
    daemon_lines=('handshakes-per-second = 5')
    backend_start tcp echo
    daemon_start
    began=${EPOCHREALTIME/./}
    for turn in {1..16}; do
        timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:hello end drain >"$T/c.$turn.out" 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    ((took >= 1900)) || fail "16 handshakes at 5 a second took $took ms"
    for turn in {1..16}; do
        [ "$(jq -r .text "$T/c.$turn.out")" = hello ] || fail "client $turn was not served"
    done
}
