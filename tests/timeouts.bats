#!/usr/bin/env bats
# Slow and silent peers: each timeout fires in its time, is logged with its reason, and gives everything back.

load lib

# took MIN MAX: the client's connection lasted that many ms.
took() {
    local ms
    ms=$(result ms)
    ((ms >= $1 && ms <= $2)) || fail "it took $ms ms, not $1 to $2"
}

# given_back COMMAND...: runs it once to warm up, then 20 times at once; descriptors and memory must be as before.
given_back() {
    local fds memory i pids=()
    "$@"
    wait_for 5 no_links
    fds=$(daemon_fds)
    memory=$(daemon_memory)
    for ((i = 0; i < 20; i++)); do
        "$@" 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    fds_back "$fds"
    # The sanitizers keep freed memory in quarantine.
    case $TLS13D in *san*) return ;; esac
    (($(daemon_memory) - memory <= 256)) || fail "memory went from $memory to $(daemon_memory) KiB"
}
no_links() { [ "$(ss -Htn state established "sport = :$PORT" | wc -l)" = 0 ]; }

quietly() { timeout 30 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" "$@" >/dev/null; }

@test "handshake-timeout: a client that says nothing" {
    backend_start tcp echo
    daemon_start 'handshake-timeout = 700ms'
    client raw drain
    # The kernel holds a silent connection back for about a second (TCP_DEFER_ACCEPT), and the timeout counts from accept.
    took 600 2900
    log_wait 'end=handshake-timeout'
    given_back quietly raw drain
}

@test "handshake-timeout: a ClientHello that never ends" {
    backend_start tcp echo
    daemon_start 'handshake-timeout = 700ms'
    client raw bytes:1603010200010001fc0303 wait:0.3 bytes:0000 wait:0.2 bytes:00 drain
    took 600 2900
    log_wait 'end=handshake-timeout'
    given_back quietly raw bytes:1603010200010001fc0303 drain
}

@test "handshake-timeout: a client that drips a byte at a time gets no more time for it" {
    backend_start tcp echo
    daemon_start 'handshake-timeout = 700ms'
    local steps=(bytes:1603010200010001fc0303) i
    for ((i = 0; i < 30; i++)); do
        steps+=(wait:0.05 bytes:00)
    done
    client raw "${steps[@]}" drain
    took 600 1900
    log_wait 'end=handshake-timeout'
}

@test "handshake-timeout: a client that stops after the server's flight" {
    backend_start tcp echo
    daemon_start 'handshake-timeout = 700ms'
    # s_client waits for its standard input before nothing; stop it as soon as it has sent its ClientHello.
    client --hello-records 1 --segments 1 text:ok end drain
    result_is handshake ok
    python3 -S - "$PORT" "$TOOLS" <<'PY'
import socket, ssl, sys
sys.path.insert(0, sys.argv[2])
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = ctx.wrap_bio(a, b)
try:
    tls.do_handshake()
except ssl.SSLWantReadError:
    pass
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(5)
s.sendall(b.read())
try:
    while s.recv(65536):
        pass
except ConnectionResetError:
    pass
PY
    log_wait 'end=handshake-timeout'
}

@test "a probe that connects and closes is not logged" {
    backend_start tcp echo
    daemon_start
    client raw fin drain
    client raw rst
    client text:x end drain
    log_wait 'end=closed'
    [ "$(grep -c ' end=' "$LOG")" = 1 ] || fail "more than one connection was logged"
}

@test "connect-timeout: a TCP backend whose queue is full" {
    backend_start tcp deaf
    daemon_start 'connect-timeout = 700ms'
    client text:x drain
    took 600 2500
    [ "$(result end)" != close_notify ] || fail "the client was shown an orderly end"
    log_wait 'end=connect-(timeout|failed)'
    given_back quietly text:x drain
}

@test "connect-timeout: a Unix backend whose queue is full" {
    backend_start unix deaf
    daemon_start 'connect-timeout = 700ms'
    client text:x drain
    took 0 2500
    [ "$(result end)" != close_notify ] || fail "the client was shown an orderly end"
    log_wait 'end=connect-(timeout|failed)'
    given_back quietly text:x drain
}

@test "idle-timeout: nobody says anything" {
    backend_start tcp echo
    daemon_start 'idle-timeout = 800ms'
    client text:hello read:6 drain
    took 700 2500
    log_wait 'end=idle'
    given_back quietly text:hello read:6 drain
}

@test "idle-timeout: bytes in either direction start it anew" {
    backend_start tcp echo
    daemon_start 'idle-timeout = 800ms'
    client text:a wait:0.5 text:b wait:0.5 text:c wait:0.5 text:d wait:0.5 text:e end drain
    result_is end close_notify
    result_is in 10
    log_wait 'end=closed'
}

@test "idle-timeout: a backend that reads nothing, while the client pushes" {
    backend_start tcp silent
    daemon_start 'idle-timeout = 800ms'
    client --timeout 10 --stall 2 push:67108864 drain
    log_wait 'end=idle'
    [ "$(result end)" != close_notify ]
}

@test "idle-timeout: a client that reads nothing, while the backend pushes" {
    backend_start tcp source:67108864
    daemon_start 'idle-timeout = 800ms'
    quietly pause:2.5 drain
    log_wait 'end=idle'
    event_is 1 end reset
}

@test "half-close-timeout: a backend that never answers the end" {
    backend_start tcp silent
    daemon_start 'half-close-timeout = 700ms'
    client text:x end drain
    took 600 2500
    log_wait 'end=(half-close|half-close-timeout|idle)( |$)'
    given_back quietly text:x end drain
}

@test "half-close-timeout: a client that never answers the end" {
    backend_start tcp source:1000
    daemon_start 'half-close-timeout = 700ms'
    client read:1000 drain pause:1.5
    result_is end close_notify
    log_wait 'end=(half-close|half-close-timeout|idle)( |$)'
    given_back quietly read:1000 drain pause:1.5
}

@test "half-close-timeout: bytes in the open direction start it anew" {
    backend_start tcp both:1000
    daemon_start 'half-close-timeout = 800ms'
    client drain text:a wait:0.1 pause:0.5 text:b pause:0.5 text:c pause:0.5 text:d pause:0.5 text:e end fin
    event_is 1 in 10
    event_is 1 end eof
    log_wait 'end=closed'
}
