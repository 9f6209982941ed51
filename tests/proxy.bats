#!/usr/bin/env bats
# The PROXY protocol, to the backend and from a load balancer: bytes as the text has them, taken apart by tools/proxy_header.py.

load lib

setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    "$TOOLS/pki.sh" "$PKI"
    "$TOOLS/client_pki.sh" "$PKI"
    cd "$PKI" || return
    cat good.crt good.key >good.pem
    # A name that no allow-list could hold.
    openssl req -new -key good.key -subj '/CN=Some One' -out blank.csr
    openssl x509 -req -in blank.csr -CA clients.crt -CAkey clients.key -set_serial 78 -days 1 -out blank.crt 2>>pki.log
    # Nearly as big a certificate as clients may have.
    printf 'subjectAltName=DNS:good.client.test%s\n' "$(printf ',DNS:%s.a-rather-long-label.client.test' {100..196})" >big.ext
    openssl req -new -key good.key -subj /CN=big -out big.csr
    openssl x509 -req -in big.csr -CA clients.crt -CAkey clients.key -set_serial 77 -days 1 -extfile big.ext -out big.crt 2>>pki.log
    cat big.crt good.key >big.pem
}

SIG=0d0a0d0a000d0a515549540a
# A ClientHello follows these: TCP4 192.0.2.1:56324 to 198.51.100.7:443, TCP6 2001:db8::1 to 2001:db8::2.
V1=$(printf 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n' | od -An -tx1 | tr -d ' \n')
V2=${SIG}2111000cc0000201c6336407dc0401bb
V1_6=$(printf 'PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n' | od -An -tx1 | tr -d ' \n')
V2_6=${SIG}2121002420010db800000000000000000000000120010db8000000000000000000000002dc0401bb
LOCAL=${SIG}20000000
UNKNOWN=$(printf 'PROXY UNKNOWN\r\n' | od -An -tx1 | tr -d ' \n')
V2_UNIX=${SIG}213100d8$(printf '%0432d' 0)

# header N: what the backend's Nth connection began with, taken apart, in $header.
header() {
    local head
    head=$(event "$1" head)
    [ -n "$head" ] || fail "the backend got nothing"
    header=$(python3 -S "$TOOLS/proxy_header.py" "$head") || fail "no PROXY header: $head"
    echo "header $1: $header"
}
header_is() {
    local got
    got=$(jq -r "$1" <<<"$header")
    [ "$got" = "$2" ] || fail "$1 is $got, not $2"
}
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }

# -- to the backend ------------------------------------------------------------------------------------------------

# first N HEX: the backend's Nth connection began with exactly these bytes.
first() { assert_equal "$(event "$1" head)" "$2"; }

@test "v1: IPv4, IPv6, an IPv4 client of [::], a Unix listener; to TCP and Unix backends" {
    local kind six
    for kind in tcp unix; do
        : >"$EVENTS"
        backend_start $kind sink
        six=$(free_port)
        daemon_start "bind = [::]:$six" "bind = unix:$T/in.$kind" 'proxy-protocol = v1'
        client --source 127.0.0.5 text:hello end drain
        first 1 "$(hex "PROXY TCP4 127.0.0.5 127.0.0.1 $(result port) $PORT"$'\r\nhello\n')"
        PORT=$six client --host ::1 text:hello end drain
        first 2 "$(hex "PROXY TCP6 ::1 ::1 $(result port) $six"$'\r\nhello\n')"
        PORT=$six client --source 127.0.0.5 text:hello end drain
        first 3 "$(hex "PROXY TCP4 127.0.0.5 127.0.0.1 $(result port) $six"$'\r\nhello\n')"
        client --unix "$T/in.$kind" text:hello end drain
        first 4 "$(hex $'PROXY UNKNOWN\r\nhello\n')"
        daemon_stop
    done
}

