#!/usr/bin/env bats
# Exported keying material: both ends of one connection have the same, with two other implementations.

load lib

# exporter_start LABEL LENGTH
exporter_start() {
    LOG=$T/export_tool.log
    rm -f "$LOG" # the last one's would be read before this one's is there
    "$B/tools/export_tool" "$PKI/p256.pem" "$@" >"$LOG" 2>&1 3>&- &
    PIDS+=($!)
    wait_for 5 log_has listening || fail "export_tool did not start"
    PORT=$(sed -n 's/^listening on 127\.0\.0\.1://p' "$LOG")
}
ours() {
    log_wait '^exporter '
    sed -n 's/^exporter //p' "$LOG"
}

@test "openssl s_client: each hash, lengths within and beyond one block" {
    local suite length
    for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384; do
        for length in 1 20 32 48 255; do
            exporter_start EXPORTER-tls13d-test "$length"
            run timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -ciphersuites "$suite" -keymatexport EXPORTER-tls13d-test \
                -keymatexportlen "$length" </dev/null
            assert_output --partial "Keying material: $(ours)"
            assert_equal "$(ours | tr -d '\n' | wc -c)" $((2 * length))
        done
    done
}

@test "openssl s_client: another label, another secret" {
    exporter_start EXPORTER-tls13d-test 32
    run timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -keymatexport EXPORTER-other -keymatexportlen 32 </dev/null
    assert_output --partial 'Keying material: '
    refute_output --partial "$(ours)"
}

@test "gnutls-cli" {
    gnutls-cli --help | grep -q keymatexport || skip "this gnutls-cli shows no exporter"
    exporter_start EXPORTER-tls13d-test 32
    run timeout 10 gnutls-cli --x509cafile "$PKI/ca.pem" -p "$PORT" --keymatexport=EXPORTER-tls13d-test --keymatexportsize=32 localhost </dev/null
    assert_output --regexp "(^|[^0-9A-Fa-f])($(ours)|$(ours | tr A-F a-f))"
}
