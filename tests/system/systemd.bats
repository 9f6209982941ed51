#!/usr/bin/env bats
# The units under a real systemd: what an administrator does with them, and what must come of it.

load machine

setup_file() {
    machine_start install_daemon
    export PKI=$BATS_FILE_TMPDIR/pki
    "$TOOLS/pki.sh" "$PKI"
}
teardown_file() { machine_stop; }

# Each test begins without a configuration and without a trace of the one before.
setup() {
    test_setup
    net=(nsenter -t "$MACHINE" -n --)
    E=$ROOT/etc/tls13d
    UNITS=$ROOT/etc/systemd/system
    rm -rf "$E" "$UNITS"/tls13d*
    inside systemd-tmpfiles --create tls13d.conf
    inside systemctl daemon-reload
    give "$PKI/p256.pem" site.pem
    backend_start tcp echo
    BEGAN=$(inside date '+%F %T.%6N')
}
teardown() {
    [ -z "${SUITE_LACKS-}" ] || return 0
    if [ "${BATS_TEST_COMPLETED:-}" != 1 ]; then
        journal '*' -n 60 -o short-monotonic || true
        inside systemctl status --no-pager 'tls13d*' || true
        dump
    fi
    inside systemctl stop 'tls13d*.socket' 'tls13d*.service' || true
    inside systemctl reset-failed || true
    processes_end
    rm -rf -- "$T"
}

