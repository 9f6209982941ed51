# shellcheck shell=bash
# What every end-to-end suite stands on; see tests/README.md.  A suite says `load lib`; setup_file, setup and teardown are given here, and
# one that has its own calls test_setup.
#
# B is the build directory under test and TLS13D its daemon: the same suites run over the plain and the sanitizer build.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
B=${B:-$TOP/build}
case $B in /*) ;; *) B=$TOP/$B ;; esac
TLS13D=${TLS13D:-$B/tls13d}
TOOLS=$TOP/tests/tools
# Debian's python3, node and curl, whatever else a developer's PATH puts in front.
PATH=/usr/bin:/bin:$PATH
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C
# A report of the sanitizers goes to standard error, that is, to the daemon's log, where test_teardown looks for it.
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:exitcode=86} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:exitcode=86}

# -- time ----------------------------------------------------------------------------------------------------------

# wait_for SECONDS COMMAND...: polls until the command succeeds.
wait_for() {
    local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
    shift
    until "$@"; do
        if ((${EPOCHREALTIME/./} > end)); then
            return 1
        fi
        sleep 0.03
    done
}

# -- files ---------------------------------------------------------------------------------------------------------

# Certificates are made once a suite; workers without privileges must be able to walk to the sockets, so 755.
setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    "$TOOLS/pki.sh" "$PKI"
}

# suite_skip WHY: in setup_file, every test of the suite is skipped with this reason; the rest of setup_file must not be run.
suite_skip() { export SUITE_LACKS=$1; }

setup() { test_setup; }
test_setup() {
    [ -z "${SUITE_LACKS-}" ] || skip "$SUITE_LACKS"
    T=$(mktemp -d "${TMPDIR:-/tmp}/tls13d-test.XXXXXX")
    chmod 755 "$T"
    PORT=
    DAEMON=
    BACKEND=
    LOG=$T/tls13d.log
    EVENTS=$T/backend.events
    PIDS=()
    daemon_lines=()
    daemon_under=()
    net=()
    CERTS=("$PKI/p256.pem")
}

dump() {
    local f
    for f in "$T"/tls13d.ini "$T"/*.log "$T"/*.events "$T"/*.out; do
        [ -s "$f" ] || continue
        echo "--- ${f##*/}"
        tail -n 60 -- "$f"
    done
}

# A passed test must leave an idle daemon that stops cleanly; a failed one explains itself.
teardown() {
    local rc=0
    if [ "${BATS_TEST_COMPLETED:-}" = 1 ] && [ -n "$DAEMON" ] && daemon_alive; then
        { cpu_idle && daemon_stop; } || rc=1
    fi
    processes_end
    sanitizer_quiet || rc=1
    if [ "${BATS_TEST_COMPLETED:-}" != 1 ] || [ $rc != 0 ]; then
        dump
    fi
    rm -rf -- "$T"
    return $rc
}

# Ends what the test started, by pid, the daemon's workers too.
processes_end() {
    local p all=()
    [ -z "$DAEMON" ] || mapfile -t all < <(tree "$DAEMON")
    for p in "${all[@]}" "${PIDS[@]}"; do
        kill -KILL "$p" 2>/dev/null || true
    done
    DAEMON=
    PIDS=()
}

