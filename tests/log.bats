#!/usr/bin/env bats
# The log: both formats, each place it can go to, every word of end=, folding, and nothing from the network that could forge a line.

load lib

plain() { client text:hello end drain; }

# lines_are_json: every line of $LOG is one JSON object.
lines_are_json() { jq -es 'length > 0 and all(type == "object")' "$LOG" >/dev/null || fail "no JSON: $(<"$LOG")"; }

# -- one line a connection -----------------------------------------------------------------------------------------

FIELDS='listener client sni alpn version suite group scheme resumed client-cert backend in out handshake_ms duration_ms end'

@test "logfmt: a connection's line has its fields in their order, and what they say is so" {
    backend_start tcp echo
    daemon_start 'alpn = h2' 'groups = x25519'
    client --alpn h2 --sni www.example.test text:hello end drain
    log_wait ' end=closed$'
    local line
    line=$(grep ' end=' "$LOG")
    [ "$(grep -oE '(^| )[a-z_-]+=' <<<"$line" | tr -d ' =' | tr '\n' ' ')" = "time level $FIELDS " ] || fail "$line"
    [[ $line =~ ^time=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\ level=info\ listener=t\ client=127\.0\.0\.1:$(result port)\ sni=www\.example\.test\ alpn=h2\ version=TLSv1\.3\ suite=$(result suite)\ group=x25519\ scheme=ecdsa_secp256r1_sha256\ resumed=no\ client-cert=\ backend=$BACKEND\ in=6\ out=6\ handshake_ms=[0-9]+\ duration_ms=[0-9]+\ end=closed$ ]] ||
        fail "$line"
}

@test "json: the same as an object a line, numbers as numbers, messages too" {
    daemon_lines=('log-format = json')
    backend_start tcp echo
    daemon_start
    plain
    client --tls12 text:x drain
    log_wait '"end":"sent:protocol_version"'
    lines_are_json
    [ "$(jq -r 'select(.end == "closed") | keys_unsorted | join(" ")' "$LOG")" = "time level $FIELDS" ]
    [ "$(jq -c 'select(.end == "closed") | [.in, .out, .level, .resumed]' "$LOG")" = '[6,6,"info","no"]' ]
    [ "$(jq -r 'select(.msg | strings | startswith("ready: ")) | .level' "$LOG")" = info ]
}

@test "log-connections = off writes none; log-level leaves out what is less important; debug is more" {
    daemon_lines=('log-connections = off')
    backend_start tcp echo
    daemon_start
    plain
    client --tls12 text:x drain
    daemon_stop
    DAEMON=
    log_has 'msg=ended'
    ! log_has ' end=' || fail "a connection was logged"
    daemon_lines=('log-level = warning' 'sandbox = off')
    daemon_start
    plain
    daemon_stop
    log_has 'level=warning .*sandbox'
    ! log_has 'level=info' || fail "there is an info line"
    daemon_lines=('log-level = error' 'sandbox = off')
    daemon_start
    plain
    daemon_set certificate /nowhere
    daemon_reload 'nothing was changed'
    ! grep -qv 'level=error' "$LOG" || fail "there are other lines: $(<"$LOG")"
    daemon_set certificate "$PKI/p256.pem"
    daemon_stop
    # A backend that fails is told once, and when it answers again; debug tells each failure.
    daemon_lines=('log-level = debug')
    local good=$BACKEND port
    port=$(free_port)
    BACKEND=127.0.0.1:$port
    daemon_start
    client text:x drain
    client text:x drain
    log_wait "level=debug msg=\"backend fails\" listener=t backend=$BACKEND why=\"Connection refused\""
    [ "$(grep -c 'level=warning msg="backend fails"' "$LOG")" = 1 ]
    socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "TCP:$good" >/dev/null 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 port_listens "$port"
    plain
    log_wait "level=info msg=\"backend answers again\" listener=t backend=$BACKEND"
}

# -- end= ----------------------------------------------------------------------------------------------------------

