#!/usr/bin/env bats
# The admin endpoint: each page over TCP and a Unix socket, each counter moved by what it counts, and what a client of it cannot do.
# admin_page.bats has the status page and the status command.

load lib
load admin

# -- the pages -----------------------------------------------------------------------------------------------------

pages_work() {
    get /healthz
    [ "$output" = ok ] || fail "$output"
    get /metrics
    run -0 promtool check metrics <<<"$output"
    assert_output ''
    header content-type 'text/plain; version=0.0.4; charset=utf-8'
    get /status
    jq -e '.ready and .workers.alive == 1 and (.listeners[0].name == "t") and (.history.active | length) > 100' <<<"$output" >/dev/null
    header content-type application/json
    get /
    assert_output --partial '<!DOCTYPE html>'
    header content-type 'text/html; charset=utf-8'
    for page in / /metrics /status /healthz /none; do
        get "$page"
        header x-content-type-options nosniff
        header cache-control no-store
        header content-length "$(stat -c %s "$T/body")"
        grep -qi "^content-security-policy: default-src 'none';" "$T/head" || fail "no policy on $page"
    done
}

@test "each page over TCP" {
    admin_start
    pages_work
}

@test "each page over a Unix socket, and over an abstract one" {
    ADMIN=unix:$T/admin.sock admin_start
    pages_work
    daemon_stop
    [ ! -e "$T/admin.sock" ] || fail "the socket's file was left behind"
    ADMIN=unix:@tls13d-test-$$ admin_start
    pages_work
}

@test "metrics of a daemon that has served are good, and stay so with names of any kind" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/odd.key" -out "$T/odd.crt" -days 1 \
        -subj '/CN=quote"back\\slash' 2>/dev/null
    cat "$T/odd.crt" "$T/odd.key" >"$T/odd.pem"
    CERTS+=("$T/odd.pem" "$PKI/rsa.pem" "$PKI/p384.pem")
    admin_start
    client text:x end drain
    get /metrics
    grep -qF 'name="quote\"back\\slash"' <<<"$output" || fail "the name is not there: $(grep expiry <<<"$output")"
    run -0 promtool check metrics <<<"$output"
    assert_output ''
    get /status
    jq -e '[.certificates[].name] | index("quote\"back\\slash")' <<<"$output" >/dev/null
}

@test "HEAD says what GET would, without a body" {
    admin_start
    for page in / /metrics /status /healthz /none; do
        run -0 curl -sS --max-time 5 -I "$URL$page"
        refute_output --partial '<'
        assert_output --partial 'Content-Length: '
    done
    raw 'HEAD /healthz HTTP/1.0\r\n\r\n'
    [ "${output: -4}" = $'\r\n\r' ] || [[ $output == *Content-Length:\ 3* && $output != *ok* ]] || fail "HEAD has a body"
}

@test "/healthz: 200 with a dead backend, 503 while no worker accepts and while draining" {
    BACKEND=127.0.0.1:$(free_port)
    daemon_lines=('drain-timeout = 20s')
    admin_start
    get /healthz 200
    kill -STOP "$DAEMON"
    kill -KILL "$(json '.workers.list[0].pid')"
    # A killed worker's block is only cleared by the master, which sleeps; it is missed when it gives no sign of life.
    wait_for 30 status_of /healthz 503
    kill -CONT "$DAEMON"
    wait_for 10 status_of /healthz 200
    BACKEND=
    backend_start tcp echo
    daemon_set backend "$BACKEND"
    daemon_reload
    wait_for 5 status_of /healthz 200
    client_held 10
    kill -TERM "$DAEMON"
    wait_for 5 status_of /healthz 503
    kill -TERM "$DAEMON"
    wait_for 5 daemon_gone
    DAEMON=
    run ! curl -sS --max-time 2 "$URL/healthz"
}
status_of() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$URL$1")" = "$2" ]; }

