#!/usr/bin/env bats
# The Debian packages: built, looked at by lintian, installed, upgraded, removed and purged on a machine with systemd.

load machine

setup_file() {
    local why
    for why in dpkg-buildpackage lintian; do
        command -v $why >/dev/null || { suite_skip "no $why"; return; }
    done
    export DEBS=$TOP/build/deb
    why=$(machine_lacks)
    [ -z "$why" ] || { suite_skip "$why"; return; }
    # The unit tests are run by make check.
    DEB_BUILD_OPTIONS=nocheck make -s -C "$TOP" deb >"$BATS_FILE_TMPDIR/deb.log" 2>&1 3>&- || { cat "$BATS_FILE_TMPDIR/deb.log"; return 1; }
    machine_start
    export PKI=$BATS_FILE_TMPDIR/pki
    "$TOOLS/pki.sh" "$PKI"
}
teardown_file() { machine_stop; }

setup() {
    test_setup
    net=(nsenter -t "$MACHINE" -n --)
    E=$ROOT/etc/tls13d
}
teardown() {
    [ -z "${SUITE_LACKS-}" ] || return 0
    if [ "${BATS_TEST_COMPLETED:-}" != 1 ]; then
        inside journalctl --no-pager -u 'tls13d*' -n 40 || true
        dump
    fi
    inside dpkg --purge tls13d libtls13-dev libtls13-0 >"$T/purge.log" 2>&1 || { cat "$T/purge.log"; return 1; }
    rm -rf "$E"
    processes_end
    rm -rf -- "$T"
}