@test "every word of end= comes of what it tells" {
    daemon_lines=('max-connections-per-ip = 1' 'drain-timeout = 500ms')
    backend_start tcp echo
    daemon_start 'handshake-timeout = 700ms' 'idle-timeout = 600ms' 'half-close-timeout = 600ms'
    plain
    log_wait 'end=closed$'
    client text:x fin drain
    log_wait 'end=truncated$'
    client text:x read:2 drain
    log_wait 'end=idle$'
    client raw bytes:160301 drain
    log_wait 'end=handshake-timeout$'
    client raw bytes:160301 fin drain
    log_wait 'end=handshake-closed$'
    client --tls12 text:x drain
    log_wait 'end=sent:protocol_version$'
    # shellcheck disable=SC2153 # lib.bash's
    openssl s_client -connect "127.0.0.1:$PORT" -verify_return_error </dev/null >/dev/null 2>&1 || true
    log_wait 'end=alert:unknown_ca$'
    client text:x read:2 rst
    log_wait 'end=reset$'
    # One that stays, beyond the next clients' start.
    daemon_set idle-timeout 20s
    daemon_reload
    timeout 20 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:x read:2 wait:10 >"$T/held.out" 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 eval '[ -n "$(ss -Htn state established "dport = :${BACKEND##*:}")" ]'
    client raw bytes:16 drain
    log_wait 'end=limit$'
    # The old generation's connections are cut when drain-timeout is over.
    daemon_set backend "127.0.0.1:$(free_port)"
    daemon_set max-connections-per-ip 0
    daemon_reload
    log_wait 'end=drain$'
    client text:x drain
    log_wait 'end=connect-failed$'
    printf '%s\n' 'accept-proxy = on' 'accept-proxy-from = 127.0.0.0/30' >>"$T/tls13d.ini"
    daemon_reload
    client raw bytes:474554202f drain
    log_wait 'end=proxy-header$'
    client --source 127.0.0.9 raw bytes:50 drain
    log_wait 'end=refused$'
}

# -- what the network says -----------------------------------------------------------------------------------------

@test "server names with NUL, newline, comma, quotes, escapes, 254 bytes, dots, capitals and addresses forge nothing" {
    local name logged format n=0
    backend_start tcp echo
    for format in logfmt json; do
        daemon_lines=("log-format = $format" 'log-level = debug')
        daemon_start 'sni-strict = on'
        # Nobody has it, and so it is refused; the log says what was asked for.
        client raw "bytes:$(python3 -S "$TOOLS/hello.py" "$(printf 'NOBODY.example.ORG' | od -An -v -tx1 | tr -d ' \n')")" drain
        [[ $(result raw) == *70 ]] || fail "$(result raw)"
        log_wait 'nobody\.example\.org'
        # Hex on the wire: a NUL, a newline with a whole forged line behind it, a comma, a quote and a backslash, an escape, 0xff.
        for name in 612e62002e63 "$(printf 'a\nlevel=info listener=t end=closed' | od -An -v -tx1 | tr -d ' \n')" 612c622e63 6122625c2e63 611b5b33316d \
            ff2e62 "$(printf '61%.0s' {1..254})" 612e622e 3132372e302e302e31 ''; do
            client raw "bytes:$(python3 -S "$TOOLS/hello.py" "$name")" drain
            [[ $(result raw) == 150301000202* || $(result raw) == 1503030002* ]] || fail "$name: $(result raw)"
        done
        wait_for 5 logged_all
        [ "$(LC_ALL=C grep -cP '[^\x20-\x7e]' "$LOG")" = 0 ] || fail "raw bytes in the log"
        if [ $format = json ]; then
            lines_are_json
            [ "$(jq -s 'map(select(.end == "closed")) | length' "$LOG")" = 0 ]
        else
            ! grep -qv '^time=' "$LOG" || fail "a forged line"
        fi
        daemon_stop
    done
}

logged_all() { [ "$(grep -cE 'sni(=|":")' "$LOG")" = 11 ]; }

@test "a flood of one failure is a line a second with a count, and the last count is told too" {
    backend_start tcp echo
    daemon_start
    local i n
    for ((i = 0; i < 40; i++)); do
        printf 'GET / HTTP/1.1\r\n\r\n' >"/dev/tcp/127.0.0.1/$PORT"
    done
    wait_for 5 all_told
    n=$(grep -c 'end=sent:' "$LOG")
    ((n < 20)) || fail "$n lines"
    # A failure of another kind is not held back by it.
    client --tls12 text:x drain
    log_wait 'end=sent:protocol_version$'
}
# Lines, and what they or a later one say was left out.
all_told() { [ "$(awk '/sent:unexpected_message/ { if ($0 ~ /end=/) n++; if (match($0, /folded=[0-9]+/)) n += substr($0, RSTART + 7, RLENGTH - 7) } END { print n + 0 }' "$LOG")" = 40 ]; }

# -- where it goes -------------------------------------------------------------------------------------------------

