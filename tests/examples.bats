#!/usr/bin/env bats
# Every example of conf/examples/ is a configuration that tls13d takes, once its files are there.

load lib

# example FILE: a copy of it with the files of /etc/tls13d put under $T/etc.
example() {
    mkdir -p "$T/etc/certs" "$T/etc/tls"
    chmod 700 "$T/etc"
    cp "$PKI/p256.pem" "$T/etc/example.pem"
    cp "$PKI/p256.pem" "$T/etc/certs/www.pem"
    cp "$PKI/rsa.pem" "$T/etc/certs/other.pem"
    cp "$PKI/ca.pem" "$T/etc/clients.pem"
    cat "$PKI/p256.crt" "$PKI/intermediate.crt" | tee "$T/etc/redis.pem" >"$T/etc/tls/tls.crt"
    tee "$T/etc/redis.key" <"$PKI/p256.key" >"$T/etc/tls/tls.key"
    chmod 600 "$T/etc/redis.key" "$T/etc/tls/tls.key"
    openssl rand -out "$T/etc/tickets" 144
    : >"$T/index"
    printf '[ca]\ndefault_ca = c\n[c]\ndatabase = %s\ndefault_md = sha256\n' "$T/index" >"$T/ca.conf"
    openssl ca -config "$T/ca.conf" -gencrl -crldays 1 -cert "$PKI/ca.pem" -keyfile "$PKI/ca.key" -out "$T/etc/clients.crl" 2>"$T/crl.log"
    sed "s|/etc/tls13d|$T/etc|g" "$1" >"$T/tls13d.ini"
}

@test "each example passes --test" {
    local file n=0
    for file in "$TOP"/conf/examples/*.ini; do
        echo "$file"
        example "$file"
        run -0 "$TLS13D" --test --config "$T/tls13d.ini"
        assert_output 'tls13d: the configuration is good'
        n=$((n + 1))
    done
    [ $n -ge 4 ] || fail "only $n examples"
}

@test "the check sees a file that is not there" {
    example "$TOP/conf/examples/mtls.ini"
    rm "$T/etc/clients.crl"
    run -1 "$TLS13D" --test --config "$T/tls13d.ini"
    assert_output --partial 'client-crl: '
}

@test "the configuration inside the Kubernetes manifest is sidecar.ini" {
    diff <(sed -n '/tls13d.ini: |/,/^---/p' "$TOP/conf/examples/kubernetes-sidecar.yaml" | sed '1d; /^---/d; s/^    //') \
        <(sed '/^;/d' "$TOP/conf/examples/sidecar.ini")
}

@test "the manifests are YAML" {
    python3 -c 'import yaml' 2>/dev/null || skip "no python3-yaml"
    run -0 python3 -c 'import sys, yaml; [list(yaml.safe_load_all(open(f))) for f in sys.argv[1:]]' \
        "$TOP/conf/examples/docker-compose.yml" "$TOP/conf/examples/kubernetes-sidecar.yaml"
}