version() { sed -n 's/^VERSION := //p' "$TOP/Makefile"; }
deb() { echo "$DEBS/$1_$(version)_$(dpkg --print-architecture).deb"; }
# in_root FILE...: copies them into the machine's /root.
in_root() { cp "$@" "$ROOT/root/"; }
deb_install() { # PACKAGE...
    local package files=()
    for package; do
        in_root "$(deb "$package")"
        files+=("/root/$(basename "$(deb "$package")")")
    done
    run -0 inside env DEBIAN_FRONTEND=noninteractive dpkg -i "${files[@]}"
}
# next_version [SED]: a package of tls13d like this one but newer, its configuration changed by SED, at /root/next.deb.
next_version() {
    dpkg-deb -R "$(deb tls13d)" "$T/next"
    sed -i 's/^Version: .*/&.1/' "$T/next/DEBIAN/control"
    [ $# = 0 ] || sed -i "$1" "$T/next/etc/tls13d/tls13d.ini"
    dpkg-deb --root-owner-group -b "$T/next" "$ROOT/root/next.deb" >/dev/null
}
# A listener in a file of its own, as the package's configuration proposes.
configure() {
    mkdir -p "$E/conf.d"
    install -m 640 "$PKI/p256.pem" "$E/site.pem"
    inside chown root:tls13d /etc/tls13d/site.pem
    printf '[listen web]\nbind = %s\nbackend = %s\ncertificate = /etc/tls13d/site.pem\n' "${1-[::]:443}" "$BACKEND" >"$E/conf.d/web.ini"
}
echoes() {
    PORT=443 client text:ping end drain
    result_is text ping
}
property() { inside systemctl show -P "$2" "$1"; }

@test "three packages, of the version of the sources" {
    local package
    for package in tls13d libtls13-0 libtls13-dev; do
        run -0 dpkg-deb -f "$(deb $package)" Version
        assert_output "$(version)"
    done
}

@test "lintian finds neither errors nor warnings" {
    TMPDIR=$T run -0 lintian --allow-root --fail-on error,warning "$DEBS"/tls13d_*.changes
}

@test "lintian can find something" {
    dpkg-deb -R "$(deb tls13d)" "$T/bad"
    rm "$T/bad/usr/share/doc/tls13d/copyright"
    dpkg-deb --root-owner-group -b "$T/bad" "$T/tls13d.deb" >/dev/null
    TMPDIR=$T run -2 lintian --allow-root --fail-on error,warning "$T/tls13d.deb"
    assert_output --partial no-copyright-file
}

@test "installed: nothing runs, nothing is enabled, the configuration is the administrator's to write" {
    deb_install tls13d
    run ! inside systemctl is-active tls13d.service tls13d.socket
    run ! inside systemctl is-enabled tls13d.service
    assert_output disabled
    run ! inside pgrep -x tls13d
    run -0 inside stat -c '%U %G %a' /etc/tls13d /etc/tls13d/tls13d.ini
    assert_line --index 0 'root tls13d 750'
    assert_line --index 1 'root root 644'
    run -0 inside dpkg-query -W -f '${Conffiles}' tls13d
    assert_output --partial ' /etc/tls13d/tls13d.ini '
    run -1 inside tls13d --test
    assert_output --partial 'there is no listener'
    run ! inside systemctl start tls13d
}

@test "configured and enabled it serves; removed it is gone and the configuration stays; purged, that goes too" {
    backend_start tcp echo
    deb_install tls13d
    configure
    run -0 inside tls13d --test
    run -0 inside systemctl enable --now tls13d
    echoes
    run -0 inside dpkg --remove tls13d
    run ! inside pgrep -x tls13d
    run ! inside systemctl is-active tls13d
    [ -e "$E/tls13d.ini" ] || fail "the configuration is gone"
    deb_install tls13d
    # It was enabled, and is so again.
    run -0 inside systemctl is-enabled tls13d
    echoes
    run -0 inside dpkg --purge tls13d
    [ ! -e "$E/tls13d.ini" ] || fail "the configuration is still there"
    [ -e "$E/site.pem" ] || fail "a file that is not the package's was removed"
    [ ! -e "$ROOT/var/log/tls13d" ] || fail "logs are left"
    run ! inside systemctl cat tls13d
    run -0 inside find /etc/systemd /var/lib/systemd/deb-systemd-helper-enabled -name 'tls13d*'
    assert_output ''
}

# load_begin, load_end: clients that must lose nothing.
load_begin() {
    "${net[@]}" python3 -S "$TOOLS/reload_load.py" 443 "$PKI/ca.pem" "$T/load.stop" >"$T/load.out" 2>&1 3>&- &
    LOAD=$!
    PIDS+=("$LOAD")
    wait_for 20 test -s "$T/load.out"
}
load_end() {
    touch "$T/load.stop"
    wait $LOAD
    jq -es '.[-1] | .failed == 0 and .served > 10' "$T/load.out" >/dev/null || fail "$(<"$T/load.out")"
}
upgrade() { run -0 inside env DEBIAN_FRONTEND=noninteractive dpkg "$@" -i /root/next.deb; }
# upgraded UNIT PID: another process serves, and the old one is gone.
upgraded() {
    local unit=$1 before=$2
    wait_for 20 eval '[ "$(property "$unit" MainPID)" != "$before" ] && [ "$(property "$unit" SubState)" = running ]'
    wait_for 40 eval '! inside kill -0 "$before" 2>/dev/null'
}

@test "upgrade: the new program takes over under load, a changed configuration is kept, an untouched one is renewed" {
    backend_start tcp echo
    deb_install tls13d
    configure
    inside systemctl enable --now tls13d
    local before
    before=$(property tls13d MainPID)
    next_version '1s/^/; of the next version\n/'
    load_begin
    upgrade
    upgraded tls13d "$before"
    load_end
    echoes
    [ "$(property tls13d NRestarts)" = 0 ]
    run -0 head -n 1 "$E/tls13d.ini"
    assert_output '; of the next version'

    # Back, with a line of the administrator's.
    deb_install tls13d
    echo '; mine' >>"$E/tls13d.ini"
    upgrade --force-confdef --force-confold
    run -0 tail -n 1 "$E/tls13d.ini"
    assert_output '; mine'
    [ -e "$E/tls13d.ini.dpkg-dist" ] || fail "the new file is not beside it"
    echoes
}

@test "upgrade: a program that does not come up leaves the old one serving" {
    backend_start tcp echo
    deb_install tls13d
    configure
    inside systemctl start tls13d
    local before
    before=$(property tls13d MainPID)
    # What the new one would refuse.
    echo 'nonsense = 1' >>"$E/conf.d/web.ini"
    next_version
    upgrade
    wait_for 10 eval 'inside journalctl --no-pager -u tls13d -o cat | grep -q nonsense'
    wait_for 10 eval '[ "$(property tls13d SubState)" = running ]'
    [ "$(property tls13d MainPID)" = "$before" ]
    echoes
}

@test "upgrade: what does not run stays so; instances and sockets are for it too; a removal takes the socket along" {
    backend_start tcp echo
    deb_install tls13d
    configure
    next_version
    upgrade
    run ! inside pgrep -x tls13d

    local before
    deb_install tls13d
    mv "$E/conf.d/web.ini" "$E/one.ini"
    inside systemctl start tls13d@one
    before=$(property tls13d@one MainPID)
    upgrade
    upgraded tls13d@one "$before"
    echoes
    run ! inside systemctl is-active tls13d
    inside systemctl stop tls13d@one

    deb_install tls13d
    configure systemd:https
    inside systemctl start tls13d.socket
    load_begin
    before=$(property tls13d MainPID)
    upgrade
    upgraded tls13d "$before"
    load_end
    run -0 inside dpkg --remove tls13d
    run ! inside systemctl is-active tls13d.socket tls13d.service
    run ! inside pgrep -x tls13d
}

@test "a program builds with libtls13-dev, shared and static, and runs with libtls13-0" {
    dpkg-deb -x "$(deb libtls13-dev)" "$T/sys"
    dpkg-deb -x "$(deb libtls13-0)" "$T/sys"
    local lib
    lib=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    export PKG_CONFIG_PATH=$T/sys$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$T/sys
    # shellcheck disable=SC2046 # flags are words
    gcc "$T/sys/usr/share/doc/libtls13-dev/examples/echo_server.c" -o "$T/echo_server" $(pkg-config --cflags --libs libtls13)
    # shellcheck disable=SC2046
    gcc "$T/sys/usr/share/doc/libtls13-dev/examples/echo_server.c" -o "$T/echo_static" $(pkg-config --cflags libtls13) \
        -Wl,-Bstatic $(pkg-config --static --libs libtls13) -Wl,-Bdynamic
    run -0 readelf -dW "$T/echo_server"
    assert_output --partial libtls13.so.0
    run -0 readelf -dW "$T/echo_static"
    refute_output --partial libtls13
    # And in the machine, from the installed package.
    deb_install libtls13-0
    in_root "$T/echo_server"
    run inside /root/echo_server
    assert_output --partial usage
}