@test "to a file: made for nobody else, appended to, opened again on SIGUSR1 by every process" {
    mkdir -m 755 "$T/log" # as /var/log: the workers may not make files there
    daemon_lines=("log = $T/log/a.log")
    backend_start tcp echo
    daemon_start
    plain
    LOG=$T/log/a.log log_wait 'end=closed'
    [ "$(stat -c %a "$T/log/a.log")" = 640 ]
    [ ! -s "$LOG" ] || fail "standard error has: $(<"$LOG")"
    mv "$T/log/a.log" "$T/log/a.log.1"
    kill -USR1 "$DAEMON"
    wait_for 5 test -e "$T/log/a.log"
    wait_for 5 eval '[ "$(readlink /proc/$(pgrep -P "$DAEMON" | head -n 1)/fd/* | grep -c "a.log$")" -ge 1 ]'
    client text:again end drain
    LOG=$T/log/a.log log_wait 'end=closed'
    [ "$(grep -c 'end=closed' "$T/log/a.log.1")" = 1 ]
    # A reload moves it elsewhere.
    daemon_set log "$T/log/b.log"
    kill -HUP "$DAEMON"
    LOG=$T/log/b.log wait_for 5 eval 'log_has "reloaded: "'
    plain
    LOG=$T/log/b.log log_wait 'end=closed'
    daemon_stop
    LOG=$T/log/b.log log_has 'msg=ended'
}

@test "a pipe that nobody empties loses lines, not the daemon, and it tells how many" {
    mkfifo "$T/pipe"
    exec 8<>"$T/pipe"
    # shellcheck disable=SC2016 # for the inner shell
    daemon_under=(bash -c 'exec "$@" 2>"$0" 8>&-' "$T/pipe")
    backend_start tcp echo
    daemon_start
    dd if=/dev/zero of="$T/pipe" bs=4k oflag=nonblock 2>/dev/null || true
    local i
    for i in 1 2 3; do
        CLIENT_SECONDS=5 plain
        result_is text hello
    done
    stdbuf -o0 tr -d '\0' <"$T/pipe" >>"$LOG" 8>&- 3>&- &
    PIDS+=($!)
    exec 8>&-
    disown
    wait_for 5 log_has ready:
    plain
    log_wait 'the log could not be written: 3 lines are lost'
    # A pipe as the log's file that nobody has opened is an error, not a start that never ends.
    daemon_stop
    daemon_under=()
    mkfifo "$T/nobody"
    daemon_lines=("log = $T/nobody")
    daemon_config
    run -1 timeout 5 "$TLS13D" --config "$T/tls13d.ini"
    assert_output --partial "log: cannot open $T/nobody: No such device or address"
}

# A syslog daemon at /dev/log of a mount namespace, to $T/syslog.
syslogd_start() {
    rm -f "$T/dev/log"
    python3 -S - "$T/dev/log" >>"$T/syslog" 3>&- <<'PY' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
while True:
    print(s.recv(65536).decode("latin-1"), flush=True)
PY
    SYSLOGD=$!
    PIDS+=("$SYSLOGD")
    disown
    wait_for 5 test -S "$T/dev/log"
}

@test "to syslog: daemon's facility and priorities, no time of its own, again when syslog was started anew" {
    local own=(unshare -m)
    [ "$(id -u)" = 0 ] || own=(unshare -rm)
    "${own[@]}" true 2>/dev/null || skip "no mount namespaces"
    mkdir "$T/dev"
    touch "$T/dev/null" "$T/dev/urandom"
    syslogd_start
    # shellcheck disable=SC2016 # for the inner shell
    daemon_under=("${own[@]}" sh -c 'for f in null urandom; do mount --bind /dev/$f "$0/$f"; done; mount --rbind "$0" /dev; exec "$@"' "$T/dev")
    daemon_lines=('log = syslog' 'user =')
    backend_start tcp echo
    daemon_start
    LOG=$T/syslog log_wait '^<30>... .* tls13d\[[0-9]+\]: level=info msg="ready: '
    LOG=$T/syslog log_wait '^<28>... .* tls13d\[[0-9]+\]: level=warning .*root'
    plain
    LOG=$T/syslog log_wait "^<30>... .* tls13d\\[$(pgrep -P "$DAEMON" | head -n 1)\\]: level=info listener=t .* end=closed\$"
    ! grep -q 'time=' "$T/syslog" || fail "a time of its own"
    [ ! -s "$LOG" ] || fail "standard error has: $(<"$LOG")"
    kill "$SYSLOGD"
    : >"$T/syslog"
    wait_for 5 eval '! kill -0 "$SYSLOGD" 2>/dev/null'
    client text:lost end drain
    syslogd_start
    client text:found end drain
    LOG=$T/syslog log_wait 'end=closed'
}
