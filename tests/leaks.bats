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
