#!/usr/bin/env bats
# Several workers: who serves how much, and who comes back when.

load lib

workers() { pgrep -P "$DAEMON"; }
status() { curl -sS --max-time 10 --unix-socket "$T/admin.sock" http://localhost/status; }
# What each worker has accepted.
accepted() { status | jq -r '.workers.list // .workers | .[].accepted'; }

@test "connections are spread over the workers: evenly over TCP, over a shared socket so that none is left out" {
    local name=tls13d-workers-$$-$RANDOM n before=(0 0 0 0) after
    backend_start tcp echo
    daemon_lines=("admin = unix:$T/admin.sock" 'log-connections = off')
    daemon_config "bind = unix:@$name"
    daemon_set workers 4
    daemon_run
    python3 -S "$TOOLS/many_clients.py" "$PORT" "$PKI/ca.pem" 400 2
    mapfile -t after < <(accepted)
    [ ${#after[@]} = 4 ]
    # The kernel chooses by a hash: 100 each, and 40 more or less are nearly five standard deviations.
    for n in "${after[@]}"; do
        ((n >= 60 && n <= 140)) || fail "TCP: ${after[*]}"
    done
    before=("${after[@]}")
    python3 -S "$TOOLS/many_clients.py" "unix:@$name" "$PKI/ca.pem" 400 2
    mapfile -t after < <(accepted)
    # Whoever is free takes one: as even as the machine's load, but nobody is passed over.
    for n in 0 1 2 3; do
        ((after[n] - before[n] >= 20)) || fail "shared: ${before[*]}, then ${after[*]}"
    done
}

@test "a worker that dies again and again is started ever later, and the others serve meanwhile" {
    local death began took worker
    backend_start tcp echo
    daemon_config
    daemon_set workers 2
    daemon_run
    for death in 1 2 3 4; do
        worker=$(workers | tail -n 1)
        began=${EPOCHREALTIME/./}
        kill -KILL "$worker"
        wait_for 10 two_without "$worker" || fail "the worker is not started again"
        took=$(((${EPOCHREALTIME/./} - began) / 1000))
        echo "death $death: started again after $took ms"
        # 100, 200, 400 and 800 ms
        ((took >= 100 << (death - 1))) || fail "too soon"
        ((death > 1 || took < 1500)) || fail "too late"
        client "text:$death" end drain
        result_is text "$death"
    done
}
two_without() { [ "$(workers | wc -l)" = 2 ] && ! workers | grep -qx "$1"; }
