#!/usr/bin/env bats
# Databases, caches and brokers behind tls13d, each with the client that its users have.

load services

# redis_args: the options by which redis-cli and redis-benchmark come through tls13d.
redis_args() { echo --tls --cacert "$PKI/ca.pem" --sni localhost -h localhost -p "$PORT"; }

@test "redis: a large value, a pipeline, a subscriber and a benchmark through redis-cli --tls" {
    need redis-server redis-cli redis-benchmark
    local home client
    home=$(home redis)
    service redis redis-server --port 0 --unixsocket "$home/s" --unixsocketperm 777 --dir "$home" --save '' --appendonly no
    up "$home/s"
    daemon_start "backend = unix:$home/s"
    read -ra client < <(redis_args)

    head -c 20000000 /dev/urandom >"$T/large"
    run -0 redis-cli "${client[@]}" -x set large <"$T/large"
    assert_output OK
    redis-cli "${client[@]}" get large | head -c 20000000 | cmp - "$T/large"

    # The mass-insertion protocol: 50,000 commands without waiting for answers.
    run -0 redis-cli "${client[@]}" --pipe < <(seq 50000 | sed 's/.*/SET key:& value:&\r/')
    assert_line 'errors: 0, replies: 50000'
    run -0 redis-cli "${client[@]}" mget key:1 key:50000
    assert_output $'value:1\nvalue:50000'

    redis-cli "${client[@]}" subscribe news >"$T/news.out" &
    PIDS+=($!)
    wait_for 10 grep -q '^subscribe' "$T/news.out"
    run -0 redis-cli "${client[@]}" publish news 'good news'
    assert_output 1
    wait_for 10 grep -qx 'good news' "$T/news.out" || fail "the subscriber heard nothing"

    run -0 redis-benchmark "${client[@]}" -t set,get -n 20000 -c 20 -P 16 -q
    [ "$(tr '\r' '\n' <<<"$output" | grep -cE '^(SET|GET): [0-9.]+ requests per second')" = 2 ] || fail "$output"
    only_ends closed truncated
}

@test "redis: only a client with a certificate gets in" {
    need redis-server redis-cli
    local home client
    home=$(home redis)
    mkdir -m 700 "$T/clients"
    "$TOOLS/client_pki.sh" "$T/clients"
    service redis redis-server --port 0 --unixsocket "$home/s" --unixsocketperm 777 --dir "$home" --save '' --appendonly no
    up "$home/s"
    daemon_start "backend = unix:$home/s" 'client-auth = require' "client-ca = $T/clients/clients.pem" "client-crl = $T/clients/clients.crl"
    read -ra client < <(redis_args)
    run -0 redis-cli "${client[@]}" --cert "$T/clients/good.crt" --key "$T/clients/good.key" ping
    assert_output PONG
    run redis-cli "${client[@]}" --cert "$T/clients/revoked.crt" --key "$T/clients/revoked.key" ping
    refute_output --partial PONG
    run redis-cli "${client[@]}" ping
    refute_output --partial PONG
    log_wait 'end=sent:certificate_required'
    log_wait 'end=sent:certificate_revoked'
}

# A client that knows no TLS reaches tls13d through this.
wrapper() { # LISTEN-ADDRESS
    service root socat "$1,fork" "OPENSSL:localhost:$PORT,cafile=$PKI/ca.pem,commonname=localhost,openssl-min-proto-version=TLS1.3"
}

# A server on a Unix socket at $SOCKET; the programs beside it are in $PGBIN.
postgres_start() {
    local home
    PGBIN=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) || skip "no PostgreSQL server"
    PGBIN=${PGBIN%/initdb}
    home=$(home postgres)
    SOCKET=$home/.s.PGSQL.5432
    setpriv --reuid=postgres --regid=postgres --init-groups -- "$PGBIN/initdb" -D "$home/data" -A trust -U postgres --no-sync >"$T/initdb.log" 2>&1
    service postgres "$PGBIN/postgres" -D "$home/data" -k "$home" -c listen_addresses= -c fsync=off
    up "$SOCKET"
}

