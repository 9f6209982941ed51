#!/usr/bin/env bats
# The end of one direction never costs a byte of the other; what is no orderly end is never shown as one.

load lib

MEG=1048576

# Nothing lost: the backend read what the client sent and the other way.
all_arrived() {
    event_is 1 in "$(result out)"
    event_is 1 sha_in "$(result sha_out)"
    event_is 1 end eof
    result_is in "$(event 1 out)"
    result_is sha_in "$(event 1 sha_out)"
    result_is end close_notify
    log_wait 'end=closed'
}

# -- the matrix: who ends first, the other's bytes 2 s late, TCP or Unix -----------------------------------------------

client_first() { # KIND STEP...
    backend_start "$1" late:$((3 * MEG)) --delay 2
    daemon_start
    client send:$MEG "${@:2}" drain
    result_is out $MEG
    result_is in $((3 * MEG))
    (($(result ms) >= 1900)) || fail "the reply was not late"
    all_arrived
}

backend_first() { # KIND STEP...
    backend_start "$1" both:$((3 * MEG))
    daemon_start
    client drain pause:2 send:$((2 * MEG)) "${@:2}"
    result_is in $((3 * MEG))
    result_is out $((2 * MEG))
    all_arrived
}

@test "the client says close_notify, the reply is 2 s late: TCP" { client_first tcp end; }
@test "the client says close_notify, the reply is 2 s late: Unix" { client_first unix end; }
@test "the client says close_notify and FIN, the reply is 2 s late: TCP" { client_first tcp end fin; }
@test "the client says close_notify and FIN, the reply is 2 s late: Unix" { client_first unix end fin; }
@test "the backend ends, the upload is 2 s late: TCP" { backend_first tcp end; }
@test "the backend ends, the upload is 2 s late: Unix" { backend_first unix end; }
@test "the backend ends, the upload is 2 s late and ends with FIN too: TCP" { backend_first tcp end fin; }

@test "both end at the same moment: TCP and Unix" {
    local kind n=0
    for kind in tcp unix; do
        rm -f "$EVENTS"
        backend_start $kind both:$MEG
        daemon_start
        for n in 1 2 3 4 5; do
            client send:$MEG end drain
            result_is in $MEG
            event_is $n in $MEG
            event_is $n sha_in "$(result sha_out)"
            result_is sha_in "$(event $n sha_out)"
            result_is end close_notify
        done
        daemon_stop
    done
}

@test "a client that ends before it has said anything still gets the reply" {
    backend_start tcp late:$MEG --delay 0.2
    daemon_start
    client end drain
    result_is in $MEG
    all_arrived
}

@test "a client that is gone after its request and close_notify costs the backend nothing" {
    backend_start tcp sink
    # Without tickets the client leaves nothing unread, which would turn its close into a reset.
    daemon_start 'tickets = 0'
    client send:$MEG end
    event_is 1 in $MEG
    event_is 1 sha_in "$(result sha_out)"
}

@test "while one direction is shut, the daemon is idle" {
    backend_start tcp late:10 --delay 2
    daemon_start
    timeout 20 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" send:100 end fin drain >"$T/client.out" 3>&- &
    local pid=$!
    wait_for 5 connected
    cpu_idle
    wait "$pid"
    output=$(<"$T/client.out")
    result_is in 10
    result_is end close_notify
}
connected() { [ "$(ss -Htn state established "sport = :$PORT" | wc -l)" != 0 ] || [ "$(ss -Htn "sport = :$PORT" | wc -l)" != 0 ]; }

# -- truncation --------------------------------------------------------------------------------------------------------

@test "FIN without close_notify: the backend gets every byte, then a reset" {
    backend_start tcp sink
    daemon_start
    client send:$MEG fin drain
    event_is 1 in $MEG
    event_is 1 sha_in "$(result sha_out)"
    event_is 1 end reset
    log_wait 'end=truncated'
    [ "$(result end)" != close_notify ]
}

@test "FIN without close_notify, slow backend: what is queued is delivered before the reset" {
    backend_start tcp slow
    daemon_start
    client send:200000 fin drain
    event_is 1 in 200000
    event_is 1 sha_in "$(result sha_out)"
    event_is 1 end reset
    log_wait 'end=truncated'
}

@test "FIN without close_notify, Unix backend: every byte, then the end of both directions" {
    backend_start unix sink
    daemon_start
    client send:$MEG fin drain
    event_is 1 in $MEG
    event_is 1 sha_in "$(result sha_out)"
    log_wait 'end=truncated'
    [ "$(result end)" != close_notify ]
}

@test "FIN without close_notify: a reply that comes while the backend still reads is not shown as a whole one" {
    backend_start tcp early:1000 --delay 0.5
    daemon_start
    client send:$MEG fin drain
    event_is 1 in $MEG
    event_is 1 end reset
    log_wait 'end=truncated'
    result_is in 0
    result_is end fin
}

@test "truncation = close passes it on as a plain end" {
    backend_start tcp sink
    daemon_start 'truncation = close'
    client send:$MEG fin drain
    event_is 1 in $MEG
    event_is 1 end eof
    log_wait 'end=truncated'
}

@test "FIN in the middle of a record is a truncation" {
    backend_start tcp sink
    daemon_start
    client send:1000 bytes:1703030100aabbcc fin drain
    event_is 1 in 1000
    event_is 1 end reset
    log_wait 'end=truncated'
}