# give FILE NAME: a PEM into /etc/tls13d, for root and the daemon's group, by rename.
give() {
    install -m 640 "$1" "$E/.new"
    inside chown root:tls13d /etc/tls13d/.new
    mv "$E/.new" "$E/$2"
}
# config NAME LINE...: /etc/tls13d/NAME.ini with one listener, the lines in it; the array daemon_lines goes into [daemon].
config() {
    local name=$1
    shift
    {
        printf '[daemon]\nworkers = 2\n'
        [ ${#daemon_lines[@]} = 0 ] || printf '%s\n' "${daemon_lines[@]}"
        printf '[listen web]\n'
        [[ $* == *'certificate = '* ]] || echo 'certificate = site.pem'
        printf 'backend = %s\n' "$BACKEND"
        printf '%s\n' "$@"
    } >"$E/$name.ini"
}
# drop_in UNIT: standard input becomes a part of the unit.
drop_in() {
    mkdir -p "$UNITS/$1.d"
    cat >"$UNITS/$1.d/test.conf"
    inside systemctl daemon-reload
}

property() { inside systemctl show -P "$2" "$1"; }
property_is() { [ "$(property "$1" "$2")" = "$3" ]; }
journal() { inside journalctl --no-pager -u "$1" --since "$BEGAN" "${@:2}"; }
journal_has() { journal tls13d -o cat | grep -qE -- "$1"; }

# echoes PORT [HOST]: a line there and back on a verified connection, ended cleanly.
echoes() {
    PORT=$1 client --host "${2:-127.0.0.1}" text:ping end drain
    result_is text ping
    result_is end close_notify
}
# Of the certificate that is served on port 443.
serial() { "${net[@]}" openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -serial; }
file_serial() { openssl x509 -noout -serial -in "$1"; }
serial_is() { [ "$(serial)" = "$(file_serial "$1")" ]; }

load_begin() {
    "${net[@]}" python3 -S "$TOOLS/reload_load.py" 443 "$PKI/ca.pem" "$T/load.stop" >"$T/load.out" 2>&1 3>&- &
    PIDS+=($!)
    wait_for 20 test -s "$T/load.out"
}
load_end() {
    touch "$T/load.stop"
    wait_for 30 grep -q served "$T/load.out"
    cat "$T/load.out"
}

@test "the machine has booted and nothing in it failed" {
    run -0 inside systemctl is-system-running
    assert_output running
}

@test "start: it serves over IPv4 and IPv6, without privileges, in its sandbox" {
    config tls13d 'bind = 0.0.0.0:443' 'bind = [::]:443'
    run -0 inside systemctl start tls13d
    assert_output ''
    property_is tls13d ActiveState active
    assert_equal "$(property tls13d StatusText)" 'serving: generation 1, 2 workers, 2 listening addresses'
    echoes 443 127.0.0.1
    echoes 443 ::1
    local pid pids
    mapfile -t pids < <(inside pgrep -x tls13d)
    [ ${#pids[@]} -ge 3 ] || fail "there are processes ${pids[*]}"
    for pid in "${pids[@]}"; do
        run -0 inside cat "/proc/$pid/status"
        assert_line --regexp '^NoNewPrivs:.*1$'
        assert_line --regexp '^Seccomp:.*2$'
        assert_line --regexp "^Uid:\s+$(inside id -u tls13d)\s"
        # CAP_NET_BIND_SERVICE, or none at all
        assert_line --regexp '^CapEff:.*0000000000000[04]00$'
    done
    run journal tls13d -p warning -o cat
    refute_output --partial sandbox
}

@test "no configuration, or one without a listener: it does not start, and says why" {
    run ! inside systemctl start tls13d
    wait_for 5 journal_has '/etc/tls13d/tls13d.ini'
    inside systemctl reset-failed
    cp "$TOP/conf/tls13d.ini" "$E/tls13d.ini"
    sed -i '/^\[listen/,$d' "$E/tls13d.ini"
    run ! inside systemctl start tls13d
    wait_for 5 journal_has 'listen'
    property_is tls13d NRestarts 0
    run ! port_open 443
}
port_open() { "${net[@]}" bash -c '</dev/tcp/127.0.0.1/"$1"' - "$1" 2>/dev/null; }

@test "a broken certificate: the start fails with the line, once" {
    config tls13d 'bind = [::]:443'
    echo junk >"$T/junk"
    give "$T/junk" site.pem
    run ! inside systemctl start tls13d
    property_is tls13d ActiveState failed
    property_is tls13d Result exit-code
    property_is tls13d NRestarts 0
    wait_for 5 journal_has 'tls13d.ini:[0-9]+: certificate: '
    give "$PKI/p256.pem" site.pem
    run -0 inside systemctl start tls13d
    echoes 443
}

@test "reload: a new listener serves when systemctl is done, a wrong configuration fails and changes nothing" {
    local try
    config tls13d 'bind = [::]:443'
    inside systemctl start tls13d
    for try in 1 2 3 4 5; do
        config tls13d 'bind = [::]:443' "bind = [::]:$((8440 + try))"
        run -0 inside systemctl reload tls13d
        assert_output ''
        assert_equal "$(property tls13d StatusText)" "serving: generation $((try + 1)), 2 workers, 2 listening addresses"
        echoes $((8440 + try))
        [ "$try" = 1 ] || ! port_open $((8440 + try - 1)) || fail "port $((8440 + try - 1)) is still open"
    done
    echo 'nonsense = 1' >>"$E/tls13d.ini"
    run ! inside systemctl reload tls13d
    wait_for 5 journal_has 'tls13d.ini:[0-9]+: nonsense: '
    property_is tls13d ActiveState active
    echoes 443
    echoes 8445
    property_is tls13d NRestarts 0
}

@test "a certificate that is replaced is served, without a signal and by a reload" {
    config tls13d 'bind = [::]:443'
    inside systemctl start tls13d
    serial_is "$PKI/p256.pem"
    give "$PKI/rsa.pem" site.pem
    wait_for 10 serial_is "$PKI/rsa.pem"
    daemon_lines=('watch = off')
    config tls13d 'bind = [::]:443'
    inside systemctl reload tls13d
    give "$PKI/p384.pem" site.pem
    inside systemctl reload tls13d
    serial_is "$PKI/p384.pem"
}

@test "kill -9 of the master: it is restarted and serves" {
    config tls13d 'bind = [::]:443'
    inside systemctl start tls13d
    inside kill -9 "$(property tls13d MainPID)"
    wait_for 20 property_is tls13d NRestarts 1
    wait_for 20 property_is tls13d ActiveState active
    echoes 443
    [ "$(inside pgrep -cx tls13d)" = 3 ] || fail "$(inside pgrep -ax tls13d)"
}

@test "the watchdog ends a daemon whose worker hangs, and it serves again" {
    config tls13d 'bind = [::]:443'
    drop_in tls13d.service <<<$'[Service]\nWatchdogSec=2s\nTimeoutAbortSec=5s'
    inside systemctl start tls13d
    inside pkill -STOP -P "$(property tls13d MainPID)" -x tls13d
    wait_for 30 property_is tls13d NRestarts 1
    wait_for 20 property_is tls13d ActiveState active
    journal_has 'Watchdog timeout'
    echoes 443
}

@test "stop: connections go on to their end, nobody else gets in" {
    local i pids=() began
    backend_start tcp late:300000 --delay 10
    config tls13d 'bind = [::]:443'
    inside systemctl start tls13d
    for i in 1 2 3 4 5 6; do
        timeout 60 "${net[@]}" python3 -S "$TOOLS/client.py" 443 --ca "$PKI/ca.pem" send:100000 end drain >"$T/client.$i.out" 2>&1 3>&- &
        pids+=($!)
    done
    wait_for 20 backends_are 6
    inside systemctl stop tls13d &
    wait_for 5 property_is tls13d ActiveState deactivating
    wait_for 5 eval '! port_open 443'
    backends_are 6 || fail "connections ended before the stop"
    wait $!
    for i in "${!pids[@]}"; do
        wait "${pids[i]}" || fail "client $i: $(<"$T/client.$((i + 1)).out")"
        run -0 jq -r '"\(.in) \(.out) \(.end)"' "$T/client.$((i + 1)).out"
        assert_output '300000 100000 close_notify'
    done
    property_is tls13d Result success
    property_is tls13d ActiveState inactive
    property_is tls13d ExecMainStatus 0
    run ! inside pgrep -x tls13d
}
backends_are() { [ "$("${net[@]}" ss -Htn state established state close-wait "sport = :${BACKEND##*:}" | wc -l)" = "$1" ]; }

@test "the journal has each line's priority, and no key" {
    config tls13d 'bind = [::]:443'
    inside systemctl start tls13d
    echoes 443
    give "$PKI/p384.key" site.pem
    wait_for 10 journal_has 'level=(error|warning) .*site.pem'
    wait_for 10 journal_has 'level=info listener=web .* end=closed$'
    inside systemctl stop tls13d
    journal tls13d -o json >"$T/journal.json"
    run -0 jq -rs '[.[] | select(._COMM == "tls13d" and (.MESSAGE | startswith("level=")))
        | "\(.MESSAGE | capture("^level=(?<l>[a-z]+)").l) \(.PRIORITY)"] | unique[]' "$T/journal.json"
    [ -n "$output" ]
    local line
    for line in "${lines[@]}"; do
        case $line in
        'error 3' | 'warning 4' | 'info 6' | 'debug 7') ;;
        *) fail "a line of level and priority $line" ;;
        esac
    done
    assert_line 'info 6'
    assert_line --regexp '^(error 3|warning 4)$'
    run ! grep -qF "$(sed -n 2p "$PKI/p256.key")" "$T/journal.json"
}

@test "socket activation: the first connection starts it; restarts under load lose nothing" {
    local i
    config tls13d 'bind = systemd:https'
    inside systemctl start tls13d.socket
    property_is tls13d.service ActiveState inactive
    echoes 443 127.0.0.1
    echoes 443 ::1
    property_is tls13d.service ActiveState active
    load_begin
    for i in 1 2 3; do
        inside systemctl restart tls13d.service
    done
    run -0 load_end
    jq -es '.[-1] | .failed == 0 and .served > 10' "$T/load.out" >/dev/null || fail "$output"
    inside systemctl stop tls13d.service
    echoes 443
}

@test "reloads under load lose nothing" {
    local i
    config tls13d 'bind = [::]:443'
    inside systemctl start tls13d
    load_begin
    for i in 1 2 3 4 5; do
        inside systemctl reload tls13d
    done
    run -0 load_end
    jq -es '.[-1] | .failed == 0 and .served > 10' "$T/load.out" >/dev/null || fail "$output"
    assert_equal "$(property tls13d StatusText)" 'serving: generation 6, 2 workers, 1 listening addresses'
}

@test "SIGUSR2 under load: systemd follows the new main process, whose end, watchdog, reload and stop are the service's" {
    local first second
    daemon_lines=("admin = unix:/run/tls13d/admin.sock")
    config tls13d 'bind = [::]:443'
    drop_in tls13d.service <<<$'[Service]\nWatchdogSec=2s'
    inside systemctl start tls13d
    first=$(property tls13d MainPID)
    load_begin
    install -m 755 "$ROOT/usr/sbin/tls13d" "$ROOT/usr/sbin/tls13d.new"
    mv "$ROOT/usr/sbin/tls13d.new" "$ROOT/usr/sbin/tls13d"
    inside systemctl kill --kill-whom=main --signal=USR2 tls13d
    wait_for 20 main_is_not "$first"
    second=$(property tls13d MainPID)
    wait_for 20 property_is tls13d StatusText 'serving: generation 2, 2 workers, 1 listening addresses'
    wait_for 10 inside_gone "$first"
    property_is tls13d ActiveState active
    property_is tls13d NRestarts 0
    run -0 inside systemctl reload tls13d
    wait_for 10 property_is tls13d StatusText 'serving: generation 3, 2 workers, 1 listening addresses'
    property_is tls13d MainPID "$second"
    # A wrong configuration: the one that serves stays.
    echo 'nonsense = 1' >>"$E/tls13d.ini"
    inside systemctl kill --kill-whom=main --signal=USR2 tls13d
    wait_for 20 journal_has 'upgrade failed, this one goes on: .*tls13d.ini:[0-9]+: nonsense: '
    wait_for 5 property_is tls13d SubState running
    property_is tls13d MainPID "$second"
    sed -i '/^nonsense/d' "$E/tls13d.ini"
    # Some beats of the watchdog.
    wait_for 10 old_enough "$second" 5
    property_is tls13d NRestarts 0
    run -0 load_end
    jq -es '.[-1] | .failed == 0 and .served > 10' "$T/load.out" >/dev/null || fail "$output"
    run ! journal tls13d -o cat -g 'reception only permitted'
    # Its end is the service's.
    inside kill -9 "$second"
    wait_for 20 property_is tls13d NRestarts 1
    wait_for 20 property_is tls13d ActiveState active
    echoes 443
    first=$(property tls13d MainPID)
    inside systemctl kill --kill-whom=main --signal=USR2 tls13d
    wait_for 20 main_is_not "$first"
    wait_for 10 inside_gone "$first"
    # It is stopped as one that systemd has started itself: what is open ends in peace.
    timeout 60 "${net[@]}" python3 -S "$TOOLS/client.py" 443 --ca "$PKI/ca.pem" text:one wait:3 text:two end drain >"$T/long.out" 2>&1 3>&- &
    local client=$!
    wait_for 10 backends_are 1
    inside systemctl stop tls13d
    wait $client || fail "$(<"$T/long.out")"
    assert_equal "$(jq -r '"\(.in) \(.end)"' "$T/long.out")" '8 close_notify'
    property_is tls13d Result success
    run ! journal tls13d -o cat -g 'not our child'
    run ! inside pgrep -x tls13d
    [ ! -e "/proc/$MACHINE/root/run/tls13d/admin.sock" ]
}
main_is_not() {
    local pid
    pid=$(property tls13d MainPID)
    [ "$pid" != 0 ] && [ "$pid" != "$1" ]
}
inside_gone() { ! inside test -d "/proc/$1"; }
old_enough() { [ "$(inside ps -o etimes= -p "$1")" -ge "$2" ]; }

@test "SIGUSR2 with systemd's sockets: they are the same, and clients wait for nothing" {
    local first
    config tls13d 'bind = systemd:https'
    inside systemctl start tls13d.socket
    echoes 443
    first=$(property tls13d MainPID)
    load_begin
    inside systemctl kill --kill-whom=main --signal=USR2 tls13d
    wait_for 20 main_is_not "$first"
    wait_for 10 inside_gone "$first"
    run -0 load_end
    jq -es '.[-1] | .failed == 0 and .served > 10' "$T/load.out" >/dev/null || fail "$output"
    inside systemctl restart tls13d
    echoes 443
}

@test "tls13d@.service: instances do not touch each other" {
    local name
    local -A port=([one]=8001 [two]=8002)
    for name in one two; do
        daemon_lines=("admin = unix:/run/tls13d-$name/admin.sock")
        config $name "bind = [::]:${port[$name]}"
        inside systemctl start "tls13d@$name"
        echoes "${port[$name]}"
        run -0 inside tls13d status --admin "unix:/run/tls13d-$name/admin.sock"
        assert_output --partial web
    done
    inside systemctl stop tls13d@one
    run ! port_open "${port[one]}"
    echoes "${port[two]}"
    run -0 inside tls13d status --config /etc/tls13d/two.ini
}

# What conf/examples/systemd/credentials.conf warns of.
@test "credentials: served from the start; a renewed one after a restart, not after a reload" {
    config tls13d 'bind = [::]:443' 'certificate = /run/credentials/tls13d.service/site.pem'
    mkdir -p "$ROOT/etc/ssl/private"
    install -m 600 "$PKI/p256.pem" "$ROOT/etc/ssl/private/site.pem"
    drop_in tls13d.service <"$TOP/conf/examples/systemd/credentials.conf"
    inside systemctl start tls13d
    echoes 443
    install -m 600 "$PKI/rsa.pem" "$ROOT/etc/ssl/private/site.pem"
    inside systemctl reload tls13d
    wait_for 10 journal_has ' msg="reloaded: '
    serial_is "$PKI/p256.pem"
    inside systemctl restart tls13d
    serial_is "$PKI/rsa.pem"
    inside systemctl stop tls13d
    rm "$UNITS/tls13d.service.d/test.conf"
    inside systemctl daemon-reload
    inside rm -f /run/tls13d
    give "$PKI/p384.pem" site.pem
    config tls13d 'bind = [::]:443'
    inside systemctl start tls13d
    serial_is "$PKI/p384.pem"
}

@test "a private network: the sockets are handed over, the backend is a Unix socket, and nothing else can be reached" {
    mkdir -p "$ROOT/srv/app"
    rm -f "$ROOT/srv/app/app.sock"
    "${net[@]}" python3 -S "$TOOLS/backend.py" "unix:$ROOT/srv/app/app.sock" echo --events "$EVENTS" --ready "$T/app.ready" 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 test -s "$T/app.ready"
    chmod 666 "$ROOT/srv/app/app.sock"
    BACKEND=unix:/srv/app/app.sock
    config tls13d 'bind = systemd:https'
    drop_in tls13d.service <"$TOP/conf/examples/systemd/private-network.conf"
    inside systemctl start tls13d.socket
    echoes 443
    local pid
    pid=$(property tls13d MainPID)
    run -0 inside nsenter -t "$pid" -n cat /proc/net/dev
    [ "$(grep -c : <<<"$output")" = 1 ] || fail "$output"
    run -0 inside grep ^CapBnd "/proc/$pid/status"
    assert_output --regexp '0000000000000000$'
}
