#!/usr/bin/env bats
# What workers have given up, and that they still serve.

load lib

workers() { pgrep -P "$DAEMON"; }

workers_are() { [ "$(workers | wc -l)" = "$1" ]; }
# The worker may write it as soon as it is there.
log_reopened() { [ -e "$LOG" ]; }

# field NAME PID: of /proc/PID/status.
field() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$2/status"; }

# tried NAME: what became of it in the sandbox.
tried() { sed -n "s/^$1: //p" <<<"$output"; }
tried_is() { [ "$(tried "$1")" = "$2" ] || fail "$1: $(tried "$1"), not $2"; }

echo_works() {
    client "text:$1" end drain
    result_is text "$1"
}

@test "workers run under seccomp, without new privileges, core dumps or a look from outside; the master too but for seccomp" {
    backend_start tcp echo
    daemon_start
    local p
    daemon_set workers 2
    daemon_reload
    wait_for 5 workers_are 2
    for p in $(workers); do
        [ "$(field Seccomp "$p")" = 2 ]
        [ "$(field NoNewPrivs "$p")" = 1 ]
    done
    [ "$(field NoNewPrivs "$DAEMON")" = 1 ]
    for p in "$DAEMON" $(workers); do
        grep -qE '^Max core file size +0 +0 ' "/proc/$p/limits"
        [[ $B == *san* ]] || [ "$(stat -c %U "/proc/$p/environ")" = root ]
    done
    ! log_has 'sandbox' || fail "there is a warning"
    echo_works hello
}

@test "a worker's sandbox refuses files, programs, sockets, ports, signals and code, and lets the log and the backend be" {
    [[ $B != *san* ]] || skip "the sanitizers need more"
    backend_start tcp echo
    mkdir "$T/log"
    echo secret >"$T/key.pem"
    run -0 "$B/tools/sandboxed" worker "$T/log/x.log" "$T/key.pem" "${BACKEND##*:}"
    tried_is log ok
    tried_is read-log EACCES
    tried_is read-file EACCES
    tried_is write-file EACCES
    tried_is stream ok
    tried_is datagram EPERM
    tried_is packet EPERM
    tried_is backend ok
    tried_is elsewhere EACCES
    tried_is signal EPERM
    tried_is code EPERM
    tried_is fork EPERM
    tried_is trace EPERM
    tried_is execve EPERM
}

@test "the admin process's sandbox has no socket to connect from" {
    [[ $B != *san* ]] || skip "the sanitizers need more"
    backend_start tcp echo
    run -0 "$B/tools/sandboxed" admin "$T/none" "$PKI/p256.pem" "${BACKEND##*:}"
    tried_is stream EPERM
    tried_is backend EPERM
    tried_is read-file EACCES
    tried_is execve EPERM
}

@test "in the sandbox: Unix, abstract and named backends, PROXY, reload, a log that is opened again" {
    mkdir "$T/log"
    chmod 777 "$T/log"
    daemon_lines=("log = $T/log/tls13d.log")
    backend_start unix echo
    daemon_start
    LOG=$T/log/tls13d.log
    echo_works unix
    mv "$LOG" "$LOG.1"
    kill -USR1 "$DAEMON"
    wait_for 5 log_reopened
    echo_works reopened
    log_wait 'alpn= .*end=closed'
    backend_start tcp echo
    daemon_set backend "localhost:${BACKEND##*:}"
    daemon_reload
    echo_works named
    daemon_set backend "$BACKEND"
    echo 'proxy-protocol = v1' >>"$T/tls13d.ini"
    daemon_reload
    client text:proxied end drain
    [[ $(result text) == 'PROXY TCP4 127.0.0.1 '*proxied ]]
    [ "$(field Seccomp "$(workers | tail -n 1)")" = 2 ]
}

@test "an abstract backend stays in reach" {
    local name=tls13d-test-$$-$RANDOM
    socat "ABSTRACT-LISTEN:$name,fork" EXEC:cat 3>&- &
    PIDS+=($!)
    BACKEND=unix:@$name
    daemon_start
    wait_for 5 grep -q "@$name" /proc/net/unix
    echo_works abstract
}

@test "sandbox = off is told as a warning, and the workers are in none" {
    daemon_lines=('sandbox = off')
    backend_start tcp echo
    daemon_start
    log_wait 'level=warning .*sandbox.* off'
    [ "$(field Seccomp "$(workers | head -n 1)")" = 0 ]
    [ "$(field NoNewPrivs "$(workers | head -n 1)")" = 1 ]
    echo_works hello
}

@test "a kernel that refuses the sandbox: two warnings, and it serves" {
    daemon_under=("$B/tools/sandboxed" refuse)
    backend_start tcp echo
    daemon_start
    log_wait 'level=warning .*refuses Landlock'
    log_wait 'level=warning .*refuses seccomp'
    echo_works hello
}

@test "the admin process is in its sandbox and answers" {
    backend_start tcp echo
    daemon_lines=("admin = unix:$T/admin.sock")
    daemon_start
    local p
    for p in $(workers); do
        wait_for 5 filtered "$p"
        [ "$(field NoNewPrivs "$p")" = 1 ]
    done
    [ "$(workers | wc -l)" = 2 ]
    run -0 curl -sSf --max-time 5 --unix-socket "$T/admin.sock" http://localhost/metrics
    assert_output --partial tls13d_connections_accepted_total
    run -0 curl -sSf --max-time 5 --unix-socket "$T/admin.sock" http://localhost/
    run -0 curl -sSf --max-time 5 --unix-socket "$T/admin.sock" http://localhost/status
}
filtered() { [ "$(field Seccomp "$1")" = 2 ]; }
