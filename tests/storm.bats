#!/usr/bin/env bats
# Many connections at once with random sizes, pauses, buffers and ends; each byte and each end is compared.
#
# STORM_SEED repeats a run, STORM_SECONDS makes it longer, STORM_ONLY repeats one connection again and again.

load lib

@test "random sizes, pauses, buffers and ends: no byte is lost, no end is shown as another" {
    python3 -S "$TOOLS/storm.py" --dir "$T" --seconds "${STORM_SECONDS:-8}" ${STORM_SEED:+--seed "$STORM_SEED"} ${STORM_ONLY:+--only "$STORM_ONLY"} \
        >"$T/storm.out" 2>&1 3>&- &
    local pid=$! fds
    PIDS+=("$pid")
    wait_for 10 test -s "$T/storm.ready"
    BACKEND=$(<"$T/storm.ready")
    daemon_start "bind = unix:$T/in.sock" "route = sni:*.u.test unix:$T/backend.sock" 'proxy-protocol = v2'
    fds=$(daemon_fds)
    echo "$PORT" >"$T/storm.go.new"
    mv "$T/storm.go.new" "$T/storm.go"
    wait "$pid" || fail "$(<"$T/storm.out")"
    fds_back "$fds"
    cat "$T/storm.out"
    log_has 'end=internal' && fail "the daemon was at a loss"
    true
}
