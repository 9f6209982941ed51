#!/usr/bin/env bats
# The daemon as one static file, which is all that the container image holds, and the Dockerfile that makes it.

load lib

static_daemon() {
    run -0 make -s -C "$TOP" B="$B" static
    refute_output --partial warning
    TLS13D=$B/static/tls13d
}

@test "the static daemon needs nothing and is smaller than 5 MB" {
    static_daemon
    run readelf -lW "$TLS13D"
    refute_output --partial INTERP
    assert_output --partial GNU_RELRO
    run -0 readelf -dW "$TLS13D"
    refute_output --partial NEEDED
    [ "$(stat -c %s "$TLS13D")" -lt 5000000 ] || fail "it has $(stat -c %s "$TLS13D") bytes"
}

@test "the static daemon serves a page, its backend found by name" {
    static_daemon
    mkdir "$T/www"
    echo 'a page' >"$T/www/page"
    local web
    web=$(free_port)
    python3 -m http.server --bind 127.0.0.1 -d "$T/www" "$web" >"$T/http.log" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 port_listens "$web"
    BACKEND=localhost:$web
    daemon_start
    run -0 curl -sS --cacert "$PKI/ca.pem" --resolve "localhost:$PORT:127.0.0.1" "https://localhost:$PORT/page"
    assert_output 'a page'
}

@test "the Dockerfile copies what there is, and the image runs without privileges" {
    cd "$TOP"
    local path
    while read -r path; do
        [ -e "$path" ] || fail "there is no $path"
        grep -qxF "!$path" .dockerignore || fail "$path does not reach the build: .dockerignore"
    done < <(sed -n 's/^COPY \([^- ][^ ]*\) .*/\1/p' Dockerfile)
    run -0 sed -n '/^FROM scratch/,$p' Dockerfile
    assert_line 'USER 65532:65532'
    assert_line 'STOPSIGNAL SIGTERM'
    assert_line --regexp '^HEALTHCHECK .*"/tls13d", "status"'
    assert_line --partial '/src/build/static/tls13d'
}
