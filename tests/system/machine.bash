# shellcheck shell=bash
# A machine for a test: systemd as process 1 of a container (systemd-nspawn) over a small Debian, with a network of its own.  A suite says
# `load machine`, machine_start in setup_file and machine_stop in teardown_file.
#
#   inside COMMAND...     runs it in the machine
#   net=(...)             put before a command of this machine, it runs in the other's network; backend_start and client use it
#   $ROOT                 the machine's files (not /run, /tmp, /proc, /sys, /dev), seen from here
#
# ROOT_SUITE=trixie in the environment boots another Debian, with its systemd.

load ../lib

SYSTEM=$TOP/build/system
ROOT_SUITE=${ROOT_SUITE:-bookworm}
# What tls13d needs to run, and what the tests need in there.
ROOT_PACKAGES=systemd,systemd-sysv,dbus,libev4,libbearssl0,libinih1,libseccomp2,kmod,procps

# Not in the list of system calls that systemd-nspawn allows.
LANDLOCK='landlock_create_ruleset landlock_add_rule landlock_restrict_self'

# root_tar: the path of a small Debian as a tar file, made once.
root_tar() {
    local tar
    tar=$SYSTEM/$ROOT_SUITE-$(cksum <<<"$ROOT_PACKAGES" | cut -d' ' -f1).tar
    mkdir -p "$SYSTEM"
    (
        flock 9
        [ ! -s "$tar" ] || exit 0
        # It hands descriptors to dash, which knows no two digits: the ones that bats has open would push them there.
        mmdebstrap --quiet --variant=minbase --include="$ROOT_PACKAGES" "$ROOT_SUITE" "${tar%.tar}.new.tar" >&2 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &&
            mv "${tar%.tar}.new.tar" "$tar"
    ) 9>"$SYSTEM/root.lock" || return 1
    echo "$tar"
}

# A reason why this machine can have no machine in it; nothing when it can.
machine_lacks() {
    local tool
    [ "$(id -u)" = 0 ] || { echo "not root"; return; }
    for tool in systemd-nspawn mmdebstrap nsenter; do
        command -v $tool >/dev/null || { echo "no $tool"; return; }
    done
    unshare --mount --net --pid --fork true 2>/dev/null || echo "no namespaces"
}

# machine_start [COMMAND...]: unpacks a machine, runs the command over its files, boots it; sets and exports ROOT and MACHINE (its process 1).  One
# machine at a time, since they share names of control groups: systemd-nspawn holds the lock as long as it lives.
machine_start() {
    local why tar
    why=$(machine_lacks)
    [ -z "$why" ] || { suite_skip "$why"; return; }
    tar=$(root_tar)
    export ROOT=$BATS_FILE_TMPDIR/root
    mkdir "$ROOT"
    tar -xf "$tar" -C "$ROOT"
    [ $# = 0 ] || "$@"
    # It ends with this shell, whatever ends that.  Newer systemds want nothing but version 2 of the control groups.
    local view=()
    [ "$ROOT_SUITE" = bookworm ] || view=(unshare --mount --propagation private bash -c
        'umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"' -)
    setpriv --pdeathsig TERM flock -w 400 --no-fork /run/lock/tls13d-test-machine "${view[@]}" \
        systemd-nspawn --quiet --register=no --keep-unit --private-network --directory="$ROOT" --machine=tls13d-test \
        --system-call-filter="$LANDLOCK" --console=pipe --notify-ready=yes --boot </dev/null >"$BATS_FILE_TMPDIR/console" 2>&1 3>&- &
    NSPAWN=$!
    disown
    wait_for 460 eval 'machine_booted || nspawn_gone'
    machine_booted || { cat "$BATS_FILE_TMPDIR/console"; fail "the machine did not boot"; }
}
machine_booted() {
    MACHINE=$(pgrep -P "$NSPAWN" | head -n 1)
    export MACHINE
    [ -n "$MACHINE" ] && inside systemctl is-system-running 2>/dev/null | grep -qE '^(running|degraded)$'
}

# SIGRTMIN+4 asks its process 1 to power off.
machine_stop() {
    [ -n "${NSPAWN-}" ] || return 0
    [ -z "$MACHINE" ] || kill -s SIGRTMIN+4 "$MACHINE"
    # shellcheck disable=SC2086 # it may not be there
    wait_for 30 nspawn_gone || { kill -KILL $MACHINE "$NSPAWN"; wait_for 10 nspawn_gone; }
}
nspawn_gone() { ! kill -0 "$NSPAWN" 2>/dev/null; }

inside() { nsenter -t "$MACHINE" -a -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"; }

# The daemon and its units as `make install` puts them, with its user.
install_daemon() {
    make -s -C "$TOP" B="$B" DESTDIR="$ROOT" PREFIX=/usr \
        NOTIFY_RELOAD="$(chroot "$ROOT" systemctl --version | awk 'NR == 1 && $2 >= 253 { print "yes" }')" install >&2
    systemd-sysusers --root="$ROOT" tls13d.conf
    systemd-tmpfiles --root="$ROOT" --create tls13d.conf
}
