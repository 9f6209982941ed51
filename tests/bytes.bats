#!/usr/bin/env bats
# No byte is lost, doubled or changed, whatever the amount and however it is cut.

load lib

MANY=67108864

# bytes_match: what the client sent is what the backend read, and the other way; each ended as it should.
bytes_match() {
    event_is 1 in "$(result out)"
    event_is 1 sha_in "$(result sha_out)"
    event_is 1 end eof
    result_is in "$(event 1 out)"
    result_is sha_in "$(event 1 sha_out)"
    result_is end close_notify
    log_wait "in=$(result out) out=$(result in) .*end=closed"
}

upload() {
    backend_start "$1" sink
    daemon_start
    client send:$MANY end drain
    result_is out $MANY
    bytes_match
}

download() {
    backend_start "$1" source:$MANY
    daemon_start
    client read:$MANY end drain
    result_is in $MANY
    bytes_match
}

both_ways() {
    backend_start "$1" duplex:$MANY
    daemon_start
    client send:$MANY end drain
    result_is out $MANY
    result_is in $MANY
    bytes_match
}

@test "64 MiB up, TCP backend" { upload tcp; }
@test "64 MiB up, Unix backend" { upload unix; }
@test "64 MiB down, TCP backend" { download tcp; }
@test "64 MiB down, Unix backend" { download unix; }
@test "64 MiB both ways at once, TCP backend" { both_ways tcp; }
@test "64 MiB both ways at once, Unix backend" { both_ways unix; }

@test "16 MiB both ways with each suite" {
    local some=$((MANY / 4))
    backend_start unix duplex:$some
    local n=0
    for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
        n=$((n + 1))
        daemon_start "cipher-suites = $suite"
        client send:$some end drain
        result_is suite $suite
        result_is in $some
        event_is $n sha_in "$(result sha_out)"
        result_is sha_in "$(event $n sha_out)"
        daemon_stop
    done
}

@test "64 MiB echoed" {
    backend_start tcp echo
    daemon_start
    client send:$MANY end drain
    result_is in $MANY
    bytes_match
}

@test "one byte a record" {
    backend_start tcp echo
    daemon_start
    client --chunk 1 send:3000 end drain
    result_is in 3000
    bytes_match
}

@test "one byte a TCP segment, records and hello alike" {
    backend_start unix echo
    daemon_start
    client --segments 1 send:5000 end drain
    result_is in 5000
    bytes_match
}

@test "sizes around a record's" {
    backend_start tcp echo
    daemon_start
    local n=0 size
    for size in 1 2 1369 1370 16383 16384 16385 32767 32768 32769 65535 131073; do
        n=$((n + 1))
        client send:$size end drain
        result_is in $size
        result_is end close_notify
        event_is $n sha_in "$(result sha_out)"
        result_is sha_in "$(event $n sha_out)"
    done
}

@test "ClientHello in 1-byte segments" {
    backend_start tcp echo
    daemon_start
    client --segments 1 text:hello end drain
    result_is text $'hello'
    result_is end close_notify
}

@test "ClientHello in records of 1, 2, 3 and 100 bytes" {
    backend_start tcp echo
    daemon_start
    for size in 1 2 3 100; do
        client --hello-records $size text:hello end drain
        result_is handshake ok
        result_is text $'hello'
    done
}

@test "ClientHello in 1-byte records in 1-byte segments, and a HelloRetryRequest after it" {
    backend_start tcp echo
    daemon_start 'groups = secp384r1'
    client --hello-records 1 --segments 1 text:hello end drain
    result_is handshake ok
    result_is text $'hello'
    log_wait 'group=secp384r1'
}

@test "openssl s_client with small record fragments" {
    backend_start tcp echo
    daemon_start
    od -An -v -tx1 -N 65536 /dev/urandom >"$T/in" # no line may begin with a letter: s_client has commands
    run -0 bash -c '{ cat "$2/in"; sleep 1; } | timeout 20 openssl s_client -connect "127.0.0.1:$1" -tls1_3 -quiet -no_ign_eof \
        -split_send_frag 600 -max_send_frag 600 2>/dev/null >"$2/back"' - "$PORT" "$T"
    cmp "$T/in" "$T/back"
}

@test "both directions full: memory is bounded, CPU idle, and all arrives in the end" {
    backend_start tcp echo
    daemon_start
    client text:warm end drain
    local before pid
    before=$(daemon_memory)
    timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" --stall 3 push:$MANY end drain >"$T/client.out" 3>&- &
    pid=$!
    wait_for 20 memory_steady
    cpu_idle
    (($(daemon_memory) - before < 1024)) || fail "memory went from $before to $(daemon_memory) KiB"
    wait "$pid"
    output=$(<"$T/client.out")
    result_is stalled true
    result_is in $MANY
    result_is end close_notify
    result_is sha_in "$(result sha_out)"
}
# The client blocks soon after it began: no CPU used between two looks.
memory_steady() {
    local before
    before=$(daemon_ticks)
    sleep 0.3
    ((before > 0 && $(daemon_ticks) - before == 0))
}

@test "30 connections at once, each with its own megabyte" {
    backend_start tcp echo
    daemon_start
    local i pids=()
    for ((i = 0; i < 30; i++)); do
        timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" send:$((1000000 + i * 1013)) end drain >"$T/client.$i.out" 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    for ((i = 0; i < 30; i++)); do
        output=$(<"$T/client.$i.out")
        result_is in $((1000000 + i * 1013))
        result_is sha_in "$(result sha_out)"
        result_is end close_notify
    done
}

@test "a good stream is untouched by 140 bad connections beside it" {
    backend_start tcp echo
    daemon_start
    timeout 60 python3 -S "$TOOLS/churn.py" "$PORT" "$PKI/ca.pem" 140 >"$T/churn.out" 2>&1 3>&- &
    local pid=$! i
    for i in 1 2 3 4; do
        client send:$((MANY / 4)) end drain
        result_is in $((MANY / 4))
        result_is sha_in "$(result sha_out)"
        result_is end close_notify
    done
    wait "$pid"
}

@test "KeyUpdates of the client in mid-stream, with and without an answer asked for" {
    backend_start tcp echo
    daemon_start
    # s_client's own commands: k sends a KeyUpdate, K asks for one back.
    run -0 bash -c 'for i in 1 2 3 4 5; do for c in k K; do echo "line $i$c"; sleep 0.05; echo $c; sleep 0.05; done; done |
        { cat; sleep 0.3; echo Q; } | timeout 20 openssl s_client -connect "127.0.0.1:$0" -tls1_3 2>&1' "$PORT"
    for i in 1 2 3 4 5; do
        assert_line "line ${i}k"
        assert_line "line ${i}K"
    done
    assert_line KEYUPDATE
    log_wait 'end=closed'
    # And gnutls-cli's, which asks for one back.
    run -0 bash -c 'for i in 1 2 3 4 5; do echo "line $i"; sleep 0.1; echo "^rekey^"; sleep 0.1; done | { cat; sleep 0.3; } |
        timeout 20 gnutls-cli --inline-commands --insecure -p "$0" localhost' "$PORT"
    for i in 1 2 3 4 5; do
        assert_line "line $i"
    done
    [ "$(grep -c 'Rekey was completed' <<<"$output")" = 5 ]
}
