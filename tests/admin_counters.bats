#!/usr/bin/env bats
# Each counter and gauge of /metrics is moved by what it counts, and by how much.

load lib
load admin

# -- handshakes ----------------------------------------------------------------------------------------------------

# s_client OPTION...: a handshake and a line to the echo backend.
s_client() {
    timeout 20 bash -c '{ echo hello; sleep 0.4; } | openssl s_client -connect "127.0.0.1:$0" -servername localhost -CAfile "$1" "${@:2}"' \
        "$PORT" "$PKI/ca.pem" "$@" >"$T/s_client.out" 2>&1 || true
}
plain() { client text:hello end drain; }

@test "full handshakes, by suite and group; their time; by listener" {
    admin_start
    counted 1 'handshakes_total{kind="full"}' plain
    counted 1 'listener_handshakes_total{listener="t"}' plain
    counted 1 'handshake_seconds_count' plain
    counted 1 'handshake_seconds_bucket{le="+Inf"}' plain
    counted 1 'backend_connects_total' plain
    counted 1 'backend_connect_seconds_count' plain
    counted 1 'backend_target_connects_total{listener="t",backend="'"$BACKEND"'"}' plain
    counted 1 'connections_ended_total{end="closed"}' plain
    counted 1 'listener_connections_accepted_total{listener="t"}' plain
    counted 1 'connections_accepted_total' plain
    counted 0 'handshakes_failed_total' plain
    for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
        counted 1 "handshakes_by_suite_total{suite=\"$suite\"}" s_client -ciphersuites $suite
    done
    counted 1 'handshakes_by_group_total{group="x25519"}' s_client -groups X25519
    counted 1 'handshakes_by_group_total{group="secp256r1"}' s_client -groups P-256
    counted 1 'handshakes_by_group_total{group="secp384r1"}' s_client -groups P-384
    [ "$(metric 'handshakes_by_group_total{group="other"}')" = 0 ]
    [ "$(metric handshake_seconds_sum)" != 0.000000 ]
}

@test "the hybrid group" {
    backend_start tcp http
    admin_start
    run timeout 30 node "$TOP/tests/interop/hybrid_client.mjs" "$PORT" "$PKI/ca.pem" 1301
    [ "$status" != 77 ] || skip "$(sed -n 's/^SKIP: //p' <<<"$output")"
    wait_for 5 metric_is 'handshakes_by_group_total{group="X25519MLKEM768"}' 1
}

@test "resumed handshakes; the ticket key's age" {
    admin_start
    s_client -sess_out "$T/session"
    counted 1 'handshakes_total{kind="resumed"}' s_client -sess_in "$T/session"
    counted 0 'handshakes_total{kind="full"}' s_client -sess_in "$T/session"
    wait_for 5 older_than 1
    daemon_reload
    (($(metric ticket_key_age_seconds) >= 1)) || fail "a reload made a new ticket key"
}
older_than() { (($(metric ticket_key_age_seconds) > $1)); }

@test "handshakes that took a retry" {
    admin_start 'groups = secp384r1'
    counted 1 handshakes_retried_total s_client -groups X25519:P-384
    counted 0 handshakes_retried_total s_client -groups P-384
}

@test "failed handshakes: by error, by alert sent and received, by listener" {
    admin_start 'alpn = h2'
    old() { client --tls12 text:x drain; }
    counted 1 'handshakes_failed_total' old
    counted 1 'listener_handshakes_failed_total{listener="t"}' old
    counted 1 'handshake_errors_total{error="VERSION"}' old
    counted 1 'alerts_sent_total{alert="protocol_version"}' old
    counted 1 'connections_ended_total{end="sent"}' old
    counted 1 'handshake_errors_total{error="NO_ALPN"}' client --alpn http/1.1 text:x drain
    counted 1 'alerts_sent_total{alert="no_application_protocol"}' client --alpn http/1.1 text:x drain
    distrustful() { openssl s_client -connect "127.0.0.1:$PORT" -verify_return_error -alpn h2 </dev/null >"$T/s_client.out" 2>&1 || true; }
    counted 1 'alerts_received_total{alert="unknown_ca"}' distrustful
    counted 1 'handshake_errors_total{error="ALERT"}' distrustful
    counted 1 'connections_ended_total{end="alert"}' distrustful
    # Cut short: a ClientHello whose length says more than it holds.
    counted 1 'handshake_errors_total{error="DECODE"}' client raw bytes:16030100050100000103 drain
    counted 1 'connections_ended_total{end="handshake-closed"}' client raw bytes:160301 fin drain
    [ "$(metric handshakes_active)" = 0 ]
}

