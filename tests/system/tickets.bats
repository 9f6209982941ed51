#!/usr/bin/env bats
# The ticket keys that the daemon makes: one for all workers, a new one every half lifetime (a minute at least), the ones before it still open.

load ../lib

# get NAME [OPTION...]: openssl's handshake; the last ticket goes to $T/NAME.
get() {
    run -0 timeout 20 bash -c '{ printf "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"; sleep 0.4; } | openssl s_client -connect "127.0.0.1:$0" \
        -CAfile "$1" -servername localhost -tls1_3 -sess_out "$2" "${@:3}"' "$PORT" "$PKI/ca.pem" "$T/$1" "${@:2}"
}
# The name of the key that sealed the ticket.
key_of() { openssl sess_id -in "$T/$1" -noout -text | sed -n 's/^ *0000 - \(.*\)   .*/\1/p'; }
key_is_new() {
    get now
    [ "$(key_of now)" != "$(key_of first)" ]
}

@test "a key of two workers is replaced after a minute, and still opens" {
    local n
    backend_start tcp http
    daemon_lines=('ticket-lifetime = 2m')
    daemon_config
    daemon_set workers 2
    daemon_run
    get first
    [ -n "$(key_of first)" ]
    for n in 1 2 3 4 5 6; do
        get next -sess_in "$T/first"
        assert_output --partial 'Reused, TLSv1.3'
        assert_equal "$(key_of next)" "$(key_of first)"
    done
    run ! key_is_new
    wait_for 75 key_is_new || fail "the key is the same after 75 s"
    get next -sess_in "$T/first"
    assert_output --partial 'Reused, TLSv1.3'
    assert_equal "$(key_of next)" "$(key_of now)"
}
