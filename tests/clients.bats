#!/usr/bin/env bats
# Real clients against tls13d: every suite, group and kind of certificate, chains verified, HelloRetryRequest, and TLS 1.2 turned away.

load lib
load chromium

SUITES=(TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256)
PAGE='a page from the backend'
REQUEST='GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

# served KEYS LINE...: an HTTP backend, and the daemon with the certificate(s) named.
served() {
    local name
    CERTS=()
    for name in $1; do
        CERTS+=("$PKI/$name.pem")
    done
    shift
    [ -n "$BACKEND" ] || backend_start tcp http
    daemon_start "$@"
}

# got_page: the client that just ran showed the page.
got_page() {
    assert_output --partial "$PAGE"
}
# agreed SUITE GROUP: the daemon's own line says so; "" for any.  How it ended is the client's choice: Python just closes once it has its page.
agreed() { log_wait "version=TLSv1\.3 suite=${1:-[A-Z]} ?.*group=$2.* end="; }

fetch_openssl() {
    # shellcheck disable=SC2059 # the request is its own format
    run -0 timeout 20 bash -c 'printf "$0" | openssl s_client -connect "127.0.0.1:$1" -servername localhost -CAfile "$2" \
        -verify_return_error -verify_hostname localhost -tls1_3 -quiet "${@:3}"' "$REQUEST" "$PORT" "$PKI/ca.pem" "$@"
    got_page
}

# fetch_gnutls PRIORITY...: appended to NORMAL with TLS 1.3 alone
fetch_gnutls() {
    run -0 timeout 20 bash -c 'printf "$0" | gnutls-cli --x509cafile "$2" -p "$1" --priority "NORMAL:-VERS-ALL:+VERS-TLS1.3$3" localhost' \
        "$REQUEST" "$PORT" "$PKI/ca.pem" "${1:+:$1}"
    assert_output --partial 'The certificate is trusted.'
    got_page
}

fetch_nss() {
    nssdb "$T/nss"
    # A file, since tstclnt spins on a pipe that was closed.
    # shellcheck disable=SC2059 # the request is its own format
    printf "$REQUEST" >"$T/request"
    run -0 timeout 20 tstclnt -h 127.0.0.1 -p "$PORT" -d "sql:$T/nss" -V tls1.3:tls1.3 -a localhost "$@" <"$T/request"
    got_page
}

fetch_curl() {
    run -0 curl -sS --max-time 20 --cacert "$PKI/ca.pem" --resolve "localhost:$PORT:127.0.0.1" --tlsv1.3 "$@" "https://localhost:$PORT/"
    got_page
}

# fetch_node JSON: options of tls.connect
fetch_node() {
    run -0 timeout 20 node -e '
        const [port, ca, more] = process.argv.slice(1);
        require("https").get({host: "127.0.0.1", port, servername: "localhost", ca: require("fs").readFileSync(ca), minVersion: "TLSv1.3",
            ...JSON.parse(more)}, (r) => r.on("data", (d) => process.stdout.write(d)));' "$PORT" "$PKI/ca.pem" "${1:-{\}}"
    got_page
}

fetch_python() {
    run -0 timeout 20 python3 -c '
import ssl, sys, urllib.request
port, ca, curve = sys.argv[1:]
ctx = ssl.create_default_context(cafile=ca)
ctx.minimum_version = ssl.TLSVersion.TLSv1_3
if curve:
    ctx.set_ecdh_curve(curve)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ctx))
print(opener.open("https://localhost:%s/" % port).read().decode())' "$PORT" "$PKI/ca.pem" "${1:-}"
    got_page
}

fetch_chromium() {
    chromium_get
    got_page
}

# -- suites, groups, certificates ----------------------------------------------------------------------------------

@test "openssl s_client: each suite" {
    served p256
    for suite in "${SUITES[@]}"; do
        fetch_openssl -ciphersuites "$suite"
        agreed "$suite" ''
    done
}

@test "openssl s_client: each group" {
    served p256
    fetch_openssl -groups X25519
    agreed '' x25519
    fetch_openssl -groups P-256
    agreed '' secp256r1
    fetch_openssl -groups P-384
    agreed '' secp384r1
}

@test "openssl s_client: each kind of certificate, its chain verified" {
    for key in p256:ecdsa_secp256r1_sha256 p384:ecdsa_secp384r1_sha384 rsa:rsa_pss_rsae_sha; do
        served "${key%:*}"
        fetch_openssl
        log_wait "scheme=${key#*:}"
        daemon_stop
    done
}

@test "openssl s_client: TLS 1.3's RSA-PSS with each hash" {
    served rsa
    for hash in SHA256 SHA384 SHA512; do
        fetch_openssl -sigalgs "RSA-PSS+$hash"
        log_wait "scheme=rsa_pss_rsae_${hash,,}"
    done
}