@test "what is not TLS; probes" {
    admin_start
    counted 1 'connections_refused_total{reason="not-tls"}' client raw bytes:474554202f20485454502f312e310d0a0d0a drain
    counted 1 'handshake_errors_total{error="NOT_TLS"}' client raw bytes:474554202f20485454502f312e310d0a0d0a drain
    # The kernel hands over who says nothing but at his end.
    counted 1 probes_total client raw fin drain
    counted 0 handshakes_failed_total client raw fin drain
}

@test "handshake-timeout" {
    admin_start 'handshake-timeout = 300ms'
    counted 1 'connections_ended_total{end="handshake-timeout"}' client raw bytes:160301 drain
}

# -- limits --------------------------------------------------------------------------------------------------------

@test "refused by the limit of one address; connections open" {
    daemon_lines=('max-connections-per-ip = 1')
    admin_start
    client_held 20
    [ "$(metric connections_active)" = 1 ]
    [ "$(metric 'listener_connections_active{listener="t"}')" = 1 ]
    [ "$(metric 'backend_target_active{listener="t",backend="'"$BACKEND"'"}')" = 1 ]
    counted 1 'connections_refused_total{reason="per-ip"}' client raw bytes:16 drain
    [ "$(metric connections_active)" = 1 ]
}

@test "refused for a PROXY header, and for who sends it" {
    admin_start 'accept-proxy = on' 'accept-proxy-from = 127.0.0.0/8'
    counted 1 'connections_refused_total{reason="proxy-header"}' client raw bytes:474554202f0d0a0d0a drain
    daemon_set accept-proxy-from '192.0.2.0/24'
    daemon_reload
    counted 1 'connections_refused_total{reason="proxy-header"}' client raw bytes:50524f5859 drain
}

@test "accepting that waits for a limit, and for descriptors" {
    daemon_lines=('user =' 'handshakes-per-second = 2')
    admin_start
    several() { plain && plain && plain && plain; }
    local before
    before=$(metric accept_waits_total)
    several
    (($(metric accept_waits_total) > before)) || fail "nothing waited"
    daemon_set handshakes-per-second 0
    daemon_reload
    local worker
    worker=$(json '.workers.list[-1].pid')
    [ "$(metric accept_errors_total)" = 0 ]
    prlimit --pid "$worker" --nofile=3:
    timeout 20 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:x end drain >"$T/late.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 eval '(($(metric accept_errors_total) > 0))'
    prlimit --pid "$worker" --nofile=1000:
    wait_for 10 eval '[ "$(metric connections_active)" = 0 ] && [ "$(metric "handshakes_total{kind=\"full\"}")" = 5 ]'
}

# -- the relay -----------------------------------------------------------------------------------------------------

@test "bytes each way, also by listener" {
    admin_start
    counted 100000 received_bytes_total client send:100000 end drain
    counted 100000 sent_bytes_total client send:100000 end drain
    counted 100000 'listener_received_bytes_total{listener="t"}' client send:100000 end drain
    counted 100000 'listener_sent_bytes_total{listener="t"}' client send:100000 end drain
}

@test "backends that fail, and come back" {
    local http
    http=$(free_port)
    BACKEND=127.0.0.1:$http
    admin_start
    local of='{listener="t",backend="'"$BACKEND"'"}'
    counted 1 backend_failures_total plain
    counted 1 "backend_target_failures_total$of" plain
    counted 1 'connections_ended_total{end="connect-failed"}' plain
    counted 1 'alerts_sent_total{alert="internal_error"}' plain
    [ "$(metric "backend_target_failing$of")" = 1 ]
    [ "$(json '.backends[0].state')" = failing ]
    python3 -S -m http.server --bind 127.0.0.1 -d "$T" "$http" >"$T/http.log" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 port_listens "$http"
    counted 1 "backend_target_connects_total$of" plain
    [ "$(metric "backend_target_failing$of")" = 0 ]
    [ "$(json '.backends[0].state')" = up ]
}

