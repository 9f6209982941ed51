#!/usr/bin/env bats
# Every example of conf/examples/ is a configuration that tls13d takes, once its files are there; those of the manual pages do what they say.

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

# literal PAGE N: the Nth listing among the page's examples.
literal() {
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/p' "$TOP/docs/$1" | awk -v n="$2" '
        /^\.Bd / { count++; inside = 1; next }
        /^\.Ed/ { inside = 0 }
        inside && count == n' | sed 's/\\e/\\/g; s/\\-/-/g'
}
# here: what a page's example names, in this test.
here() { sed "s|/etc/tls13d|$T/etc|g; s|127.0.0.1:8080|$BACKEND|g; s|:8443|127.0.0.1:$PORT|g; s|tls13d\.ini|$T/&|"; }
# commands DIR: makes programs of that name there: this tls13d with this configuration, and a systemctl that knows one thing to do.
commands() {
    mkdir "$1"
    printf '#!/bin/sh\nexec %q "$@" --config %q\n' "$TLS13D" "$T/tls13d.ini" >"$1/tls13d"
    printf '#!/bin/sh\n[ "$*" = "reload tls13d" ] && kill -HUP "$(cat %q)"\n' "$T/daemon.pid" >"$1/systemctl"
    chmod +x "$1"/*
}

@test "tls13d(8): the try without a file serves" {
    backend_start tcp echo
    PORT=$(free_port)
    # shellcheck disable=SC2046 # the example is words
    set -- $(literal tls13d.8 1 | here)
    [ "$1" = tls13d ]
    "$TLS13D" "${@:2}" >"$T/try.log" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 port_listens "$PORT"
    run -0 bash -c 'echo ping | timeout 10 openssl s_client -connect "127.0.0.1:$1" -servername localhost -quiet -no_ign_eof 2>&1' - "$PORT"
    assert_output --partial 'CN = localhost'
}

@test "tls13d(8): test and reload, status" {
    backend_start tcp echo
    daemon_lines=("admin = unix:$T/admin.sock")
    daemon_start
    echo "$DAEMON" >"$T/daemon.pid"
    commands "$T/bin"
    run -0 env PATH="$T/bin:$PATH" bash -c "$(literal tls13d.8 2)"
    log_wait 'reloaded: generation 2'
    run -0 env PATH="$T/bin:$PATH" bash -ec "set -o pipefail; $(literal tls13d.8 3)"
    assert_output --partial 'accepting'
    assert_output --partial '"name": "t"'
    echo 'nonsense = 1' >>"$T/tls13d.ini"
    run -1 env PATH="$T/bin:$PATH" bash -c "$(literal tls13d.8 2)"
    assert_output --partial nonsense
}

@test "tls13d.ini(5): the configuration is good, the command makes good ticket keys" {
    BACKEND=127.0.0.1:9
    mkdir "$T/etc"
    cp "$PKI/p256.pem" "$T/etc/example.pem"
    openssl rand -out "$T/etc/tickets" 144
    { printf '[daemon]\nticket-keys = etc/tickets\n'; literal tls13d.ini.5 1 | here; } >"$T/tls13d.ini"
    run -0 "$TLS13D" --test --config "$T/tls13d.ini"
    cp "$T/etc/tickets" "$T/before"
    (cd "$T/etc" && bash -ec "$(literal tls13d.ini.5 2)")
    [ "$(stat -c %s "$T/etc/tickets")" = 144 ]
    cmp <(tail -c 96 "$T/etc/tickets") <(head -c 96 "$T/before")
    run -0 "$TLS13D" --test --config "$T/tls13d.ini"
}

@test "libtls13(3): the example answers a connection" {
    PORT=$(free_port)
    {
        printf '%s\n' '#include <arpa/inet.h>' '#include <err.h>' '#include <stdio.h>' '#include <stdlib.h>' '#include <sys/socket.h>' '#include <tls13.h>' \
            'int main(int argc, char **argv) {' '(void)argc; static char pem[20000];' \
            'FILE *f = fopen(argv[1], "r"); size_t pem_len = fread(pem, 1, sizeof pem, f); fclose(f);' \
            'struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };' \
            'int s = socket(AF_INET, SOCK_STREAM, 0);' 'if (bind(s, (void *)&in, sizeof in) != 0 || listen(s, 1) != 0) err(1, "listen");' \
            'int fd = accept(s, NULL, NULL);'
        literal libtls13.3 1
        echo 'return 0; }'
    } >"$T/example.c"
    gcc -Wall -Wextra -Werror -I "$TOP/libtls13" "$T/example.c" "$B/libtls13.a" -lbearssl -o "$T/example"
    "$T/example" "$PKI/p256.pem" "$PORT" >"$T/example.log" 2>&1 3>&- &
    PIDS+=($!)
    wait_for 10 port_listens "$PORT"
    client drain
    result_is text hello
    result_is end close_notify
    wait "${PIDS[-1]}"
}
