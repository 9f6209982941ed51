#!/usr/bin/env bats
# Tickets with real clients: taken up again, held to their policy, and passed over when anything has changed.

load lib

# first [OPTION...]: openssl's full handshake; its last ticket goes to $T/session.
first() {
    openssl_get -sess_out "$T/session" "$@"
    refute_output --partial 'Reused, TLSv1.3'
}
# again [OPTION...]: the same with that ticket.
again() { openssl_get -sess_in "$T/session" "$@"; }
resumed() { assert_output --partial 'Reused, TLSv1.3'; }
full() { assert_output --partial 'New, TLSv1.3'; }

# A -servername in the options goes before localhost.
openssl_get() {
    local name=(-servername localhost)
    [[ " $* " != *' -servername '* && " $* " != *' -noservername '* ]] || name=()
    run -0 timeout 20 bash -c '{ printf "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"; sleep 0.4; } | openssl s_client -connect "127.0.0.1:$0" \
        -CAfile "$1" -verify_return_error -tls1_3 "${@:2}"' "$PORT" "$PKI/ca.pem" "${name[@]}" "$@"
}

tickets_seen() { grep -c 'Post-Handshake New Session Ticket arrived' <<<"$output"; }

@test "openssl s_client resumes, ticket after ticket" {
    backend_start tcp http
    daemon_start
    first
    for _ in 1 2 3; do
        again -sess_out "$T/next"
        resumed
        mv "$T/next" "$T/session"
    done
    log_wait 'resumed=yes'
    for suite in TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
        first -ciphersuites "$suite"
        again -ciphersuites "$suite"
        resumed
    done
}

@test "after a HelloRetryRequest too" {
    backend_start tcp http
    daemon_start 'groups = secp384r1'
    first -groups X25519:P-384
    again -groups X25519:P-384
    resumed
    log_wait 'group=secp384r1 scheme= resumed=yes'
}

@test "gnutls-cli resumes" {
    backend_start tcp http
    daemon_start
    run timeout 20 bash -c 'sleep 0.5 | gnutls-cli --resume --x509cafile "$1" -p "$0" localhost' "$PORT" "$PKI/ca.pem"
    assert_output --partial 'This is a resumed session'
    log_wait 'resumed=yes'
}

@test "Python's ssl resumes" {
    backend_start tcp http
    daemon_start
    run -0 timeout 20 python3 -c '
import socket, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
ctx = ssl.create_default_context(cafile=ca)
session = None
for turn in range(3):
    with ctx.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost", session=session) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        s.recv(65536)
        session = s.session
        print("resumed" if s.session_reused else "full")' "$PORT" "$PKI/ca.pem"
    assert_output $'full\nresumed\nresumed'
}

@test "node resumes" {
    backend_start tcp http
    daemon_start
    run -0 timeout 20 node -e '
        const tls = require("tls"), [port, ca] = process.argv.slice(1), cert = require("fs").readFileSync(ca);
        const turn = (session, left) => {
            let kept;
            const s = tls.connect({host: "127.0.0.1", port, servername: "localhost", ca: cert, session}, () => {
                console.log(s.isSessionReused() ? "resumed" : "full");
                s.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            });
            s.on("session", (t) => { kept = t; });
            s.once("data", () => { s.end(); setTimeout(() => left && turn(kept, left - 1), 100); });
        };
        turn(undefined, 2);' "$PORT" "$PKI/ca.pem"
    assert_output $'full\nresumed\nresumed'
}

@test "as many tickets as configured, one after a resumption" {
    backend_start tcp http
    for n in 0 1 4; do
        daemon_start "tickets = $n"
        openssl_get -sess_out "$T/session"
        assert_equal "$(tickets_seen)" "$n"
        if [ "$n" != 0 ]; then
            again
            resumed
            assert_equal "$(tickets_seen)" 1
        fi
        daemon_stop
    done
}

@test "a ticket for one name is nothing for another" {
    backend_start tcp http
    daemon_start
    first
    openssl_get -sess_in "$T/session" -servername www.example.test
    full
    openssl_get -sess_in "$T/session" -noservername
    full
    again
    resumed
}

@test "an unknown name stays unknown with a ticket in hand" {
    backend_start tcp http
    daemon_start
    openssl_get -sess_out "$T/session" -servername nobody.example.com
    sed -i 's/^\[listen t\]$/&\nsni-strict = on/' "$T/tls13d.ini"
    kill -HUP "$DAEMON"
    log_wait 'msg=.*(reloaded|generation|reload)'
    wait_for 5 strict_now || fail "the old policy is still in force"
}
strict_now() {
    timeout 5 openssl s_client -connect "127.0.0.1:$PORT" -servername nobody.example.com -sess_in "$T/session" </dev/null 2>&1 |
        grep -q 'unrecognized name'
}

@test "a ticket's lifetime is counted from the full handshake, through all renewals" {
    backend_start tcp http
    daemon_lines=('ticket-lifetime = 3s')
    daemon_start
    first
    local began=$EPOCHSECONDS
    assert_output --regexp 'lifetime hint: [123] \(seconds\)'
    while ((EPOCHSECONDS - began < 2)); do
        again -sess_out "$T/next"
        resumed
        mv "$T/next" "$T/session"
    done
    wait_for 5 expired || fail "still resumed"
}
expired() {
    again
    [[ $output == *'New, TLSv1.3'* ]]
}

