#!/usr/bin/env bats
# Client certificates with real clients: asked for, demanded, judged, refused with the right alert.

load lib

setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    "$TOOLS/pki.sh" "$PKI"
    "$TOOLS/client_pki.sh" "$PKI"
}

# auth LINE...: an HTTP backend and a listener that wants certificates.
auth() {
    backend_start tcp http
    daemon_start "client-ca = $PKI/clients.pem" "$@"
}

# attempt NAME [OPTION...]: openssl with that certificate ("" for none); => its output, whatever came of it.
attempt() {
    local name=$1 cert=()
    shift
    [ -z "$name" ] || cert=(-cert "$PKI/$name.crt" -key "$PKI/$name.key")
    run timeout 20 bash -c '{ printf "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"; sleep 0.4; } | openssl s_client -connect "127.0.0.1:$0" \
        -CAfile "$1" -servername localhost -tls1_3 "${@:2}"' "$PORT" "$PKI/ca.pem" "${cert[@]}" "$@"
}
served() { assert_output --partial 'a page from the backend'; }
alert() {
    refute_output --partial 'a page from the backend'
    assert_output --partial "alert $1"
}

@test "required: a good one, ECDSA and RSA; none; and who it was is in the log" {
    auth 'client-auth = require'
    attempt good
    served
    log_wait 'client-cert=dns:good\.client\.test'
    attempt good_rsa
    served
    log_wait 'client-cert=dns:rsa\.client\.test'
    attempt ''
    alert 'certificate required'
    log_wait 'end=sent:certificate_required'
}

@test "requested: none is fine, a bad one is not" {
    auth 'client-auth = request'
    attempt ''
    served
    attempt good
    served
    attempt foreign
    alert 'unknown ca'
}

@test "each fault has its alert" {
    auth 'client-auth = require'
    attempt foreign
    alert 'unknown ca'
    attempt expired
    alert 'certificate expired'
    attempt server_only
    alert 'unsupported certificate'
    attempt no_sign
    alert 'bad certificate'
    attempt edwards # a key of no scheme that we offer: openssl keeps it to itself
    alert 'certificate required'
}

@test "a chain with an intermediate that the client sends" {
    auth 'client-auth = require'
    attempt deep
    alert 'unknown ca'
    attempt deep -cert_chain "$PKI/sub.crt"
    served
}

@test "revocation lists" {
    auth 'client-auth = require' "client-crl = $PKI/clients.crl"
    attempt good
    served
    attempt revoked
    alert 'certificate revoked'
}

@test "a revocation list past its time lets nobody in" {
    auth 'client-auth = require' "client-crl = $PKI/stale.crl"
    attempt good
    alert 'certificate unknown'
}

@test "the allow-list: names, URIs, keys" {
    local spki
    spki=$(openssl x509 -in "$PKI/good.crt" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
    for entry in dns:good.client.test dns:GOOD.client.test uri:spiffe://test/good "spki-sha256:$spki" cn:good; do
        auth 'client-auth = require' "client-names = $entry"
        attempt good
        served
        attempt good_rsa
        alert 'access denied'
        daemon_stop
    done
}

@test "a name with a NUL in it is neither matched nor cut short" {
    auth 'client-auth = require' 'client-names = dns:good.client.test'
    attempt nul
    refute_output --partial 'a page from the backend'
    assert_output --partial 'alert '
    daemon_stop
    auth 'client-auth = require'
    attempt nul
    if [[ $output == *'a page from the backend'* ]]; then
        run ! grep -F 'client-cert=dns:good.client.test' "$LOG"
    fi
}

@test "curl, gnutls-cli, Python and node present theirs" {
    auth 'client-auth = require'
    run -0 curl -sS --max-time 20 --cacert "$PKI/ca.pem" --cert "$PKI/good.crt" --key "$PKI/good.key" \
        --resolve "localhost:$PORT:127.0.0.1" "https://localhost:$PORT/"
    served
    run curl -sS --max-time 20 --cacert "$PKI/ca.pem" --resolve "localhost:$PORT:127.0.0.1" "https://localhost:$PORT/"
    assert_failure
    run -0 timeout 20 bash -c '{ printf "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"; sleep 0.4; } | gnutls-cli --x509cafile "$1/ca.pem" \
        --x509certfile "$1/good.crt" --x509keyfile "$1/good.key" -p "$0" localhost' "$PORT" "$PKI"
    served
    run -0 timeout 20 python3 -c '
import ssl, sys, urllib.request
port, pki = sys.argv[1:]
ctx = ssl.create_default_context(cafile=pki + "/ca.pem")
ctx.load_cert_chain(pki + "/good_rsa.crt", pki + "/good_rsa.key")
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ctx))
print(opener.open("https://localhost:%s/" % port).read().decode())' "$PORT" "$PKI"
    served
    run -0 timeout 20 node -e '
        const [port, pki] = process.argv.slice(1), read = (n) => require("fs").readFileSync(pki + "/" + n);
        require("https").get({host: "127.0.0.1", port, servername: "localhost", ca: read("ca.pem"), cert: read("good.crt"), key: read("good.key")},
            (r) => r.on("data", (d) => process.stdout.write(d)));' "$PORT" "$PKI"
    served
}

@test "NSS tstclnt presents its own" {
    auth 'client-auth = require'
    mkdir "$T/nss"
    certutil -N -d "sql:$T/nss" --empty-password
    certutil -A -d "sql:$T/nss" -n root -t C,, -i "$PKI/ca.pem"
    openssl pkcs12 -export -in "$PKI/good.crt" -inkey "$PKI/good.key" -name good -passout pass: -out "$T/good.p12"
    pk12util -i "$T/good.p12" -d "sql:$T/nss" -W '' -K ''
    printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' >"$T/request"
    run timeout 20 tstclnt -h 127.0.0.1 -p "$PORT" -d "sql:$T/nss" -V tls1.3:tls1.3 -a localhost -n good <"$T/request"
    served
}

@test "a resumed connection is its client's, and a policy that changes ends that" {
    auth 'client-auth = require'
    attempt good -sess_out "$T/session"
    served
    attempt '' -sess_in "$T/session"
    served
    assert_output --partial 'Reused, TLSv1.3'
    log_wait 'resumed=yes client-cert=dns:good\.client\.test'
    sed -i "s|^client-auth.*|&\nclient-names = dns:somebody.else|" "$T/tls13d.ini"
    kill -HUP "$DAEMON"
    wait_for 5 denied || fail "the ticket still passes"
}
denied() {
    attempt '' -sess_in "$T/session"
    [[ $output == *'alert certificate required'* ]]
}

@test "a ticket of a listener without authentication does not pass one with it" {
    local open
    backend_start tcp http
    open=$(free_port)
    daemon_start "client-ca = $PKI/clients.pem" 'client-auth = require' '[listen open]' "bind = 127.0.0.1:$open" "backend = $BACKEND" \
        "certificate = $PKI/p256.pem"
    local protected=$PORT
    PORT=$open
    attempt '' -sess_out "$T/session"
    served
    PORT=$protected
    attempt '' -sess_in "$T/session"
    alert 'certificate required'
}