@test "PostgreSQL: copy in and out, notifications and pgbench through a TLS wrapper" {
    need psql socat
    postgres_start
    daemon_start "backend = unix:$SOCKET"
    wrapper "UNIX-LISTEN:$T/.s.PGSQL.5432"
    up "$T/.s.PGSQL.5432"
    export PGHOST=$T PGUSER=postgres PGDATABASE=postgres

    seq 300000 | awk '{ print $1 "\t" "row " $1 * 7919 % 1000003 }' >"$T/rows"
    psql -qc 'create table t (n int primary key, s text)' -c "\\copy t from '$T/rows'"
    psql -qc '\copy (select * from t order by n) to stdout' | cmp - "$T/rows"
    run -0 psql -Atc "select count(*), md5(string_agg(s, ',' order by n)) from t"
    assert_output "300000|$(cut -f 2 "$T/rows" | paste -sd, | tr -d '\n' | md5sum | cut -d ' ' -f 1)"

    run -0 psql -Atc 'listen news' -c "notify news, 'good news'"
    assert_output --partial 'Asynchronous notification "news" with payload "good news" received'

    "$PGBIN/pgbench" -iq postgres >"$T/pgbench.log" 2>&1
    run -0 "$PGBIN/pgbench" -c 8 -t 50 postgres
    assert_line 'number of transactions actually processed: 400/400'
    assert_line 'number of failed transactions: 0 (0.000%)'
    only_ends closed
}

@test "PostgreSQL: psql itself, with sslnegotiation=direct" {
    need psql
    [ "$(psql --version | grep -oE '[0-9]+' | head -n 1)" -ge 17 ] || skip "psql is older than 17: no sslnegotiation=direct"
    postgres_start
    daemon_start "backend = unix:$SOCKET" 'alpn = postgresql'
    run -0 psql -Atc 'select 6 * 7' "host=localhost port=$PORT user=postgres dbname=postgres sslnegotiation=direct sslmode=verify-full sslrootcert=$PKI/ca.pem"
    assert_output 42
    log_wait 'alpn=postgresql version=TLSv1.3 '
}

@test "memcached: its conformance suite through a TLS wrapper, and its text protocol by openssl" {
    need memcached memccapable socat
    local home wrapped
    home=$(home memcache)
    service memcache memcached -s "$home/s" -a 777
    up "$home/s"
    daemon_start "backend = unix:$home/s"
    run -0 bash -c 'printf "set a 0 0 5\r\nhello\r\nget a\r\nquit\r\n" |
        openssl s_client -connect "localhost:$1" -servername localhost -CAfile "$2" -verify_return_error -quiet 2>"$3" | tr -d "\r"' - \
        "$PORT" "$PKI/ca.pem" "$T/s_client.log"
    assert_output $'STORED\nVALUE a 0 5\nhello\nEND'
    wrapped=$(free_port)
    wrapper "TCP-LISTEN:$wrapped,bind=127.0.0.1,reuseaddr"
    up "$wrapped"
    run -0 memccapable -h 127.0.0.1 -p "$wrapped"
    refute_output --partial FAIL
    assert_output --partial 'All tests passed'
    only_ends closed
}

@test "mosquitto: messages of all sizes to subscribers, mosquitto_pub and mosquitto_sub --cafile" {
    need mosquitto mosquitto_pub mosquitto_sub
    local home inner client
    home=$(home mosquitto)
    inner=$(free_port)
    printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$inner" >"$home/conf"
    service mosquitto mosquitto -v -c "$home/conf"
    up "$inner"
    daemon_start "backend = 127.0.0.1:$inner"
    client=(-h localhost -p "$PORT" --cafile "$PKI/ca.pem" --tls-version tlsv1.3)
    mosquitto_sub "${client[@]}" -q 2 -t 'a/#' -C 101 -W 30 -F '%t %l' >"$T/short.out" 2>&1 &
    PIDS+=($!)
    mosquitto_sub "${client[@]}" -q 1 -t large -C 1 -W 30 -N >"$T/large.got" 2>"$T/sub.log" &
    local large=$!
    PIDS+=("$large")
    wait_for 10 subscribed 2 || fail "no two subscribers"
    mosquitto_pub "${client[@]}" -q 2 -t a/b -m hello
    seq 100 | mosquitto_pub "${client[@]}" -q 1 -t a/many -l
    head -c 8000000 /dev/urandom >"$T/large"
    mosquitto_pub "${client[@]}" -q 1 -t large -f "$T/large"
    wait "$large"
    cmp "$T/large" "$T/large.got"
    wait_for 10 lines_are 101 "$T/short.out" || fail "messages are missing"
    grep -qx 'a/b 5' "$T/short.out"
    only_ends closed
}
subscribed() { [ "$(grep -c 'Received SUBSCRIBE from' "$T/service.0.log")" = "$1" ]; }
lines_are() { [ "$(wc -l <"$2")" = "$1" ]; }