@test "the admin process is apart: unprivileged, without the listeners' sockets, started again when it dies, gone with the daemon" {
    admin_start
    wait_for 5 admin_pid
    local pid
    pid=$(admin_pid)
    if [ "$(id -u)" = 0 ]; then
        [ "$(awk '/^Uid:/ { print $2 $3 $4 $5 }' "/proc/$pid/status")" != 0000 ] || fail "it is root"
    fi
    [ "$(find "/proc/$pid/fd" -lname 'socket:*' | wc -l)" = 1 ] || fail "it has other sockets: $(ls -l "/proc/$pid/fd")"
    for worker in $(json '.workers.list[].pid'); do
        ! ss -Hltnp "sport = :${ADMIN##*:}" | grep -q "pid=$worker," || fail "a worker has the admin socket"
    done
    kill -KILL "$pid"
    log_wait 'the admin process .* was killed by signal 9'
    get /healthz 200
    [ "$(admin_pid)" != "$pid" ]
    [ "$(json .workers.restarts)" = 0 ]
    pid=$(admin_pid)
    daemon_stop
    [ ! -e "/proc/$pid" ] || fail "the admin process is left behind"
}

@test "a signal to the whole group, as Ctrl-C is one, is an end without an error" {
    admin_start
    wait_for 5 admin_pid
    local pid
    pid=$(admin_pid)
    kill -STOP "$DAEMON" # so that what comes first is what it finds first
    kill -INT "$pid"
    wait_for 5 eval '[[ $(ps -o stat= -p '"$pid"') == Z* ]]'
    kill -INT "$DAEMON"
    kill -CONT "$DAEMON"
    wait_for 5 daemon_gone
    [ "$(<"$T/rc")" = 0 ]
    ! log_has level=error || fail "$(grep level=error "$LOG")"
}

# The child that is no worker.
admin_pid() {
    local pid
    for pid in $(pgrep -P "$DAEMON"); do
        [ "$(json ".workers.list | any(.pid == $pid)")" = true ] || { echo "$pid"; return 0; }
    done
    return 1
}

# -- addresses -----------------------------------------------------------------------------------------------------

@test "a port conflict at start: exit 3, nothing left bound" {
    admin_start
    local other
    other=$(free_port)
    sed "s/127.0.0.1:$PORT/127.0.0.1:$other/" "$T/tls13d.ini" >"$T/second.ini"
    run -3 timeout 10 "$TLS13D" --config "$T/second.ini"
    assert_output --partial "admin: "
    assert_output --partial "${ADMIN##*:}"
    ! port_listens "$other" || fail "the listener's port is still bound"
    get /healthz 200
    daemon_stop
    touch "$T/file"
    sed -i "s|^admin = .*|admin = unix:$T/file|" "$T/second.ini"
    run -3 timeout 10 "$TLS13D" --config "$T/second.ini"
    ! port_listens "$other" || fail "the listener's port is still bound"
    [ -e "$T/file" ] || fail "a file that is no socket was removed"
}

