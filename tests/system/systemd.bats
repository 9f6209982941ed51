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
eval "$(declare -f setup | sed '1s/setup/lib_setup/')"
setup() {
    lib_setup
    net=(nsenter -t "$MACHINE" -n --)
    E=$ROOT/etc/tls13d
    rm -rf "$E" "$ROOT"/etc/systemd/system/tls13d*
    inside systemd-tmpfiles --create tls13d.conf
    inside systemctl daemon-reload
    give "$PKI/p256.pem" site.pem
    backend_start tcp echo
    BEGAN=$(inside date '+%F %T.%6N')
}
teardown() {
    if [ "${BATS_TEST_COMPLETED:-}" != 1 ]; then
        inside journalctl --no-pager -n 60 -o short-monotonic || true
        inside systemctl status --no-pager 'tls13d*' || true
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
# config NAME LINE...: /etc/tls13d/NAME.ini with one listener, the lines in it.
config() {
    local name=$1
    shift
    {
        printf '[daemon]\nworkers = 2\n[listen web]\n'
        printf 'certificate = site.pem\nbackend = %s\n' "$BACKEND"
        printf '%s\n' "$@"
    } >"$E/$name.ini"
}
property() { inside systemctl show -P "$2" "$1"; }
property_is() { [ "$(property "$1" "$2")" = "$3" ]; }
# echoes PORT [HOST]: a line there and back on a verified connection, ended cleanly.
echoes() {
    PORT=$1 client --host "${2:-127.0.0.1}" text:ping end drain
    result_is text ping
    result_is end close_notify
}
journal() { inside journalctl --no-pager -u "$1" --since "$BEGAN" "${@:2}"; }

@test "the machine has booted and nothing in it failed" {
    run -0 inside systemctl is-system-running
    assert_output running
}

@test "start: it serves over IPv4 and IPv6, without privileges" {
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
}