sanitizer_quiet() {
    if grep -sE 'ERROR: (Address|Leak)Sanitizer|runtime error:|AddressSanitizer:DEADLYSIGNAL' "$T"/*.log; then
        echo "a sanitizer reported"
        return 1
    fi
}

# -- ports ---------------------------------------------------------------------------------------------------------

# A TCP port that is free at this moment.
free_port() {
    python3 -Sc 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Looks in the kernel's table, so that the daemon sees no connection for it.
port_listens() {
    grep -qis ":$(printf %04X "$1") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6
}

# -- backends ------------------------------------------------------------------------------------------------------

# backend_start tcp|unix BEHAVIOUR [OPTION...]: sets BACKEND to its address as tls13d.ini writes it.  The array net may hold a
# command that puts backends and clients into another network.
backend_start() {
    local kind=$1 how=$2 ready
    shift 2
    ready=$T/backend.$((${#PIDS[@]})).ready
    [ "$kind" = tcp ] || kind=unix:$T/backend.$((${#PIDS[@]})).sock
    "${net[@]}" python3 -S "$TOOLS/backend.py" "$kind" "$how" --events "$EVENTS" --ready "$ready" "$@" >>"$T/backend.log" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 test -s "$ready" || fail "the backend did not get ready"
    BACKEND=$(<"$ready")
}

# event N FIELD: what the backend noted of its Nth connection when it was over; waits for it.
event() {
    wait_for 15 event_there "$1" || fail "the backend noted no connection $1"
    jq -r --argjson n "$1" --arg f "$2" 'select(.n == $n) | .[$f]' "$EVENTS"
}
event_there() {
    jq -e --argjson n "$1" 'select(.n == $n) | .n' "$EVENTS" >/dev/null 2>&1
}

# -- the daemon ----------------------------------------------------------------------------------------------------

# daemon_config LINE...: writes tls13d.ini with one listener on a free port; LINEs go into [listen t], the array daemon_lines into [daemon],
# the array CERTS names its certificates.
daemon_config() {
    PORT=$(free_port)
    {
        printf '[daemon]\nworkers = 1\n'
        [[ ${daemon_lines[*]} == *drain-timeout* ]] || echo 'drain-timeout = 3s'
        [ ${#daemon_lines[@]} = 0 ] || printf '%s\n' "${daemon_lines[@]}"
        printf '[listen t]\nbind = 127.0.0.1:%s\n' "$PORT"
        printf 'certificate = %s\n' "${CERTS[@]}"
        [ -z "$BACKEND" ] || printf 'backend = %s\n' "$BACKEND"
        [ $# = 0 ] || printf '%s\n' "$@"
    } >"$T/tls13d.ini"
}

# daemon_start LINE...: daemon_config, then runs it and waits until it listens.  A port taken in between costs a retry.
# The array daemon_under may hold a command to run it under (valgrind, prlimit).
daemon_start() {
    local try
    for try in 1 2 3; do
        daemon_config "$@"
        daemon_run && return 0
        grep -qi 'address already in use' "$LOG" || break
        echo "try $try: port $PORT was taken"
    done
    fail "the daemon did not start"
}

# Runs the daemon over the tls13d.ini there is.
daemon_run() {
    rm -f "$T/rc"
    : >"$LOG"
    (
        "${daemon_under[@]}" "$TLS13D" --config "$T/tls13d.ini" >>"$LOG" 2>&1 &
        echo $! >"$T/pid"
        wait $!
        echo $? >"$T/rc"
    ) 2>/dev/null 3>&- &
    disown
    wait_for 5 test -s "$T/pid"
    DAEMON=$(<"$T/pid")
    rm -f "$T/pid"
    wait_for "${READY_SECONDS:-10}" daemon_ready && [ ! -s "$T/rc" ]
}
daemon_ready() { [ -s "$T/rc" ] || port_listens "$PORT"; }
daemon_alive() { [ ! -s "$T/rc" ] && kill -0 "$DAEMON" 2>/dev/null; }
daemon_gone() { [ -s "$T/rc" ]; }

# daemon_stop [SIGNAL [SECONDS]]: it must end in time, with status 0.
daemon_stop() {
    kill -"${1:-TERM}" "$DAEMON"
    if ! wait_for "${2:-10}" daemon_gone; then
        echo "the daemon did not stop on SIG${1:-TERM}"
        return 1
    fi
    DAEMON=
    [ "$(<"$T/rc")" = 0 ] || { echo "the daemon's exit status is $(<"$T/rc")"; return 1; }
}

# daemon_set KEY VALUE: changes a line of tls13d.ini.
daemon_set() { sed -i "s|^$1 = .*|$1 = $2|" "$T/tls13d.ini"; }

# daemon_reload [WORD]: SIGHUP, then waits until the log tells of one more reload (or of WORD).
daemon_reload() {
    local before
    before=$(grep -cE "${1:-reloaded: }" "$LOG") || true
    kill -HUP "$DAEMON"
    wait_for 10 log_more "${1:-reloaded: }" "$before" || fail "the log tells of no reload"
}
log_more() { [ "$(grep -cE -- "$1" "$LOG")" -gt "$2" ]; }

# log_has REGEX, log_wait REGEX [SECONDS]: extended, on the daemon's log.
log_has() { grep -qE -- "$1" "$LOG"; }
log_wait() { wait_for "${2:-5}" log_has "$1" || fail "the log has no line that matches: $1"; }

# -- measures ------------------------------------------------------------------------------------------------------

# tree PID: it and all below it.
tree() {
    local child
    echo "$1"
    for child in $(pgrep -P "$1"); do
        tree "$child"
    done
}

# CPU ticks (1/100 s) that the daemon's processes have used.
daemon_ticks() {
    local p stat sum=0
    for p in $(tree "$DAEMON"); do
        stat=$(cat "/proc/$p/stat" 2>/dev/null) || continue
        # shellcheck disable=SC2086 # words are wanted; the name in parentheses may hold blanks, so cut after it
        set -- ${stat##*) }
        sum=$((sum + ${12} + ${13}))
    done
    echo $sum
}

# The watchdog: over one second in which nothing is asked of it, the daemon may use at most 5 ticks (or $1).
cpu_idle() {
    local before after
    before=$(daemon_ticks)
    sleep 1
    after=$(daemon_ticks)
    if ((after - before > ${1:-5})); then
        echo "the daemon used $((after - before)) ticks of CPU in an idle second"
        return 1
    fi
}

# Open descriptors of all its processes.
daemon_fds() {
    local p sum=0 fds
    for p in $(tree "$DAEMON"); do
        fds=(/proc/"$p"/fd/*)
        sum=$((sum + ${#fds[@]}))
    done
    echo $sum
}
fds_are() { [ "$(daemon_fds)" = "$1" ]; }
# fds_back COUNT: waits until they are as many as before.
fds_back() { wait_for 5 fds_are "$1" || fail "the daemon has $(daemon_fds) descriptors open, $1 before"; }

# Its own memory (not files and shared pages), KiB.
daemon_memory() {
    local p
    for p in $(tree "$DAEMON"); do
        cat "/proc/$p/status" 2>/dev/null
    done | awk '/^RssAnon:/ { sum += $2 } END { print sum + 0 }'
}

# -- clients -------------------------------------------------------------------------------------------------------

# client STEP...: the scripted TLS client, for at most CLIENT_SECONDS (60); its result (JSON) is in $output, exit status in $status.
client() {
    run -0 timeout "${CLIENT_SECONDS:-60}" "${net[@]}" python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" "$@"
    echo "client $*: $output"
}
# result FIELD: of the last client.
result() { jq -r --arg f "$1" '.[$f]' <<<"$output"; }
# result_is FIELD WANTED
result_is() {
    [ "$(result "$1")" = "$2" ] || fail "the client's $1 is $(result "$1"), not $2"
}
# event_is N FIELD WANTED
event_is() {
    local got
    got=$(event "$1" "$2")
    [ "$got" = "$3" ] || fail "the backend's $2 is $got, not $3"
}

# -- load ----------------------------------------------------------------------------------------------------------

# load_start, load_end: clients one after the other, four at a time; none may fail.
load_start() {
    python3 -S "$TOOLS/reload_load.py" "$PORT" "$PKI/ca.pem" "$T/load.stop" >"$T/load.out" 2>&1 3>&- &
    LOAD=$!
    PIDS+=("$LOAD")
    wait_for 5 test -s "$T/load.out"
}
load_end() {
    touch "$T/load.stop"
    wait "$LOAD" || fail "the load failed: $(<"$T/load.out")"
    (($(tail -n 1 "$T/load.out" | jq .served) > 50)) || fail "hardly any load: $(<"$T/load.out")"
    [ "$(tail -n 1 "$T/load.out" | jq .failed)" = 0 ] || fail "connections failed: $(<"$T/load.out")"
}