@test "v2 without TLVs, byte for byte: IPv4, IPv6, a Unix and an abstract listener" {
    local six name=tls13d-test-$$-$RANDOM path=$T/in.sock
    backend_start tcp sink
    six=$(free_port)
    daemon_start "bind = [::1]:$six" "bind = unix:$path" "bind = unix:@$name" 'proxy-protocol = v2' 'proxy-protocol-tlvs ='
    client --source 127.0.0.5 text:hello end drain
    first 1 "$(printf '%s2111000c7f0000057f000001%04x%04x%s' $SIG "$(result port)" "$PORT" "$(hex $'hello\n')")"
    PORT=$six client --host ::1 text:hello end drain
    first 2 "$(printf '%s21210024%032x%032x%04x%04x%s' $SIG 1 1 "$(result port)" "$six" "$(hex $'hello\n')")"
    client --unix "$path" text:hello end drain
    first 3 "$SIG"213100d8"$(printf '%0216d' 0; hex "$path"; printf "%0$((216 - 2 * ${#path}))d" 0; hex $'hello\n')"
    client --unix "@$name" text:hello end drain
    header 4
    header_is .family UNIX
    header_is .length $((16 + 216))
}

@test "v2: what each TLV says, and with everything asked for the checksum too" {
    backend_start tcp sink
    daemon_start 'proxy-protocol = v2' 'alpn = h2, http/1.1' 'groups = x25519'
    client --alpn http/1.1,h2 --sni www.example.test text:x end drain
    header 1
    header_is '.tlvs | keys | join(" ")' '01 02 20 21 23 24 25 26 27'
    header_is '.tlvs["01"]' "$(hex h2)"
    header_is '.tlvs["02"]' "$(hex www.example.test)"
    header_is '.ssl.client' 1
    [ "$(jq .ssl.verify <<<"$header")" != 0 ] || fail "a certificate that was not shown is told as verified"
    header_is '.tlvs["21"]' "$(hex TLSv1.3)"
    header_is '.tlvs["23"]' "$(hex "$(result suite)")"
    header_is '.tlvs["24"]' "$(hex ecdsa-with-SHA256)"
    header_is '.tlvs["25"]' "$(hex EC256)"
    header_is '.tlvs["26"]' "$(hex x25519)"
    header_is '.tlvs["27"]' "$(hex ecdsa_secp256r1_sha256)"
    client text:x end drain
    header 2
    header_is '.tlvs | keys | join(" ")' '02 20 21 23 24 25 26 27'
    # All that there are.
    {
        echo 'proxy-protocol-tlvs = alpn, authority, ssl, unique-id, crc32c, client-cert'
        printf '%s\n' 'client-auth = request' "client-ca = $PKI/clients.pem"
    } >>"$T/tls13d.ini"
    daemon_reload
    client --cert "$PKI/good.pem" --alpn h2 text:x end drain
    header 3
    header_is '.tlvs | keys | join(" ")' '01 02 03 05 20 21 22 23 24 25 26 27 28'
    header_is .ssl.client 7
    header_is .ssl.verify 0
    header_is '.tlvs["22"]' "$(hex good)"
    header_is '.tlvs["28"]' "$(openssl x509 -in "$PKI/good.crt" -outform DER | od -An -v -tx1 | tr -d ' \n')"
    local id
    id=$(jq -r '.tlvs["05"]' <<<"$header")
    [ ${#id} = 32 ]
    client text:x end drain
    header 4
    header_is .ssl.client 1
    header_is '.tlvs["28"] // "none"' none
    [ "$(jq -r '.tlvs["05"]' <<<"$header")" != "$id" ] || fail "two connections have one unique-id"
}

@test "the header goes out at once, before a byte of the client, and what the client says comes behind it" {
    local kind
    for kind in tcp unix; do
        : >"$EVENTS"
        backend_start $kind echo
        daemon_start 'proxy-protocol = v1'
        # The echo of the header is there although nothing was said.
        client read:20 text:later wait:0.3 end drain
        [[ $(result text) == 'PROXY TCP4 '*$'\r\nlater' ]] || fail "$(result text)"
        client send:1000000 end drain
        [ "$(event 2 in)" = "$((1000000 + $(python3 -c 'print(len("PROXY TCP4 127.0.0.1 127.0.0.1  \r\n"))') + $(printf %s "$(result port)$PORT" | wc -c)))" ]
        daemon_stop
    done
}

@test "the largest header: everything asked for, the longest names, nearly the longest certificate" {
    local long name
    long=$(printf 'p%.0s' {1..255})
    name=$(printf 'n%.0s' {1..63}).$(printf 'n%.0s' {1..63}).$(printf 'n%.0s' {1..63}).$(printf 'n%.0s' {1..61})
    backend_start tcp sink
    daemon_start 'proxy-protocol = v2' 'proxy-protocol-tlvs = alpn, authority, ssl, unique-id, crc32c, client-cert' 'client-auth = require' \
        "client-ca = $PKI/clients.pem" "alpn = $long"
    timeout 20 bash -c '{ echo x; sleep 0.4; } | openssl s_client -connect "127.0.0.1:$0" -servername "$1" -alpn "$2" -cert "$3" -key "$3"' \
        "$PORT" "$name" "$long" "$PKI/big.pem" >"$T/s_client.out" 2>&1 || true
    header 1
    header_is '.tlvs["01"]' "$(hex "$long")"
    header_is '.tlvs["02"]' "$(hex "$name")"
    header_is '.tlvs["28"]' "$(openssl x509 -in "$PKI/big.crt" -outform DER | od -An -v -tx1 | tr -d ' \n')"
    (($(jq .length <<<"$header") > 4500)) || fail "the header has $(jq .length <<<"$header") bytes"
    header_is .rest "$(hex $'x\n')"
}

@test "a resumed connection is told with its client's name, without the certificate" {
    backend_start tcp sink
    daemon_start 'proxy-protocol = v2' 'proxy-protocol-tlvs = ssl, client-cert' 'client-auth = require' "client-ca = $PKI/clients.pem"
    local name option n=0
    for name in good blank; do
        for option in "-sess_out $T/session -cert $PKI/$name.crt -key $PKI/good.key" "-sess_in $T/session"; do
            # shellcheck disable=SC2086 # words
            timeout 20 bash -c '{ echo x; sleep 0.4; } | openssl s_client -connect "127.0.0.1:$0" "$@"' "$PORT" $option >"$T/s_client.out" 2>&1 || true
        done
        n=$((n + 2))
        header $n
        header_is .ssl.client 5
        header_is .ssl.verify 0
        header_is '.tlvs["22"]' "$(hex "$(openssl x509 -in "$PKI/$name.crt" -noout -subject -nameopt sep_multiline | sed -n 's/^ *CN=//p')")"
        header_is '.tlvs["24"]' "$(hex ecdsa-with-SHA256)"
        header_is '.tlvs["25"]' "$(hex EC256)"
        header_is '.tlvs["28"] // "none"' none
    done
}

# -- from a load balancer ------------------------------------------------------------------------------------------

# from HEX: a client behind that header, in one send with its ClientHello; then byte by byte.
from() {
    client --prefix "$1" text:x end drain
    result_is text x
    client --prefix "$1" --segments 1 text:x end drain
    result_is text x
}
seen() { log_wait "client=$1 .*end=closed" && [ "$(grep -c "client=$1 .*end=closed" "$LOG")" = 2 ]; }

@test "v1 and v2, fused with the ClientHello and in one-byte pieces: the log has the address they tell" {
    backend_start tcp echo
    daemon_start 'accept-proxy = on'
    from "$V1"
    wait_for 5 seen '192\.0\.2\.1:56324'
    from "$V1_6"
    wait_for 5 seen '\[2001:db8::1\]:56324'
    : >"$LOG"
    from "$V2"
    wait_for 5 seen '192\.0\.2\.1:56324'
    from "$V2_6"
    wait_for 5 seen '\[2001:db8::1\]:56324'
    # Who says nothing about the client is the client.
    for header in "$LOCAL" "$UNKNOWN" "$V2_UNIX"; do
        : >"$LOG"
        from "$header"
        wait_for 5 seen '127\.0\.0\.1:[0-9]*'
    done
}

@test "the address that came in goes out again, v1 in and v2 out and the other way" {
    backend_start tcp sink
    daemon_start 'accept-proxy = on' 'proxy-protocol = v2' 'proxy-protocol-tlvs ='
    client --prefix "$V1" end drain
    first 1 "$V2"
    client --prefix "$V2_6" end drain
    first 2 "$V2_6"
    daemon_set proxy-protocol v1
    daemon_reload
    client --prefix "$V2" end drain
    first 3 "$V1"
}

@test "over Unix sockets: a header comes in, and the listener's path goes out" {
    backend_start unix sink
    daemon_start "bind = unix:$T/in.sock" 'accept-proxy = on' 'proxy-protocol = v1'
    client --unix "$T/in.sock" --prefix "$V1" end drain
    first 1 "$V1"
    client --unix "$T/in.sock" --segments 1 --prefix "$V2_6" end drain
    first 2 "$V1_6"
    client --unix "$T/in.sock" --prefix "$LOCAL" end drain
    first 3 "$UNKNOWN"
}

@test "only those of accept-proxy-from may send one: IPv4, IPv6" {
    local six
    backend_start tcp echo
    six=$(free_port)
    daemon_start "bind = [::]:$six" 'accept-proxy = on' 'accept-proxy-from = 127.0.0.4/30, ::1/128'
    client --source 127.0.0.6 --prefix "$V1" text:x end drain
    result_is text x
    client --source 127.0.0.8 --prefix "$V1" text:x drain
    result_is text ''
    log_wait 'client=127\.0\.0\.8:.* end=refused'
    PORT=$six client --host ::1 --prefix "$V1" text:x end drain
    result_is text x
    PORT=$six client --source 127.0.0.5 --prefix "$V1" text:x end drain
    result_is text x
    PORT=$six client --source 127.0.0.8 --prefix "$V1" text:x drain
    result_is text ''
}

# refused HEX: these bytes end the connection without a byte of answer.
refused() {
    client raw "bytes:$1" drain
    result_is raw ''
    (($(result ms) < 900)) || fail "it took $(result ms) ms"
}

@test "no header, a broken one, one that does not end: closed, no byte to the backend" {
    backend_start tcp sink
    daemon_start 'accept-proxy = on' 'handshake-timeout = 1s'
    refused 16030100050100000103
    refused "$(hex $'GET / HTTP/1.1\r\n\r\n')"
    refused "$(hex $'PROXY TCP4 192.0.2.1 198.51.100.7 56324 99999\r\n')"
    refused "$(hex "PROXY UNKNOWN $(printf 'x%.0s' {1..100})")"
    refused "${SIG}2111000b""c0000201c6336407dc0401"     # addresses cut short
    refused "${SIG}2111000e""c0000201c6336407dc0401bb0400" # stray bytes behind them
    refused "${SIG}21110010""c0000201c6336407dc0401bb04000200" # a TLV longer than the header
    refused "${SIG}2111ffff"
    refused "${SIG}31110000"
    log_has 'end=proxy-header'
    # Who sends half of one, or none, has handshake-timeout.
    for bytes in '' "${V1:0:20}" "${V2:0:20}"; do
        client raw ${bytes:+"bytes:$bytes"} drain
        (($(result ms) >= 900 && $(result ms) < 3500)) || fail "it took $(result ms) ms"
    done
    log_has 'end=handshake-timeout'
    # And who sends a header and then no TLS.
    client raw "bytes:$V1$(hex $'GET / HTTP/1.1\r\n\r\n')" drain
    [[ $(result raw) == 15* ]] || fail "no alert: $(result raw)"
    [ ! -s "$EVENTS" ]
}

@test "the limit of one address counts the address in the header" {
    daemon_lines=('max-connections-per-ip = 1')
    backend_start tcp echo
    daemon_start 'accept-proxy = on'
    timeout 30 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" --prefix "$V1" text:one read:4 wait:20 >"$T/held.out" 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 eval '[ "$(ss -Htn state established "dport = :${BACKEND##*:}" | wc -l)" = 1 ]'
    client --prefix "$V1" text:x drain
    result_is text ''
    log_wait 'client=192\.0\.2\.1:56324 .* end=limit'
    client --prefix "$V1_6" text:x end drain
    result_is text x
}
