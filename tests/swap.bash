# shellcheck shell=bash
# Many certificates that are replaced at once, again and again; for suites that stand on lib.bash.

# swaps CERTIFICATES TIMES: the directory's link is moved; each time the new ones must be in service within 2 s, and in the end the
# memory as it was after the first few.
swaps() {
    local i began memory=0 worst=0 took
    mkdir "$T/1" "$T/2"
    python3 -S "$TOOLS/many_certs.py" "$T/1" 0 "$1" 1
    python3 -S "$TOOLS/many_certs.py" "$T/2" 0 "$1" 2
    ln -s 1 "$T/certificates"
    CERTS=("$T/certificates")
    backend_start tcp echo
    daemon_start
    host_has 1
    for ((i = 1; i <= $2; i++)); do
        ln -s $((i % 2 + 1)) "$T/next"
        mv -T "$T/next" "$T/certificates"
        began=${EPOCHREALTIME/./}
        wait_for 2 host_has $((i % 2 + 1)) || fail "swap $i: after 2 s the certificate is $(host_serial)"
        took=$((${EPOCHREALTIME/./} - began))
        ((took <= worst)) || worst=$took
        wait_for 10 log_has "reloaded: generation $((i + 1)),"
        wait_for 10 one_worker
        if ((i == 3 || i == $2 / 4)); then # the heap has found its shape
            memory=$(daemon_memory)
        fi
    done
    echo "slowest swap: $((worst / 1000)) ms; memory $memory, then $(daemon_memory) KiB"
    case $TLS13D in *san*) ;; *) (($(daemon_memory) - memory <= 512)) || fail "memory went from $memory to $(daemon_memory) KiB" ;; esac
}
host_serial() {
    timeout 5 openssl s_client -connect "127.0.0.1:$PORT" -servername host0042.example.test </dev/null 2>/dev/null |
        openssl x509 -noout -serial 2>/dev/null
}
host_has() { [ "$(host_serial)" = "serial=5A0${1}5A00425A" ]; }
one_worker() { [ "$(pgrep -cP "$DAEMON")" = 1 ]; }
