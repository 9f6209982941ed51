#!/usr/bin/env bats
# `keylog = FILE`: what it writes lets tshark read a capture of ours, and nobody is left unaware of it.

load lib

# A capture of the listener's port on the loopback, into $T/capture; skips where that is not allowed.
capture_start() {
    { command -v tshark && command -v dumpcap; } >/dev/null || skip "no tshark"
    : >"$T/capture.log"
    dumpcap -q -i lo -f "tcp port $PORT" -w "$T/capture" >"$T/capture.log" 2>&1 3>&- &
    CAPTURE=$!
    PIDS+=("$CAPTURE")
    wait_for 5 capture_decided || skip "dumpcap does not begin to capture"
    kill -0 "$CAPTURE" 2>/dev/null || skip "capturing is not possible here: $(head -n 1 "$T/capture.log")"
}
capture_decided() { grep -q '^File:' "$T/capture.log" || ! kill -0 "$CAPTURE" 2>/dev/null; }

# dissect [OPTION...]: tshark over the capture with the key log.
dissect() {
    run tshark -r "$T/capture" -o "tls.keylog_file:$T/keys" -d "tcp.port==$PORT,tls" -d "tls.port==$PORT,http" "$@"
}

fetch() {
    run -0 curl -sS --max-time 20 --cacert "$PKI/ca.pem" --resolve "localhost:$PORT:127.0.0.1" --tlsv1.3 "$@" "https://localhost:$PORT/secret-path"
    assert_output --partial 'a page from the backend'
}

@test "tshark reads a capture with it, each suite and HelloRetryRequest, and not without" {
    backend_start tcp http
    daemon_lines=("keylog = $T/keys")
    daemon_start 'groups = secp384r1, x25519'
    capture_start
    fetch --tls13-ciphers TLS_AES_128_GCM_SHA256 --curves X25519
    fetch --tls13-ciphers TLS_AES_256_GCM_SHA384 --curves X25519
    fetch --tls13-ciphers TLS_CHACHA20_POLY1305_SHA256 --curves X25519:secp384r1
    wait_for 10 three_requests || fail "tshark did not decrypt three requests: $output"
    kill -INT "$CAPTURE"
    dissect -Y 'http.response.code == 200'
    [ "$(grep -c 'HTTP/1.1 200' <<<"$output")" = 3 ] || fail "tshark did not decrypt three replies: $output"
    run tshark -r "$T/capture" -d "tcp.port==$PORT,tls" -Y http
    refute_output --partial 'secret-path'
}
three_requests() {
    dissect -Y 'http.request'
    [ "$(grep -c 'GET /secret-path' <<<"$output")" = 3 ]
}

@test "the file is its owner's alone, the log says what is going on, and the lines are the format's" {
    local label random
    backend_start tcp http
    daemon_lines=("keylog = $T/keys")
    daemon_start
    log_wait "warning.*KEYLOG: the secrets of every connection are written to $T/keys"
    assert_equal "$(stat -c %a "$T/keys")" 600
    fetch
    random=$(awk 'NR == 1 { print $2 }' "$T/keys")
    for label in CLIENT_HANDSHAKE_TRAFFIC_SECRET SERVER_HANDSHAKE_TRAFFIC_SECRET CLIENT_TRAFFIC_SECRET_0 SERVER_TRAFFIC_SECRET_0 EXPORTER_SECRET; do
        grep -qxE "$label $random [0-9a-f]{64,96}" "$T/keys" || fail "no $label"
    done
    assert_equal "$(wc -l <"$T/keys")" 5
}

@test "without the option there is no log of keys" {
    backend_start tcp http
    daemon_start
    fetch
    [ ! -e "$T/keys" ]
    run ! log_has KEYLOG
}