@test "connections that ended cut short" {
    admin_start
    counted 1 'connections_ended_total{end="truncated"}' client text:x fin drain
}

@test "buffers and their memory, while nobody reads" {
    backend_start tcp silent
    admin_start
    timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" --stall 1 push:50000000 wait:20 >"$T/push.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 15 eval '(($(metric buffers_leased) > 0))'
    wait_for 5 eval '(($(metric memory_bytes) > 16384))'
    kill -KILL "${PIDS[0]}" # the backend
    wait_for 10 metric_is connections_active 0
    wait_for 10 metric_is buffers_leased 0
    wait_for 10 metric_is memory_bytes 0
    wait_for 5 metric_is 'connections_ended_total{end="reset"}' 1
}

# -- the daemon ----------------------------------------------------------------------------------------------------

@test "reloads, ok and failed; the generation; counters outlive it" {
    admin_start
    plain
    counted 1 'reloads_total{result="ok"}' daemon_reload
    [ "$(metric configuration_generation)" = 2 ]
    daemon_set certificate /nowhere
    counted 1 'reloads_total{result="failed"}' daemon_reload 'nothing was changed'
    counted 0 'reloads_total{result="ok"}' daemon_reload 'nothing was changed'
    [ "$(metric configuration_generation)" = 2 ]
    [ "$(metric connections_accepted_total)" = 1 ]
    plain
    wait_for 5 metric_is connections_accepted_total 2
}

@test "a worker that is killed: restarts are counted, its counters stay, its gauges go" {
    admin_start
    plain
    client_held 20
    local accepted
    accepted=$(metric connections_accepted_total)
    counted 1 worker_restarts_total kill -KILL "$(json '.workers.list[0].pid')"
    [ "$(metric connections_accepted_total)" = "$accepted" ]
    [ "$(metric connections_active)" = 0 ]
    [ "$(metric 'listener_connections_active{listener="t"}')" = 0 ]
    wait_for 5 metric_is workers 1
    plain
}

@test "listeners keep their counters when their order changes" {
    admin_start
    plain
    local other
    other=$(free_port)
    sed -i "s|^\[listen t\]|[listen a]\nbind = 127.0.0.1:$other\nbackend = $BACKEND\ncertificate = $PKI/rsa.pem\n&|" "$T/tls13d.ini"
    daemon_reload
    [ "$(metric 'listener_handshakes_total{listener="t"}')" = 1 ]
    [ "$(metric 'listener_handshakes_total{listener="a"}')" = 0 ]
    PORT=$other counted 1 'listener_handshakes_total{listener="a"}' plain
    [ "$(metric 'listener_handshakes_total{listener="t"}')" = 1 ]
}

@test "certificates and when they expire; a new one after a reload" {
    cp "$PKI/p256.pem" "$T/cert.pem"
    CERTS=("$T/cert.pem" "$PKI/rsa.pem")
    admin_start
    local of
    expiry() { date -d "$(openssl x509 -in "$1" -noout -enddate | cut -d= -f2)" +%s; }
    of='certificate_expiry_timestamp_seconds{listener="t",name="localhost",key="ECDSA P-256",index="0"}'
    [ "$(metric "$of")" = "$(expiry "$T/cert.pem")" ] || fail "$(metric "$of") is not $(expiry "$T/cert.pem")"
    metric 'certificate_expiry_timestamp_seconds{listener="t",name="localhost",key="RSA 2048",index="1"}'
    cp "$PKI/p384.pem" "$T/new.pem"
    mv "$T/new.pem" "$T/cert.pem"
    daemon_reload
    of='certificate_expiry_timestamp_seconds{listener="t",name="localhost",key="ECDSA P-384",index="0"}'
    wait_for 5 metric_is "$of" "$(expiry "$T/cert.pem")"
}

@test "a real Prometheus scrapes it" {
    admin_start
    plain
    local web
    web=$(free_port)
    printf 'global: { scrape_interval: 1s }\nscrape_configs: [ { job_name: tls13d, static_configs: [ { targets: ["%s"] } ] } ]\n' "$ADMIN" >"$T/prometheus.yml"
    prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" --web.listen-address="127.0.0.1:$web" >"$T/prometheus.log" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 20 scraped "$web"
}
scraped() { promtool query instant "http://127.0.0.1:$1" tls13d_connections_accepted_total 2>/dev/null | grep -q '=> 1 '; }
