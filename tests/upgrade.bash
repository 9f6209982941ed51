# shellcheck shell=bash
# Daemons that are upgraded (SIGUSR2); for suites that stand on lib.bash, after `load lib`.
#
# A new master is nobody's child but init's: tools/reaper.py is that here, and notes who ended how in $T/ends.

# own_program: the daemon runs from a copy of its own, which replace changes.
own_program() {
    mkdir -p "$T/bin"
    cp "$TLS13D" "$T/bin/tls13d"
    OWN=$T/bin/tls13d
}
# replace: standard input becomes the program.  replace_back: the daemon is it again.
replace() {
    cat >"$T/bin/next"
    chmod 755 "$T/bin/next"
    mv "$T/bin/next" "$T/bin/tls13d"
}
replace_back() { replace <"$TLS13D"; }

daemon_run() {
    rm -f "$T/rc" "$T/ends"
    : >"$LOG"
    python3 -S "$TOOLS/reaper.py" "$T/ends" "${daemon_under[@]}" "${OWN:-$TLS13D}" --config "$T/tls13d.ini" "${daemon_flags[@]}" \
        >>"$LOG" 2>&1 3>&- &
    REAPER=$!
    disown
    wait_for 5 grep -qs started "$T/ends"
    DAEMON=$(sed -n 's/started //p' "$T/ends")
    PIDS+=("$REAPER" "$DAEMON")
    wait_for "${READY_SECONDS:-10}" daemon_ready && [ ! -s "$T/rc" ]
}
daemon_ready() { daemon_gone || port_listens "$PORT"; }
daemon_alive() { ! has_ended "$DAEMON"; }
daemon_gone() { has_ended "$DAEMON" && status_of "$DAEMON" >"$T/rc"; }
has_ended() { grep -qs "^$1 " "$T/ends"; }
status_of() { sed -n "s/^$1 //p" "$T/ends"; }

# upgrade: SIGUSR2; then DAEMON is the new master, OLD the one that drains.
upgrade() {
    local before
    before=$(grep -c 'msg="upgraded: pid ' "$LOG") || true
    OLD=$DAEMON
    kill -USR2 "$OLD"
    wait_for 30 log_more 'msg="upgraded: pid ' "$before" || fail "the log tells of no upgrade"
    DAEMON=$(sed -nE 's/.*msg="upgraded: pid ([0-9]+) serves.*/\1/p' "$LOG" | tail -n 1)
    PIDS+=("$DAEMON")
    log_wait "msg=\"upgraded: the sockets of pid $OLD are served here now"
}
# upgrade_fails REGEX: SIGUSR2; the log's one line about it has REGEX, and the old one goes on.
upgrade_fails() {
    local before
    before=$(grep -c 'msg="upgrade failed' "$LOG") || true
    kill -USR2 "$DAEMON"
    wait_for 20 log_more 'msg="upgrade failed' "$before" || fail "the log tells of no upgrade that failed"
    grep 'msg="upgrade failed' "$LOG" | tail -n 1 | grep -E "this one goes on: .*$1" || fail "$(grep 'upgrade failed' "$LOG" | tail -n 1)"
    [ "$(grep -c 'msg="upgrade failed' "$LOG")" = $((before + 1)) ]
    daemon_alive
}
# The old master has drained: status 0.
old_ends() {
    wait_for "${1:-10}" has_ended "$OLD" || fail "the old master (pid $OLD) does not end"
    [ "$(status_of "$OLD")" = 0 ] || fail "the old master ended with status $(status_of "$OLD")"
}