@test "the address changes on reload; a conflict keeps the old one; the rest is as before" {
    admin_start
    local old=$URL taken next
    client text:x end drain
    next=$(free_port)
    daemon_set admin "127.0.0.1:$next"
    daemon_reload
    URL=http://127.0.0.1:$next
    get /healthz 200
    [ "$(json .counters.accepted)" = 1 ] || fail "counters were lost"
    [ "$(json .generation)" = 2 ]
    wait_for 5 refused "$old"
    taken=${BACKEND##*:}
    daemon_set admin "127.0.0.1:$taken"
    daemon_reload 'nothing was changed'
    get /healthz 200
    [ "$(json .reloads.failed)" = 1 ]
    daemon_set admin ''
    daemon_reload
    wait_for 5 refused "$URL"
    client text:x end drain
    daemon_set admin "unix:$T/a.sock"
    daemon_reload
    CURL=(--unix-socket "$T/a.sock") URL=http://localhost
    get /healthz 200
    [ "$(json .counters.accepted)" = 2 ]
    daemon_set admin ''
    daemon_reload
    wait_for 5 test ! -e "$T/a.sock"
}
refused() { [ "$(curl -s -o /dev/null --max-time 2 -w '%{exitcode}' "$1/healthz")" = 7 ]; }

@test "scrapes during reloads are all answered" {
    admin_start
    local i
    for ((i = 0; i < 10; i++)); do
        kill -HUP "$DAEMON"
        get /metrics 200
        get /status 200
    done
}

# -- bounds --------------------------------------------------------------------------------------------------------

@test "wrong methods, paths, versions and headers are refused" {
    admin_start
    answers 405 'POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n'
    grep -qi '^allow: GET, HEAD' <<<"$output" || fail "no Allow"
    answers 405 'DELETE / HTTP/1.1\r\nHost: x\r\n\r\n'
    answers 405 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc'
    answers 404 'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    answers 404 'GET /%%2e%%2e/%%2e%%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    answers 404 'GET //metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    answers 400 'GET /metrics HTTP/1.1\r\n\r\n'
    answers 400 'GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n'
    answers 400 'nonsense\r\n\r\n'
    answers 505 'GET / HTTP/3.0\r\nHost: x\r\n\r\n'
    answers 200 'GET /healthz HTTP/1.0\r\n\r\n'
    # A Host is neither needed to be ours nor said again.
    answers 200 'GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'
    refute_output --partial evil.example
    get /healthz 200
}

@test "a request that is too long is refused with 431, and read to its end" {
    admin_start
    run -0 curl -sS -o /dev/null -w '%{http_code}' --max-time 5 -H "X: $(head -c 7000 /dev/zero | tr '\0' a)" "$URL/healthz"
    assert_output 200
    run -0 curl -sS -o /dev/null -w '%{http_code}' --max-time 5 -H "X: $(head -c 20000 /dev/zero | tr '\0' a)" "$URL/healthz"
    assert_output 431
    run -0 curl -sS -o /dev/null -w '%{http_code}' --max-time 5 "$URL/$(head -c 20000 /dev/zero | tr '\0' a)"
    assert_output 431
    run -0 curl -sS -o /dev/null -w '%{http_code}' --max-time 5 "$URL/$(head -c 5000 /dev/zero | tr '\0' a)"
    assert_output 404
}

@test "a slow request is ended with 408 after 5 s, however it drips; a silent one without a word" {
    admin_start
    local fd start=${EPOCHREALTIME/./} i ms
    exec {fd}<>"/dev/tcp/127.0.0.1/${ADMIN##*:}"
    printf 'GET /healthz HTTP/1.1\r\nX: ' >&"$fd"
    for ((i = 0; i < 30; i++)); do
        { printf a >&"$fd"; } 2>/dev/null || break
        IFS= read -r -t 0.3 output <&"$fd" && break
    done
    [[ $output == *' 408 '* ]] || fail "the answer is $output"
    exec {fd}<&-
    ms=$(((${EPOCHREALTIME/./} - start) / 1000))
    ((ms > 4000 && ms < 8000)) || fail "it took $ms ms"
    exec {fd}<>"/dev/tcp/127.0.0.1/${ADMIN##*:}"
    run timeout 15 cat <&"$fd"
    assert_success
    assert_output ''
    exec {fd}<&-
}

@test "a connection is kept for more requests, one behind the other, and closed when that is asked" {
    admin_start
    run -0 curl -sS --max-time 5 -o /dev/null -w '%{num_connects} ' "$URL/healthz" "$URL/metrics" "$URL/none" --next -o /dev/null -w '%{num_connects} ' "$URL/" "$URL/status"
    [[ $output == '1 '* ]] || fail "$output"
    raw 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nHEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    [ "$(grep -c '^HTTP/1.1 200 OK' <<<"$output")" = 2 ] || fail "not two good answers"
    [ "$(grep -c '^HTTP/1.1 404' <<<"$output")" = 1 ] || fail "not one 404"
    [ "$(grep -c '^HTTP/1.1' <<<"$output")" = 3 ] || fail "an answer after close"
}

@test "200 idle connections hurt neither the proxy nor who asks next; CPU stays idle" {
    admin_start
    python3 -S - "${ADMIN##*:}" "$T/idle" <<'PY' 3>&- &
import socket, sys, time
held = []
for i in range(200):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
    s.sendall(b"GET /m")
    held.append(s)
open(sys.argv[2], "w").write("up")
time.sleep(15)
PY
    PIDS+=($!)
    disown
    wait_for 10 test -e "$T/idle"
    local i start=${EPOCHREALTIME/./}
    for i in 1 2 3; do
        get /healthz 200
        get /metrics 200
        client text:hello end drain
        result_is text hello
    done
    ((${EPOCHREALTIME/./} - start < 6000000)) || fail "it took too long"
    local fds=("/proc/$(admin_pid)/fd/"*)
    ((${#fds[@]} < 90)) || fail "the admin process holds ${#fds[@]} descriptors"
    cpu_idle
}

@test "who does not read the answer, and who resets, cost nothing" {
    admin_start
    python3 -S - "${ADMIN##*:}" <<'PY'
import socket, struct, sys, time
for i in range(100):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
    if i % 2:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
    else:
        s.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
PY
    get /healthz 200
    ! log_has 'admin process' || fail "it died"
}
