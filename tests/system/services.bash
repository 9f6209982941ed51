# shellcheck shell=bash
# Real services behind tls13d, for the suites services*.bats, on top of lib.bash: a suite says `load services`.
#
# A service runs as the user it runs as in Debian, in a directory of its own below $T, on loopback or a Unix socket.

load ../lib
PATH=$PATH:/usr/sbin:/sbin

# need COMMAND...: the test is skipped where one is not installed, or where the services' users cannot be had.
need() {
    local command
    for command; do
        command -v "$command" >/dev/null || skip "no $command"
    done
    [ "$EUID" = 0 ] || skip "wants root, to run services as their own users"
}

# home USER: makes a directory for what USER's service writes, and says its name.
home() {
    mkdir -p "$T/$1"
    chown "$1" "$T/$1"
    echo "$T/$1"
}

# service USER COMMAND...: in the background, a leader of its own group.  Its output is in $T/service.N.log.
service() {
    local user=$1 as=()
    shift
    [ "$user" = root ] || as=(setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --)
    "${inside[@]}" "${as[@]}" setsid "$@" >"$T/service.${#SERVICES[@]}.log" 2>&1 </dev/null 3>&- &
    SERVICES+=($!)
    disown
}

# up PORT-OR-SOCKET: waits until something listens there.
up() {
    case $1 in
    /*) wait_for 20 socket_listens "$1" ;;
    *) wait_for 20 port_listens "$1" ;;
    esac || fail "no service listens on $1"
}
socket_listens() { python3 -Sc 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$1" 2>/dev/null; }
port_listens() { "${inside[@]}" grep -qis ":$(printf %04X "$1") [0-9A-F]*:0000 0A " /proc/self/net/tcp /proc/self/net/tcp6; }

# only_ends WORD...: every connection was TLS 1.3 and ended by one of these words, and there was one.
only_ends() {
    local word words=
    for word; do words+="|$word"; done
    log_wait ' end='
    ! grep ' end=' "$LOG" | grep -qvE "version=TLSv1\\.3 .* end=(${words#|})( |\$)" || fail "connections ended otherwise than $*"
}

# -- a network of its own ------------------------------------------------------------------------------------------

# network ADDRESS...: what `service`, daemon_start and "${inside[@]}" run from now on sees a network with these addresses alone.
network() {
    local address
    unshare -n sleep 300 3>&- &
    PIDS+=($!)
    disown
    local holder=$!
    wait_for 5 own_network "$holder" || fail "unshare gave no network"
    inside=(nsenter -t "$holder" -n --)
    daemon_under=("${inside[@]}")
    "${inside[@]}" ip link set lo up
    for address; do
        "${inside[@]}" ip addr add "$address" dev lo
    done
}
own_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ] && [ "$(cat "/proc/$1/comm")" = sleep ]; }

# -- before and after ----------------------------------------------------------------------------------------------

eval "lib_$(declare -f setup)"
setup() {
    lib_setup
    SERVICES=()
    inside=()
}

# Services end by SIGTERM, and what is left of one (and what it started) by SIGKILL.
eval "lib_$(declare -f processes_end)"
processes_end() {
    local service all=()
    for service in "${SERVICES[@]}"; do
        mapfile -t -O ${#all[@]} all < <(tree "$service")
        kill -TERM "$service" 2>/dev/null || true
    done
    lib_processes_end
    wait_for 5 gone "${all[@]}" || kill -KILL "${all[@]}" 2>/dev/null || true
    SERVICES=()
}
gone() { ! kill -0 "$@" 2>/dev/null; }
