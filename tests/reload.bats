#!/usr/bin/env bats
# Reloads under load, listeners that come and go, bad configurations, workers and masters that die.

load lib

workers() { pgrep -P "$DAEMON"; }
echo_works() {
    client "text:$1" end drain
    result_is text "$1"
}
closed() { ! port_listens "$1"; }

# listener NAME PORT: one more in tls13d.ini.
listener() {
    printf '[listen %s]\nbind = 127.0.0.1:%s\ncertificate = %s\nbackend = %s\n' "$1" "$2" "$PKI/p256.pem" "$BACKEND" >>"$T/tls13d.ini"
}

settled() { [ "$(workers | wc -l)" = "$1" ]; }

@test "100 reloads one after the other under load: no connection fails; descriptors, processes and memory are flat" {
    backend_start tcp echo
    daemon_start
    load_start
    local i fds memory
    for ((i = 0; i < 10; i++)); do daemon_reload; done
    wait_for 10 settled 1
    memory=$(daemon_memory)
    for ((i = 0; i < 90; i++)); do daemon_reload; done
    load_end
    wait_for 10 settled 1
    case $TLS13D in *san*) ;; *) (($(daemon_memory) - memory <= 512)) || fail "memory went from $memory to $(daemon_memory) KiB" ;; esac
    daemon_reload
    wait_for 10 settled 1
    fds=$(daemon_fds)
    for i in 1 2 3; do daemon_reload; done
    wait_for 10 settled 1
    fds_back "$fds"
    [ "$(grep -c 'reloaded: ' "$LOG")" = 104 ]
}

@test "20 SIGHUPs in a second under load: no connection fails; descriptors, processes and memory are flat" {
    backend_start tcp echo
    daemon_start
    local i round fds=0 memory=0
    for round in 1 2; do
        load_start
        for ((i = 0; i < 20; i++)); do
            kill -HUP "$DAEMON"
            sleep 0.05
        done
        load_end
        rm "$T/load.stop"
        wait_for 10 settled 1
        [ $round = 2 ] || { fds=$(daemon_fds) memory=$(daemon_memory); }
    done
    log_has 'reloaded: '
    fds_back "$fds"
    case $TLS13D in *san*) ;; *) (($(daemon_memory) - memory <= 512)) || fail "memory went from $memory to $(daemon_memory) KiB" ;; esac
}

@test "a listener is added, moved and removed by reload" {
    backend_start tcp echo
    daemon_start
    local first=$PORT second third
    second=$(free_port)
    listener u "$second"
    daemon_reload
    PORT=$second echo_works added
    echo_works first
    third=$(free_port)
    sed -i "s/:$second\$/:$third/" "$T/tls13d.ini"
    daemon_reload
    PORT=$third echo_works moved
    wait_for 5 closed "$second"
    sed -i '/listen u/,$d' "$T/tls13d.ini"
    daemon_reload
    wait_for 5 closed "$third"
    PORT=$first echo_works last
}

@test "reload with a bad key, a bad certificate or a taken port keeps serving, and binds nothing" {
    local taken free workers fds
    backend_start tcp echo
    taken=${BACKEND##*:}
    backend_start tcp echo
    daemon_start
    cp "$T/tls13d.ini" "$T/good.ini"
    free=$(free_port)
    workers=$(workers)
    echo_works before
    wait_for 5 no_links
    fds=$(daemon_fds)
    echo 'nonsense = 1' >>"$T/tls13d.ini"
    daemon_reload 'nothing was changed'
    cp "$T/good.ini" "$T/tls13d.ini"
    daemon_set certificate "$PKI/intermediate.crt"
    daemon_reload 'nothing was changed'
    cp "$T/good.ini" "$T/tls13d.ini"
    listener u "$free"
    listener v "$taken"
    daemon_reload 'nothing was changed'
    log_has "bind: .*:$taken"
    closed "$free"
    [ "$(workers)" = "$workers" ]
    fds_back "$fds"
    echo_works after
    cp "$T/good.ini" "$T/tls13d.ini"
    daemon_reload
    echo_works good
}
no_links() { [ -z "$(ss -Htn state established "sport = :$PORT")" ]; }

@test "SIGHUP while draining changes nothing: what is open ends in peace, status 0" {
    backend_start tcp echo
    daemon_start
    python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:one wait:1 text:two end drain >"$T/long.out" 3>&- &
    local client=$!
    PIDS+=("$client")
    wait_for 5 has_links
    kill -TERM "$DAEMON"
    log_wait draining
    kill -HUP "$DAEMON"
    log_wait 'no reload while draining'
    wait "$client"
    [ "$(jq -r .end "$T/long.out")" = close_notify ]
    [ "$(jq -r .in "$T/long.out")" = 8 ]
    wait_for 5 daemon_gone
    [ "$(<"$T/rc")" = 0 ]
    DAEMON=
}
has_links() { ! no_links; }

@test "a worker that is killed comes back" {
    backend_start tcp echo
    daemon_start
    local worker
    worker=$(workers)
    kill -KILL "$worker"
    log_wait "worker 0 .pid $worker. was killed by signal 9"
    wait_for 5 settled 1
    [ "$(workers)" != "$worker" ]
    echo_works again
}

@test "a master that is killed takes its workers along" {
    backend_start tcp echo
    daemon_start
    local worker
    worker=$(workers)
    PIDS+=("$worker")
    kill -KILL "$DAEMON"
    wait_for 5 ended "$worker"
    closed "$PORT"
    DAEMON=
}
ended() { ! kill -0 "$1" 2>/dev/null; }

@test "any address that cannot be bound at the start: status 3, nothing stays bound" {
    local taken
    backend_start tcp echo
    taken=${BACKEND##*:}
    backend_start tcp echo
    daemon_config
    listener u "$(free_port)"
    listener v "$taken"
    run -3 timeout 10 "$TLS13D" --config "$T/tls13d.ini"
    assert_output --partial ":$taken"
    closed "$PORT"
}
