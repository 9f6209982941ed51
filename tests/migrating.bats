#!/usr/bin/env bats
# The configurations of docs/migrating.md: each of the others' given to its own program, each of ours to tls13d --test.

load lib

PATH=$PATH:/usr/sbin

setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    "$TOOLS/pki.sh" "$PKI"
    "$TOOLS/client_pki.sh" "$PKI"
}

# blocks LANGUAGE: its fenced blocks into $T/LANGUAGE.1 and so on, with what they name below $T/etc and ports that are free.
blocks() {
    local file from to
    mkdir -p "$T/etc/certs"
    chmod 700 "$T/etc"
    cp "$PKI/p256.pem" "$T/etc/example.pem"
    cp "$PKI/rsa.pem" "$T/etc/api.pem"
    cp "$PKI/rsa.pem" "$PKI/p256.pem" "$T/etc/certs"
    cat "$PKI/p256.crt" "$PKI/intermediate.crt" >"$T/etc/example.crt"
    cp "$PKI/p256.key" "$T/etc/example.key"
    chmod 600 "$T/etc/example.key"
    cp "$PKI/clients.pem" "$PKI/clients.crl" "$T/etc"
    (umask 077 && openssl rand -out "$T/etc/tickets" 48)
    awk -v fence="\`\`\`$1" -v out="$T/$1." '$0 == fence { n++; inside = 1; next } /^```/ { inside = 0 } inside { print > (out n) }' "$TOP/docs/migrating.md"
    for file in "$T/$1".[0-9]*; do
        [ -s "$file" ] || fail "docs/migrating.md has no block of $1"
        sed -i -E "s#/etc/[a-z0-9]+/#$T/etc/#g" "$file"
        for from in 443 993 6380; do
            to=$(free_port)
            sed -i -E "s/(\"|:)$from\\b/\\1$to/" "$file"
        done
    done
}

@test "ours: tls13d --test takes each" {
    blocks ini
    local n
    for n in 1 2 3 4; do
        run "$TLS13D" --test --config "$T/ini.$n"
        assert_output 'tls13d: the configuration is good'
    done
    [ ! -e "$T/ini.5" ] || fail "there are more than 4"
}

@test "the check sees a mistake" {
    blocks ini
    sed -i 's/^sni-strict/sni-strickt/' "$T/ini.1"
    run -1 "$TLS13D" --test --config "$T/ini.1"
    assert_output --partial 'sni-strict'
}

@test "hitch --test takes its own" {
    command -v hitch >/dev/null || skip "no hitch"
    blocks hitch
    run -0 hitch --test --config="$T/hitch.1"
}

@test "stunnel starts with its own, having no check" {
    command -v stunnel >/dev/null || skip "no stunnel"
    [ "$EUID" = 0 ] || skip "not root: setuid"
    blocks stunnel
    { printf 'foreground = yes\npid =\n' && cat "$T/stunnel.1"; } >"$T/stunnel.conf"
    stunnel "$T/stunnel.conf" >"$T/stunnel.log" 2>&1 3>&- &
    PIDS+=($!)
    wait_for 10 grep -q 'Configuration successful' "$T/stunnel.log" || fail "it does not"
}

@test "nginx -t takes its own" {
    local module=/usr/lib/nginx/modules/ngx_stream_module.so
    command -v nginx >/dev/null || skip "no nginx"
    [ -e $module ] || skip "no stream module"
    blocks nginx
    run -0 nginx -t -g "load_module $module; pid $T/pid;" -e "$T/error.log" -c "$T/nginx.1"
    assert_output --partial 'test is successful'
}

@test "haproxy -c takes its own" {
    command -v haproxy >/dev/null || skip "no haproxy"
    blocks haproxy
    run -0 haproxy -c -f "$T/haproxy.1"
}
