#!/usr/bin/env bats
# The units: known keys only, hardened as far as it goes, and one instance different from the other by its file alone.

load lib
setup_file() { :; }

setup() {
    cd "$TOP"
    command -v systemd-analyze >/dev/null || skip "no systemd-analyze: install the package systemd"
    U=$BATS_TEST_TMPDIR/units
    mkdir -p "$U"
    local unit
    for unit in tls13d.service tls13d@.service tls13d.socket; do
        sed "s|/usr/sbin/tls13d|$TLS13D|" "systemd/$unit" >"$U/$unit"
    done
}
teardown() { :; }

# It ends with 0 over unknown keys too, hence the look at what it says.
@test "systemd-analyze verify has nothing to say" {
    cp "$U/tls13d@.service" "$U/tls13d@one.service"
    run -0 systemd-analyze verify --man=no "$U/tls13d.service" "$U/tls13d.socket" "$U/tls13d@one.service"
    assert_output ''
}

@test "the verification can fail" {
    sed -i 's/^WatchdogSec=/WatchDogSec=/' "$U/tls13d.service"
    run systemd-analyze verify --man=no "$U/tls13d.service"
    assert_output --partial WatchDogSec
}

@test "systemd-analyze security gives 1.5 or better" {
    run -0 systemd-analyze security --offline=true --threshold=15 "$U/tls13d.service"
    run -0 systemd-analyze security --offline=true --threshold=15 "$U/tls13d@.service"
}

@test "the drop-ins of conf/examples/systemd verify, and are no less strict" {
    local file
    for file in conf/examples/systemd/*.conf; do
        mkdir -p "$U/tls13d.service.d"
        cp "$file" "$U/tls13d.service.d/example.conf"
        run -0 systemd-analyze verify --man=no "$U/tls13d.service"
        assert_output ''
        # What is measured is one file: the drop-in's lines behind the unit's own.
        mkdir -p "$U/whole"
        { sed '/^\[Install\]/,$d' "$U/tls13d.service"; cat "$file"; } >"$U/whole/tls13d.service"
        run -0 systemd-analyze security --offline=true --threshold="$(case $file in */private-network.conf) echo 5 ;; *) echo 15 ;; esac)" "$U/whole/tls13d.service"
    done
}

@test "the threshold can be missed" {
    sed -i '/^ProtectSystem=/d; /^NoNewPrivileges=/d; /^SystemCallFilter=/d' "$U/tls13d.service"
    run -1 systemd-analyze security --offline=true --threshold=15 "$U/tls13d.service"
}

@test "tls13d@.service is tls13d.service for another file" {
    run -0 diff <(sed 's/-%i$//; s/ (%i)$//; s/%i\.ini/tls13d.ini/' systemd/tls13d@.service) systemd/tls13d.service
}

@test "tls13d.sysusers makes the user" {
    mkdir -p "$BATS_TEST_TMPDIR/root/etc"
    run -0 systemd-sysusers --root="$BATS_TEST_TMPDIR/root" "$TOP/systemd/tls13d.sysusers"
    grep -q '^tls13d:.*:/usr/sbin/nologin$' "$BATS_TEST_TMPDIR/root/etc/passwd"
    grep -q '^tls13d:' "$BATS_TEST_TMPDIR/root/etc/group"
}

@test "the daemon takes a socket from systemd under its name and serves on it" {
    local port
    port=$(free_port)
    "$TOOLS/pki.sh" "$BATS_TEST_TMPDIR/pki"
    timeout 20 systemd-socket-activate -l "127.0.0.1:$port" --fdname=https "$TLS13D" --bind systemd:https \
        --backend 127.0.0.1:9 --certificate "$BATS_TEST_TMPDIR/pki/p256.pem" --workers 1 >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    local pid=$!
    wait_for 5 port_listens "$port"
    run timeout 10 openssl s_client -connect "127.0.0.1:$port" -CAfile "$BATS_TEST_TMPDIR/pki/ca.pem" -verify_return_error </dev/null
    kill -INT "$pid"
    wait "$pid" || true
    assert_output --partial 'Verify return code: 0 (ok)'
}