@test "two daemons share tickets by a file of keys, and keep them over a reload" {
    backend_start tcp http
    head -c 48 /dev/urandom >"$T/keys"
    chmod 600 "$T/keys"
    daemon_lines=("ticket-keys = $T/keys")
    daemon_start
    first
    kill -HUP "$DAEMON"
    again
    resumed
    daemon_stop
    daemon_start
    again
    resumed
    head -c 48 /dev/urandom >"$T/new"
    cat "$T/new" "$T/keys" >"$T/both"
    chmod 600 "$T/both"
    mv "$T/both" "$T/keys"
    daemon_stop
    daemon_start
    again -sess_out "$T/session2"
    resumed
    daemon_stop
    cp "$T/new" "$T/keys"
    daemon_start
    again
    full
    openssl_get -sess_in "$T/session2"
    resumed
}

@test "a ticket that was tampered with falls back to a full handshake" {
    backend_start tcp http
    daemon_start
    first
    # The ticket's bytes stand in the session's ASN.1 after tag [10].
    run -0 python3 - "$T/session" "$T/broken" <<'PY'
import base64, sys
text = open(sys.argv[1]).read().split("-----")[2]
der = bytearray(base64.b64decode(text))
at = der.index(b"\xaa\x81")
der[at + 60] ^= 1
body = base64.encodebytes(bytes(der)).decode()
open(sys.argv[2], "w").write("-----BEGIN SSL SESSION PARAMETERS-----\n" + body + "-----END SSL SESSION PARAMETERS-----\n")
PY
    openssl_get -sess_in "$T/broken"
    full
}

@test "0-RTT that openssl offers is skipped, and the connection works" {
    backend_start tcp http
    daemon_start
    first
    # The ticket offers none, so the session is told that it does: max_early_data [15].
    run -0 python3 - "$T/session" "$T/early" <<'PY'
import base64, sys
def length(n):
    return bytes([n]) if n < 128 else bytes([0x82, n >> 8, n & 255])
text = open(sys.argv[1]).read().split("-----")[2]
der = base64.b64decode(text)
skip = 2 if der[1] < 128 else 2 + (der[1] & 127)
body = der[skip:]
body += b"\xaf\x04\x02\x02\x40\x00"
# elements are in ascending order of tag; [15] belongs behind all lower ones and before higher ones
parts, at = [], 0
while at < len(body):
    n, head = body[at + 1], 2
    if n >= 128:
        head = 2 + (n & 127)
        n = int.from_bytes(body[at + 2:at + head], "big")
    parts.append(body[at:at + head + n])
    at += head + n
plain = [p for p in parts if p[0] < 0xa0]
tagged = sorted((p for p in parts if p[0] >= 0xa0 and p[0] != 0xaf), key=lambda p: p[0])
early = [p for p in parts if p[0] == 0xaf][-1:]
tagged = sorted(tagged + early, key=lambda p: p[0])
whole = b"".join(plain + tagged)
out = base64.encodebytes(b"\x30" + length(len(whole)) + whole).decode()
open(sys.argv[2], "w").write("-----BEGIN SSL SESSION PARAMETERS-----\n" + out + "-----END SSL SESSION PARAMETERS-----\n")
PY
    printf 'GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n' >"$T/early.txt"
    openssl_get -sess_in "$T/early" -early_data "$T/early.txt"
    assert_output --partial 'Early data was rejected'
    resumed
    log_wait 'resumed=yes'
}

# What the client sent on its second connection: with 3,000 bytes of 0-RTT, more than a thousand.
second_told() { [ "$(wc -l <"$T/switch")" = 3 ]; }

@test "0-RTT that gnutls-cli offers is skipped, and the connection works" {
    local other
    backend_start tcp http
    daemon_start
    # It takes up a session of another server, which takes 0-RTT.
    other=$(free_port)
    gnutls-serv --earlydata --maxearlydata 16384 --x509certfile "$PKI/p256.pem" --x509keyfile "$PKI/p256.pem" -p "$other" --echo \
        </dev/null >"$T/serv" 2>&1 3>&- &
    PIDS+=($!)
    disown
    "$TOOLS/switch.py" "$other" "$PORT" >"$T/switch" 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 port_listens "$other"
    wait_for 5 test -s "$T/switch"
    printf '%03000d' 0 >"$T/early"
    run -0 timeout 20 bash -c '{ until [ "$(wc -l <"$1/switch")" = 2 ]; do sleep 0.1; done; sleep 0.5
            printf "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"; sleep 0.5; } |
        gnutls-cli --resume --waitresumption --earlydata="$1/early" --x509cafile "$2" -p "$0" localhost' \
        "$(head -n 1 "$T/switch")" "$T" "$PKI/ca.pem"
    assert_output --partial 'Connecting again'
    assert_output --partial 'a page from the backend'
    log_wait 'resumed=no'
    wait_for 5 second_told
    [ "$(tail -n 1 "$T/switch")" -gt 3000 ]
}