@test "of two certificates for one name the client's signature algorithms choose" {
    served "p256 rsa"
    fetch_openssl -sigalgs ECDSA+SHA256
    log_wait "scheme=ecdsa_secp256r1_sha256"
    fetch_openssl -sigalgs RSA-PSS+SHA256
    log_wait "scheme=rsa_pss_rsae_sha256"
}

@test "gnutls-cli: each suite, group and certificate" {
    served p256
    fetch_gnutls -CIPHER-ALL:+AES-128-GCM
    agreed TLS_AES_128_GCM_SHA256 ''
    fetch_gnutls -CIPHER-ALL:+AES-256-GCM
    agreed TLS_AES_256_GCM_SHA384 ''
    fetch_gnutls -CIPHER-ALL:+CHACHA20-POLY1305
    agreed TLS_CHACHA20_POLY1305_SHA256 ''
    for group in X25519 SECP256R1 SECP384R1; do
        fetch_gnutls "-GROUP-ALL:+GROUP-$group"
        agreed '' "${group,,}"
    done
    daemon_stop
    for key in p384 rsa; do
        served "$key"
        fetch_gnutls
        daemon_stop
    done
}

@test "NSS tstclnt: each suite, group and certificate" {
    served p256
    fetch_nss -c :1301
    agreed TLS_AES_128_GCM_SHA256 ''
    fetch_nss -c :1302
    agreed TLS_AES_256_GCM_SHA384 ''
    fetch_nss -c :1303
    agreed TLS_CHACHA20_POLY1305_SHA256 ''
    fetch_nss -I x25519
    agreed '' x25519
    fetch_nss -I P256
    agreed '' secp256r1
    fetch_nss -I P384
    agreed '' secp384r1
    daemon_stop
    for key in p384 rsa; do
        served "$key"
        fetch_nss
        daemon_stop
    done
}

@test "curl: each suite, group and certificate" {
    served p256
    for suite in "${SUITES[@]}"; do
        fetch_curl --tls13-ciphers "$suite"
        agreed "$suite" ''
    done
    fetch_curl --curves X25519
    agreed '' x25519
    fetch_curl --curves prime256v1
    agreed '' secp256r1
    fetch_curl --curves secp384r1
    agreed '' secp384r1
    daemon_stop
    for key in p384 rsa; do
        served "$key"
        fetch_curl
        daemon_stop
    done
}

@test "node: each suite, group and certificate" {
    served p256
    for suite in "${SUITES[@]}"; do
        fetch_node "{\"ciphers\": \"$suite\"}"
        agreed "$suite" ''
    done
    fetch_node '{"ecdhCurve": "P-256"}'
    agreed '' secp256r1
    fetch_node '{"ecdhCurve": "P-384"}'
    agreed '' secp384r1
    daemon_stop
    for key in p384 rsa; do
        served "$key"
        fetch_node
        daemon_stop
    done
}

@test "Python's ssl: each group and certificate" {
    served p256
    fetch_python
    agreed '' x25519
    fetch_python prime256v1
    agreed '' secp256r1
    fetch_python secp384r1
    agreed '' secp384r1
    daemon_stop
    for key in p384 rsa; do
        served "$key"
        fetch_python
        daemon_stop
    done
}

@test "Chromium: a page with each kind of certificate" {
    command -v chromium >/dev/null || skip "no chromium"
    for key in p256 p384 rsa; do
        served "$key"
        fetch_chromium
        daemon_stop
    done
}

# -- HelloRetryRequest ---------------------------------------------------------------------------------------------

@test "HelloRetryRequest: openssl sends a second ClientHello" {
    served p256 'groups = secp384r1'
    fetch_openssl -groups X25519:P-384 -msg
    [ "$(grep -c 'ClientHello' <<<"$output")" = 2 ]
    agreed '' secp384r1
}

@test "HelloRetryRequest: every client, with SHA-256 and SHA-384 transcripts" {
    served p256 'groups = secp384r1'
    for suite in "${SUITES[@]}"; do
        fetch_openssl -groups X25519:P-256:P-384 -ciphersuites "$suite"
        agreed "$suite" secp384r1
    done
    fetch_gnutls
    fetch_nss -I x25519,P384
    fetch_curl
    fetch_node '{"ecdhCurve": "X25519:P-384"}'
    fetch_python
    [ "$(grep -c 'group=secp384r1' "$LOG")" = 8 ] || fail "not all handshakes used secp384r1"
}

@test "HelloRetryRequest: from x25519 to P-256, and the other way" {
    served p256 'groups = secp256r1'
    fetch_openssl -groups X25519:P-256 -msg
    [ "$(grep -c 'ClientHello' <<<"$output")" = 2 ]
    agreed '' secp256r1
    daemon_stop
    served p256 'groups = x25519'
    fetch_openssl -groups P-256:X25519 -msg
    [ "$(grep -c 'ClientHello' <<<"$output")" = 2 ]
    agreed '' x25519
}

