#!/usr/bin/env bats
# After 200 connections that ended in every way: no memory, no descriptor left.

load lib

churn() { timeout 100 python3 -S "$TOOLS/churn.py" "$PORT" "$PKI/ca.pem" "$1"; }

@test "descriptors and memory are back at their baseline" {
    daemon_lines=('log-level = warning')
    backend_start tcp echo
    daemon_start 'handshake-timeout = 3s'
    churn 42
    local fds memory
    client text:x end drain
    wait_for 5 no_links
    fds=$(daemon_fds)
    memory=$(daemon_memory)
    churn 200
    wait_for 5 no_links
    fds_back "$fds"
    case $TLS13D in *san*) return ;; esac
    (($(daemon_memory) - memory <= 256)) || fail "memory went from $memory to $(daemon_memory) KiB"
}
no_links() { [ "$(ss -Htn state established "sport = :$PORT" | wc -l)" = 0 ]; }

@test "clients that read nothing hold little, and no more than a few of them much" {
    case $TLS13D in *san*) skip "this build's memory is not its own" ;; esac
    daemon_lines=('log-level = warning' 'log-connections = off')
    backend_start tcp source:8000000
    daemon_start
    local before fd held
    before=$(daemon_memory)
    exec {fd}<> <(:)
    python3 -S "$TOOLS/stalled.py" "$PORT" "$PKI/ca.pem" 160 <&"$fd" >"$T/stalled.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 30 grep -q ready "$T/stalled.out"
    wait_for 10 steady
    held=$(($(daemon_memory) - before))
    # 32 of at most 136 KiB, the others two records; with room for their connections.
    ((held >= 32 * 50 && held <= 32 * 136 + 128 * 40)) || fail "160 clients hold $held KiB"
}
steady() {
    local a
    a=$(daemon_memory)
    sleep 0.3
    [ "$(daemon_memory)" = "$a" ]
}

@test "valgrind finds no leak and no error after 200 connections of mixed endings" {
    case $TLS13D in *san*) skip "the sanitizers watch this build" ;; esac
    # A worker that changed its user or is in a sandbox could not write valgrind's report.
    daemon_lines=('user =' 'sandbox = off')
    daemon_under=(valgrind --quiet --leak-check=full --error-exitcode=99 --trace-children=yes "--log-file=$T/valgrind.%p.log"
        "--show-leak-kinds=definite,indirect,possible" "--errors-for-leak-kinds=definite,indirect,possible")
    READY_SECONDS=60
    backend_start tcp echo
    daemon_start 'handshake-timeout = 20s'
    churn 200
    daemon_stop TERM 30
    run cat "$T"/valgrind.*.log
    assert_output ''
}
