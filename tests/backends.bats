#!/usr/bin/env bats
# Which backend a connection goes to: the least busy, not a failing one, by server name and protocol, wherever a name points now.

load lib
load admin

# hold N: N clients in the background that have connected and stay.
hold() {
    local i
    # shellcheck disable=SC2153 # PORT is lib.bash's
    for ((i = 0; i < $1; i++)); do
        timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:hello read:6 wait:50 >"$T/held.$i.out" 2>&1 3>&- &
        PIDS+=($!)
        disown
    done
}
# linked ADDRESS COUNT: so many connections to a backend.
linked() { [ "$(ss -Htn state established "dport = :${1##*:}" | wc -l)" = "$2" ]; }

@test "least connections: six that stay are two for each of three, and a freed place is taken next" {
    local a b
    backend_start tcp echo
    a=$BACKEND
    backend_start tcp echo
    b=$BACKEND
    backend_start tcp echo
    daemon_start "backend = $a" "backend = $b"
    hold 6
    wait_for 10 linked "$a" 2 && wait_for 10 linked "$b" 2 && wait_for 10 linked "$BACKEND" 2
    kill "${PIDS[3]}" "${PIDS[4]}"
    wait_for 5 eval '[ "$(ss -Htn state established "sport = :$PORT" | wc -l)" = 4 ]'
    hold 2
    wait_for 10 linked "$a" 2 && wait_for 10 linked "$b" 2 && wait_for 10 linked "$BACKEND" 2
}

@test "a backend that is down costs no connection, and is asked ever more seldom" {
    local dead turn
    dead=127.0.0.1:$(free_port)
    admin_start "backend = $dead"
    for turn in {1..20}; do
        client text:x end drain
        result_is text x
    done
    # Twenty clients took some seconds: it was tried after 1, 2 and 4 of them at most.
    # Its first failure is a warning with the reason.
    [ "$(grep -c "level=warning msg=\"backend fails\" listener=t backend=$dead why=\"Connection refused\"" "$LOG")" = 1 ]
    (($(metric "backend_target_failures_total{listener=\"t\",backend=\"$dead\"}") <= 6)) || fail "it was tried too often"
    [ "$(metric "backend_target_connects_total{listener=\"t\",backend=\"$BACKEND\"}")" = 20 ]
}

@test "a backend that flaps: reset, healthy, away, back; nothing is left behind" {
    local turn
    backend_start tcp flap
    admin_start
    for turn in {1..10}; do
        client text:x end drain
        [ "$(result text)" = x ] || [ "$(result end)" != close_notify ] || fail "a reset was shown as an orderly end"
    done
    kill -STOP "${PIDS[0]}"
    kill -KILL "${PIDS[0]}"
    client text:x drain
    [ "$(result end)" != close_notify ]
    wait_for 5 metric_is connections_active 0
    wait_for 5 metric_is buffers_leased 0
    [ "$(metric "backend_target_active{listener=\"t\",backend=\"$BACKEND\"}")" = 0 ]
}

@test "routes by server name and protocol: exact, one label under a star, the first that matches, else backend" {
    local name at n=1
    local -A at
    for name in exact star alpn second; do
        backend_start tcp source:$((n * 11))
        at[$name]=$BACKEND
        n=$((n + 1))
    done
    backend_start tcp source:99
    daemon_start 'alpn = h2, http/1.1' "route = sni:www.example.test ${at[exact]}" "route = sni:*.Example.test ${at[star]}" \
        "route = alpn:h2 ${at[alpn]}" "route = sni:localhost ${at[second]}"
    while read -r n sni alpn; do
        client --sni "$sni" ${alpn:+--alpn "$alpn"} drain
        result_is in "$n"
    done <<'END'
11 www.example.test
11 www.example.test h2
22 other.example.test
22 OTHER.EXAMPLE.TEST h2
33 localhost h2
33 localhost http/1.1,h2
44 localhost
44 localhost http/1.1
END
    # A label more is not under the star; who says no name has the rest.
    timeout 20 openssl s_client -connect "127.0.0.1:$PORT" -servername a.b.example.test -quiet </dev/null >"$T/s_client.out" 2>/dev/null || true
    timeout 20 openssl s_client -connect "127.0.0.1:$PORT" -noservername -quiet </dev/null >>"$T/s_client.out" 2>/dev/null || true
    [ "$(wc -c <"$T/s_client.out")" = 198 ] || fail "$(wc -c <"$T/s_client.out") bytes"
}

# -- names ---------------------------------------------------------------------------------------------------------

# In a mount namespace of its own the daemon has $T/hosts for /etc/hosts and asks nobody but 127.0.0.77 for other names.
with_hosts() {
    local own=(unshare -m)
    [ "$(id -u)" = 0 ] || own=(unshare -rm)
    "${own[@]}" true 2>/dev/null || skip "no mount namespaces"
    [ -e /etc/resolv.conf ] || skip "there is no /etc/resolv.conf"
    printf 'nameserver 127.0.0.77\noptions timeout:1 attempts:1\n' >"$T/resolv.conf"
    printf '%s\n' "$@" >"$T/hosts"
    # shellcheck disable=SC2016 # for the inner shell
    daemon_under=("${own[@]}" sh -c 'mount --bind "$0/hosts" /etc/hosts; mount --bind "$0/resolv.conf" /etc/resolv.conf; exec "$@"' "$T")
    daemon_lines=('user =')
}
@test "names are looked up again: one that moves, one that nobody knew; while nobody knows it the last address stays, over a reload too" {
    local port began
    with_hosts '127.0.0.1 svc.test'
    backend_start tcp echo
    port=${BACKEND##*:}
    backend_start tcp source:222 --at "127.0.0.2:$port"
    BACKEND=svc.test:$port
    daemon_start "route = sni:late.example.test late.test:$port"
    client text:one end drain
    result_is text one
    log_has "level=warning .*backend late.test:$port cannot be resolved"
    client --sni late.example.test text:one drain
    [ "$(result end)" != close_notify ]
    printf '%s\n' '127.0.0.2 svc.test' '127.0.0.1 late.test' >"$T/hosts"
    log_wait "backend svc.test:$port is 127.0.0.2:$port" 15
    client drain
    result_is in 222
    log_wait "backend late.test:$port is 127.0.0.1:$port"
    client --sni late.example.test text:late end drain
    result_is text late
    : >"$T/hosts"
    log_wait "backend svc.test:$port cannot be resolved: .*; the last address stays" 15
    client drain
    result_is in 222
    began=${EPOCHREALTIME/./}
    daemon_reload
    ((${EPOCHREALTIME/./} - began < 2000000)) || fail "the reload waited for the name server"
    client drain
    result_is in 222
}

# asks_for_nothing_more IDS: two processes or more are below the master; none of them is root or has a socket.
asks_for_nothing_more() {
    local pid pids
    mapfile -t pids < <(tree "$DAEMON" | tail -n +2)
    ((${#pids[@]} >= 2)) || return 1
    for pid in "${pids[@]}"; do
        [ "$(awk '/^(Uid|Gid):/ { print $2 $3 $4 $5 }' "/proc/$pid/status")" = "$1" ] || return 1
        [[ $(readlink "/proc/$pid/fd"/*) != *socket:* ]] || return 1
    done
}
@test "the first look at a name: whoever asks has neither root's rights nor a socket" {
    [ "$(id -u)" = 0 ] || skip "not root"
    local ids
    ids=$(id -u daemon)
    ids=$ids$ids$ids$ids$'\n'
    ids+=$(printf '%.0s'"$(id -g daemon)" 1 2 3 4)
    with_hosts
    rm "$T/hosts"
    mkfifo -m 644 "$T/hosts" # who reads it waits for the test
    daemon_lines=('user = daemon')
    BACKEND=slow.test:1
    daemon_start
    wait_for 4 asks_for_nothing_more "$ids" || fail "$(tree "$DAEMON" | xargs ps -o pid,ppid,user,args -p)"
    until log_has 'backend slow.test:1 cannot be resolved'; do
        timeout 1 sh -c ': >"$0"' "$T/hosts" || true
    done
}

@test "a name with several addresses: the first connection reaches the one that is served" {
    with_hosts '127.0.0.3 svc.test' '::1 svc.test' '127.0.0.1 svc.test'
    backend_start tcp echo
    BACKEND=svc.test:${BACKEND##*:}
    daemon_start
    client text:one end drain
    result_is text one
    client text:two end drain
    result_is text two
}
