#!/usr/bin/env bats
# More bytes than 32 bits count, behind the end of the other direction.

load ../lib

@test "5 GB down behind the client's close_notify" {
    backend_start tcp source:5000000000
    daemon_start
    CLIENT_SECONDS=290 client --timeout 280 end drain
    result_is in 5000000000
    result_is end close_notify
    [ "$(result sha_in)" = "$(event 1 sha_out)" ] || fail "the bytes differ"
    log_wait 'out=5000000000 .*end=closed'
}

@test "5 GB up behind the backend's end" {
    backend_start tcp both:0
    daemon_start
    CLIENT_SECONDS=290 client --timeout 280 drain send:5000000000 end
    event_is 1 in 5000000000
    [ "$(result sha_out)" = "$(event 1 sha_in)" ] || fail "the bytes differ"
    log_wait 'in=5000000000 .*end=closed'
}
