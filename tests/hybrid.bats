#!/usr/bin/env bats
# X25519MLKEM768 with two implementations that are not ours: Chromium, and a client over @noble/post-quantum.

load lib
load chromium

# noble SUITE [retry]
noble() {
    run timeout 30 node "$TOP/tests/interop/hybrid_client.mjs" "$PORT" "$PKI/ca.pem" "$@"
    [ "$status" != 77 ] || skip "$(sed -n 's/^SKIP: //p' <<<"$output")"
    assert_success
    assert_output --partial 'a page from the backend'
    assert_line 'closed'
}

@test "Chromium agrees on X25519MLKEM768" {
    command -v chromium >/dev/null || skip "no chromium"
    backend_start tcp http
    daemon_start
    chromium_get
    assert_output --partial 'a page from the backend'
    log_wait 'group=X25519MLKEM768'
}

@test "a client over @noble/post-quantum: its share at once, SHA-256 and SHA-384" {
    backend_start tcp http
    daemon_start
    noble 1301
    log_wait 'suite=TLS_AES_128_GCM_SHA256 group=X25519MLKEM768'
    noble 1302
    log_wait 'suite=TLS_AES_256_GCM_SHA384 group=X25519MLKEM768'
}

@test "a client over @noble/post-quantum: after HelloRetryRequest" {
    backend_start tcp http
    daemon_start
    noble 1301 retry
    noble 1302 retry
    log_wait 'suite=TLS_AES_256_GCM_SHA384 group=X25519MLKEM768'
}
