#!/usr/bin/env bats
# The three-call API: the example server with real clients, and with its input cut into every size of chunk.

load lib

# server_start CERTIFICATE: sets PORT.
server_start() {
    rm -f "$T/echo_server.log" # the last server's would be read before this one's is there
    "$B/echo_server" "$PKI/$1.pem" 0 >"$T/echo_server.log" 2>&1 3>&- &
    PIDS+=($!)
    wait_for 5 grep -q listening "$T/echo_server.log" || fail "echo_server did not start"
    PORT=$(sed -n 's/^listening on 127\.0\.0\.1://p' "$T/echo_server.log")
    LOG=$T/echo_server.log
}

@test "usage, and files and ports that cannot be had, are said clearly" {
    run -2 "$B/echo_server"
    assert_output 'usage: echo_server PEM PORT'
    run -2 "$B/echo_server" "$PKI/p256.pem" 70000
    run -2 "$B/echo_server" "$PKI/p256.pem" http
    run -1 "$B/echo_server" "$T/none.pem" 0
    assert_output --partial "$T/none.pem: No such file or directory"
    server_start p256
    run -1 timeout 5 "$B/echo_server" "$PKI/p256.pem" "$PORT"
    assert_output --partial 'Address already in use'
}

@test "a file that is no certificate fails the handshake with its reason" {
    cp "$PKI/ca.pem" "$T/half.pem"
    "$B/echo_server" "$T/half.pem" 0 >"$T/echo_server.log" 2>&1 3>&- &
    PIDS+=($!)
    wait_for 5 grep -q listening "$T/echo_server.log"
    PORT=$(sed -n 's/^listening on 127\.0\.0\.1://p' "$T/echo_server.log")
    client
    [ "$(result handshake)" != ok ]
    wait_for 5 grep -q 'handshake: .*key' "$T/echo_server.log"
}

# shellcheck disable=SC2094 # it is meant to read what the client has written so far
# talk WORD COMMAND...: the client says WORD and stays until it came back in capitals, or for five seconds; $output is what it wrote.
talk() {
    local word=$1 try
    shift
    : >"$T/client.out"
    {
        echo "$word"
        for ((try = 0; try < 100; try++)); do
            ! grep -q "${word^^}" "$T/client.out" || break
            sleep 0.05
        done
    } | timeout 10 "$@" >"$T/client.out" 2>&1
    output=$(<"$T/client.out")
    assert_output --partial "${word^^}"
}

@test "openssl s_client, each certificate, one client after the other" {
    local key i
    for key in p256 p384 rsa; do
        server_start $key
        for i in 1 2 3; do
            talk "hello $i" openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -CAfile "$PKI/ca.pem" -verify_return_error \
                -verify_hostname localhost -servername localhost
        done
        wait_for 5 closed_times 3
    done
}
closed_times() { [ "$(grep -c '^closed' "$LOG")" = "$1" ]; }

@test "gnutls-cli" {
    server_start p256
    talk 'hello gnutls' gnutls-cli --x509cafile "$PKI/ca.pem" -p "$PORT" localhost
    assert_output --partial 'The certificate is trusted'
}

@test "a megabyte comes back, in both kinds of end" {
    server_start p256
    client send:1000000 end drain
    result_is in 1000000
    result_is end close_notify
    client send:1000000 end fin drain
    result_is in 1000000
    result_is end close_notify
}

@test "input cut into every size of chunk" {
    server_start p256
    run -0 timeout 60 python3 -S "$TOOLS/cuts.py" "$PORT" "$PKI/ca.pem" segments
    assert_output 67
}

@test "records of every small size, the ClientHello's too" {
    server_start p256
    run -0 timeout 60 python3 -S "$TOOLS/cuts.py" "$PORT" "$PKI/ca.pem" records
    assert_output 20
    client --curve secp384r1 --hello-records 1 --segments 1 text:x end drain
    assert_equal "$(result text)" X
}

@test "a client that vanishes, lies or speaks something else does not stop it" {
    server_start p256
    client text:hello fin drain
    wait_for 5 grep -q '^connection: ' "$LOG" || fail "a truncation was taken for a clean end"
    client text:hello rst
    client raw fin drain
    client raw rst
    client raw bytes:474554202f20485454502f312e310d0a0d0a drain
    [[ $(result raw) == 15030?0002020a ]] || fail "plain HTTP got $(result raw)"
    client --tls12
    result_is handshake 'alert protocol_version'
    client text:hello "bytes:1703030020$(printf '%064d' 0)" drain
    result_is end 'alert bad_record_mac'
    client text:hello end drain
    assert_equal "$(result text)" HELLO
}

@test "a client's KeyUpdate is answered" {
    server_start p256
    run -0 bash -c '{ echo one; sleep 0.3; echo K; sleep 0.3; echo two; sleep 0.3; echo Q; } |
        timeout 10 openssl s_client -connect "127.0.0.1:$1" -tls1_3 2>&1' - "$PORT"
    assert_output --partial ONE
    assert_output --partial KEYUPDATE
    assert_output --partial TWO
}

@test "no leak and no error, by valgrind or the sanitizers, after 56 connections of mixed endings" {
    local pid under=(valgrind --quiet --leak-check=full --error-exitcode=99 "--log-file=$T/valgrind.log")
    case $B in *san*) under=() ;; esac
    "${under[@]}" "$B/echo_server" "$PKI/p256.pem" 0 >"$T/echo_server.log" 2>&1 3>&- &
    pid=$!
    PIDS+=("$pid")
    wait_for 20 grep -q listening "$T/echo_server.log"
    PORT=$(sed -n 's/^listening on 127\.0\.0\.1://p' "$T/echo_server.log")
    timeout 60 python3 -S "$TOOLS/churn.py" "$PORT" "$PKI/ca.pem" 56
    client text:x end drain
    kill -TERM "$pid"
    wait "$pid"
}
