#!/usr/bin/env bats
# Java's JSSE as a client, where there is a JDK: full and resumed handshakes, HelloRetryRequest, its certificate, both orders of the end.

load lib

# Source files are run by a JDK, 11 or later, only.
has_java() { java --list-modules 2>/dev/null | grep -q '^jdk\.compiler'; }

setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    has_java || return 0
    "$TOOLS/pki.sh" "$PKI"
    "$TOOLS/client_pki.sh" "$PKI"
    openssl pkcs12 -export -in "$PKI/good.crt" -inkey "$PKI/good.key" -name good -passout pass:pass -out "$PKI/good.p12"
    openssl pkcs12 -export -in "$PKI/foreign.crt" -inkey "$PKI/foreign.key" -name foreign -passout pass:pass -out "$PKI/foreign.p12"
}

eval "lib_$(declare -f setup)"
setup() {
    lib_setup
    has_java || skip "no java that runs source files (a JDK, 11 or later)"
}

# jsse VERB...: Jsse.java; $output, $status.
jsse() {
    run timeout 60 java -XX:TieredStopAtLevel=1 "$TOP/tests/interop/Jsse.java" "$PORT" "$PKI/ca.pem" "$@"
}
good() {
    assert_success
    assert_line closed
    assert_line --regexp '^agreed TLSv1.3 '
}

@test "full, then resumed with one ticket after the other" {
    backend_start tcp http
    daemon_start
    jsse get 4
    good
    assert_equal "$(grep -c 'a page from the backend' <<<"$output")" 4
    assert_equal "$(grep -c 'resumed=false' <<<"$output")" 1
    assert_equal "$(grep -c 'resumed=true' <<<"$output")" 3
    log_wait 'resumed=yes'
}

@test "each suite, RSA and P-384" {
    local name
    backend_start tcp http
    for name in p384:TLS_AES_128_GCM_SHA256 rsa:TLS_AES_256_GCM_SHA384 p256:TLS_CHACHA20_POLY1305_SHA256; do
        CERTS=("$PKI/${name%:*}.pem")
        daemon_start "cipher-suites = ${name#*:}"
        jsse get
        good
        assert_output --partial "agreed TLSv1.3 ${name#*:}"
        assert_output --partial 'a page from the backend'
        daemon_stop
    done
}

@test "HelloRetryRequest, and resumed after it" {
    backend_start tcp http
    daemon_start 'groups = secp384r1'
    jsse get 2
    good
    assert_equal "$(grep -c 'a page from the backend' <<<"$output")" 2
    assert_output --partial 'resumed=true'
    log_wait 'group=secp384r1 .*resumed=yes'
}

@test "its certificate: good, of a foreign authority, none" {
    backend_start tcp http
    daemon_start "client-ca = $PKI/clients.pem" 'client-auth = require'
    jsse "get:$PKI/good.p12"
    good
    assert_output --partial 'a page from the backend'
    log_wait 'client-cert=dns:good\.client\.test'
    jsse "get:$PKI/foreign.p12" # JSSE keeps it to itself: no authority that we name issued it
    assert_failure
    log_wait 'end=sent:certificate_required'
    jsse get
    assert_failure
    refute_output --partial 'a page from the backend'
    assert_output --partial 'certificate_required'
}

@test "the client ends first, and reads the answer" {
    backend_start tcp sink
    daemon_start
    jsse first hello
    good
    assert_output --partial "5 $(printf hello | sha256sum | cut -d' ' -f1)"
    event_is 1 in 5
    log_wait 'end=closed'
}

@test "the backend ends first, and reads what the client still says" {
    backend_start tcp source:300000
    daemon_start
    jsse second afterwards
    good
    assert_line 'read 300000'
    event_is 1 in 10
    event_is 1 end eof
    log_wait 'end=closed'
}