# -- resets and alerts -------------------------------------------------------------------------------------------------

@test "a client's reset reaches the backend as one" {
    backend_start tcp sink
    daemon_start
    client send:1000 wait:0.2 rst
    event_is 1 end reset
    log_wait 'end=reset'
}

@test "a backend's reset is never a close_notify" {
    backend_start tcp reset:5000
    daemon_start
    client text:go drain
    [ "$(result end)" != close_notify ] || fail "the client was shown an orderly end"
    [ "$(result end)" != open ]
    log_has 'end=closed' && fail "logged as an orderly end"
    log_wait 'end='
}

@test "a record that does not decrypt: the client can read bad_record_mac, the backend gets a reset" {
    backend_start tcp sink
    daemon_start
    client send:1000 wait:0.2 "bytes:1703030020$(printf '%064d' 0)" drain
    result_is end 'alert bad_record_mac'
    event_is 1 in 1000
    event_is 1 end reset
    log_wait 'end=sent:bad_record_mac'
}

@test "an alert is readable although the client is still sending" {
    backend_start tcp slow
    daemon_start
    for _ in 1 2 3 4 5; do
        client text:x wait:0.1 "bytes:1703030020$(printf '%064d' 0)$(printf '%0100000d' 0)" drain
        result_is end 'alert bad_record_mac'
    done
}

@test "a client's fatal alert resets the backend" {
    backend_start tcp sink
    daemon_start
    # A client that does not trust the certificate says so after the server's flight: the backend is never connected.
    run timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -CAfile "$PKI/rsa.crt" -verify_return_error </dev/null
    assert_failure
    log_wait 'end=alert:unknown_ca'
    [ ! -e "$EVENTS" ] || fail "the backend was connected before the handshake was over"
}

@test "no backend: the client gets an alert or a reset, never an orderly end" {
    BACKEND=127.0.0.1:$(free_port)
    daemon_start
    client text:x drain
    [ "$(result end)" != close_notify ] || fail "the client was shown an orderly end"
    [ "$(result end)" != open ]
    log_wait 'end=connect-failed'
    BACKEND=unix:$T/nobody.sock
    daemon_stop
    daemon_start
    client text:x drain
    [ "$(result end)" != close_notify ]
    log_wait 'end=connect-failed'
}

# -- how many segments an end costs ------------------------------------------------------------------------------------

@test "a backend that ends behind its reply: reply, close_notify and FIN are one segment" {
    backend_start tcp last:900
    daemon_start
    client text:x drain
    result_is in 900
    result_is end close_notify
    result_is fin true
    result_is segments 1
    client text:x end drain
    result_is in 900
    result_is end close_notify
}

@test "a backend that ends behind a long reply: nothing of it waits when the client reads late" {
    backend_start tcp last:$((3 * MEG + 1))
    daemon_start
    client text:x pause:1 drain end
    result_is in $((3 * MEG + 1))
    result_is sha_in "$(event 1 sha_out)"
    result_is end close_notify
    result_is fin true
    event_is 1 end eof
}

# stopped_meanwhile: the worker, from 0.2 seconds on for half a second, so that one event tells of all that a backend answers then.
stopped_meanwhile() {
    local worker
    worker=$(pgrep -P "$DAEMON")
    (sleep 0.2 && kill -STOP "$worker" && sleep 0.5 && kill -CONT "$worker") 3>&- &
}

@test "a backend on a Unix socket passes a descriptor, at which reads stop: what lies behind it is relayed" {
    backend_start "unix:$T/b.sock" passes:3000 --delay 0.4
    daemon_start
    stopped_meanwhile
    CLIENT_SECONDS=5 client text:x read:3000 end drain
    result_is in 3000
    result_is end close_notify
}

@test "a backend's urgent byte and its end arrive together: what lies behind the byte is relayed" {
    backend_start tcp urgent:3000 --delay 0.4
    daemon_start
    stopped_meanwhile
    client text:x drain end
    result_is in 3000
    result_is sha_in "$(event 1 sha_out)"
    result_is end close_notify
}

@test "a backend that resets while its download waits: not shown as an orderly end when an upload meets the reset first" {
    backend_start tcp torn
    daemon_start
    client text:x pause:1.5 text:y pause:0.2 drain
    event_is 1 end "we reset"
    [ "$(result end)" != close_notify ] || fail "close_notify after $(result in) bytes"
    log_wait 'end=reset'
}

@test "a client on a Unix socket: half-close each way, truncation, a backend's reset" {
    local socket=$T/in.sock
    backend_start tcp late:3000 --delay 0.5
    daemon_start "bind = unix:$socket"
    client --unix "$socket" send:100000 end drain
    result_is in 3000
    result_is end close_notify
    client --unix "$socket" send:1000 fin drain
    event_is 2 in 1000
    event_is 2 end reset
    log_wait 'client=unix: .*end=truncated'
    backend_start tcp reset:2000
    daemon_set backend "$BACKEND"
    daemon_reload
    client --unix "$socket" text:x drain
    result_is in 2000
    [[ $(result end) == 'alert internal_error' || $(result end) == reset ]] || fail "the client saw $(result end)"
    log_wait 'client=unix: .*end=reset'
    backend_start tcp both:2000
    daemon_set backend "$BACKEND"
    daemon_reload
    client --unix "$socket" drain wait:0.3 send:5000 end
    result_is in 2000
    result_is end close_notify
}