@test "HelloRetryRequest: Chromium" {
    command -v chromium >/dev/null || skip "no chromium"
    served rsa 'groups = secp384r1'
    fetch_chromium
    agreed '' secp384r1
}

@test "a group that was offered with a share needs no HelloRetryRequest" {
    served p256
    fetch_openssl -groups P-384:X25519 -msg
    [ "$(grep -c 'ClientHello' <<<"$output")" = 1 ]
    agreed '' secp384r1
}

# -- turned away ---------------------------------------------------------------------------------------------------

@test "a TLS 1.2 client gets protocol_version" {
    served "p256 rsa"
    run timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -tls1_2 </dev/null
    assert_failure
    assert_output --partial 'alert protocol version'
    run timeout 10 gnutls-cli --x509cafile "$PKI/ca.pem" -p "$PORT" --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.2' localhost </dev/null
    assert_failure
    assert_output --partial 'Error in protocol version'
    run curl -sS --max-time 10 --cacert "$PKI/ca.pem" --tls-max 1.2 "https://localhost:$PORT/"
    assert_failure
    assert_output --partial 'alert protocol version'
    client --tls12
    result_is handshake 'alert protocol_version'
    log_wait 'end=sent:protocol_version'
    fetch_curl
}

@test "no suite and no group in common: handshake_failure" {
    served p256 'cipher-suites = TLS_AES_128_GCM_SHA256' 'groups = x25519'
    run timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384 </dev/null
    assert_output --partial 'alert handshake failure'
    run timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -groups P-521 </dev/null
    assert_output --partial 'alert handshake failure'
    fetch_openssl
}

@test "plain HTTP to the TLS port gets an alert, at once" {
    served p256
    client raw bytes:474554202f20485454502f312e310d0a0d0a drain
    [[ $(result raw) == 15030?000202* ]] || fail "not an alert: $(result raw)"
    (($(result ms) < 1000))
    fetch_curl
}

# -- names and protocols -------------------------------------------------------------------------------------------

@test "ALPN: the server's order decides, no overlap is no_application_protocol" {
    served p256 'alpn = h2, http/1.1'
    client --alpn http/1.1,h2 end drain
    result_is alpn h2
    client --alpn http/1.1 end drain
    result_is alpn http/1.1
    client --alpn spdy/3
    result_is handshake 'alert no_application_protocol'
    client end drain
    result_is alpn null
    fetch_curl --http1.1
    log_wait 'alpn=http/1\.1.*end=closed'
}

@test "ALPN: without a list the client's is ignored" {
    served p256
    client --alpn h2,http/1.1 end drain
    result_is handshake ok
    result_is alpn null
}

@test "sni-strict: an unknown name gets unrecognized_name, a known one its page" {
    served p256 'sni-strict = on'
    client --sni nobody.invalid
    result_is handshake 'alert unrecognized_name'
    client --sni WWW.Example.test end drain
    result_is handshake ok
    log_wait 'sni=www\.example\.test'
    fetch_curl
}

@test "one listener on IPv4, IPv6 and a Unix socket" {
    [ -e /proc/net/if_inet6 ] || skip "no IPv6"
    backend_start tcp http
    local six
    six=$(free_port)
    served p256 "bind = [::1]:$six" "bind = unix:$T/front.sock"
    fetch_curl
    run -0 curl -sS --max-time 10 --cacert "$PKI/ca.pem" --resolve "localhost:$six:[::1]" "https://localhost:$six/"
    got_page
    run -0 curl -sS --max-time 10 --cacert "$PKI/ca.pem" --unix-socket "$T/front.sock" https://localhost/
    got_page
    log_wait 'client=\[::1\]:[0-9]+ .*end=closed'
    log_wait 'client="?unix:.*end=closed'
}

@test "--listen, --backend and --self-signed serve without any file" {
    backend_start tcp http
    PORT=$(free_port)
    "$TLS13D" --listen "127.0.0.1:$PORT" --backend "$BACKEND" --self-signed=localhost >"$LOG" 2>&1 3>&- &
    DAEMON=$!
    wait_for 10 port_listens "$PORT"
    run -0 curl -sS --max-time 10 -k --tlsv1.3 "https://localhost:$PORT/"
    got_page
    cpu_idle
    kill -TERM "$DAEMON"
    wait "$DAEMON"
    DAEMON=
}

@test "a Finished that comes alone is acknowledged at once, so that a client with Nagle's algorithm sends its request" {
    backend_start tcp echo
    daemon_start
    run -0 timeout 30 python3 -S "$TOOLS/acknowledged.py" "$PORT" "$PKI/ca.pem"
    ((output < 40)) || fail "the shortest wait was $output ms"
}
