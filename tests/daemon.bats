#!/usr/bin/env bats
# Processes, users, signals, listeners, certificates by name, and what the sockets and records are like.

load lib

workers() { pgrep -P "$DAEMON"; }
workers_are() { [ "$(workers | wc -l)" = "$1" ]; }
echo_works() {
    client "text:$1" end drain
    result_is text "$1"
}
# held NAME: a client in the background that has been served and stays.
held() {
    timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:hello read:6 text:again read:6 wait:50 >"$T/held.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 eval '[ -n "$(ss -Htn state established "dport = :${BACKEND##*:}")" ]'
}

# -- processes -----------------------------------------------------------------------------------------------------

@test "workers = auto: as many as affinity allows, and no more than the cgroup's quota" {
    backend_start tcp echo
    daemon_start
    daemon_stop
    daemon_under=(taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')")
    sed -i 's/^workers = .*/workers = auto/' "$T/tls13d.ini"
    daemon_run
    wait_for 5 workers_are 1
    echo_works one
    daemon_stop
    daemon_under=()
    daemon_run
    wait_for 5 workers_are "$(nproc)"
    daemon_stop
    # One and a half CPUs are two workers, half of one is one.
    [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "the quota: no mount namespaces"
    local quota
    for quota in '150000 100000' '50000 100000'; do
        # shellcheck disable=SC2016 # for the inner shell
        daemon_under=(unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup; echo "$0" >/sys/fs/cgroup/cpu.max; exec "$@"' "$quota")
        daemon_run
        if [ "$quota" = '50000 100000' ] || [ "$(nproc)" = 1 ]; then wait_for 5 workers_are 1; else wait_for 5 workers_are 2; fi
        echo_works quota
        daemon_stop
    done
}

# ids PID: real, effective, saved and file-system user; the same of the group.
ids() { awk '/^(Uid|Gid):/ { $1 = ""; sub(/^ /, ""); print }' "/proc/$1/status"; }

@test "user and group: nobody of its own accord, who is named, no other groups, no way back" {
    [ "$(id -u)" = 0 ] || skip "not root"
    local uid gid
    getent passwd tls13d >/dev/null && uid=$(id -u tls13d) gid=$(id -g tls13d) || uid=$(id -u nobody) gid=$(id -g nobody)
    backend_start tcp echo
    daemon_start
    run ids "$(workers | head -n 1)"
    assert_output "$uid $uid $uid $uid"$'\n'"$gid $gid $gid $gid"
    run awk '/^Groups:/ { print NF }' "/proc/$(workers | head -n 1)/status"
    assert_output 1
    daemon_stop
    daemon_lines=('user = daemon' 'group = games')
    daemon_start
    uid=$(id -u daemon) gid=$(getent group games | cut -d: -f3)
    run ids "$(workers | head -n 1)"
    assert_output "$uid $uid $uid $uid"$'\n'"$gid $gid $gid $gid"
    run awk '/^Groups:/ { print NF }' "/proc/$(workers | head -n 1)/status"
    assert_output 1
    [ "$(awk '/^CapEff/ { print $2 }' "/proc/$(workers | head -n 1)/status")" = 0000000000000000 ]
    echo_works dropped
}

@test "two workers and one that was started again share no randomness: randoms, key shares, ticket nonces" {
    local seen=$T/seen turn
    backend_start tcp echo
    daemon_start
    daemon_set workers 2
    daemon_reload
    some() {
        for turn in {1..8}; do
            client raw "bytes:$(python3 -S "$TOOLS/hello.py" 6c6f63616c686f7374)" wait:0.1
            python3 -S "$TOOLS/hello.py" --server "$(result raw)" | tr ' ' '\n' >>"$seen"
            timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -servername localhost </dev/null 2>/dev/null |
                sed -n 's/^ *0010 - \(.\{36\}\).*/\1/p' >>"$seen"
        done
    }
    some
    kill -KILL "$(workers | head -n 1)"
    wait_for 5 workers_are 2
    some
    (($(wc -l <"$seen") >= 3 * 16)) || fail "only $(wc -l <"$seen") values"
    [ -z "$(sort "$seen" | uniq -d)" ] || fail "twice: $(sort "$seen" | uniq -d)"
}

# -- signals -------------------------------------------------------------------------------------------------------

ends_with_0() {
    wait_for "${1:-5}" daemon_gone || fail "it does not end"
    [ "$(<"$T/rc")" = 0 ] || fail "its exit status is $(<"$T/rc")"
    DAEMON=
}

@test "signals while serving: SIGHUP, SIGUSR1 and what means nothing leave connections alone, to the workers too" {
    local signal
    backend_start tcp echo
    daemon_start
    timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:one read:4 wait:2 text:two end drain >"$T/long.out" 2>&1 3>&- &
    local client=$!
    PIDS+=("$client")
    wait_for 5 eval '[ -n "$(ss -Htn state established "dport = :${BACKEND##*:}")" ]'
    for signal in USR1 PIPE WINCH URG CONT HUP USR1; do
        kill -$signal "$DAEMON"
        kill -$signal "$(workers | head -n 1)"
    done
    log_wait 'reloaded: '
    wait "$client"
    output=$(<"$T/long.out")
    result_is in 8
    result_is end close_notify
    echo_works after
}

@test "signals while draining: SIGHUP, SIGUSR1, a dead worker; SIGINT ends at once" {
    daemon_lines=('drain-timeout = 20s')
    backend_start tcp echo
    daemon_start
    held
    kill -TERM "$DAEMON"
    log_wait draining
    kill -HUP "$DAEMON"
    kill -USR1 "$DAEMON"
    log_wait 'no reload while draining'
    daemon_alive
    kill -INT "$DAEMON"
    ends_with_0 2
    # The last worker dies while it drains: there is nothing left to wait for, and none is started.
    daemon_start
    held
    kill -TERM "$DAEMON"
    log_wait draining
    kill -KILL "$(workers | head -n 1)"
    ends_with_0 3
}

@test "SIGTERM and SIGINT together with SIGHUP, and at once after the start, end it with 0" {
    local signal turn
    daemon_lines=('drain-timeout = 20s')
    backend_start tcp echo
    for signal in TERM INT; do
        daemon_start
        kill -HUP "$DAEMON"
        kill -$signal "$DAEMON"
        ends_with_0
        # Whenever in its start it comes; before it is caught it ends the process as any other.
        for turn in 0 0.005 0.01 0.02 0.05; do
            run timeout 20 python3 -Sc 'import signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[1], "--config", sys.argv[2]], stderr=subprocess.DEVNULL)
time.sleep(float(sys.argv[3]))
p.send_signal(getattr(signal, "SIG" + sys.argv[4]))
print(p.wait(timeout=10))' "$TLS13D" "$T/tls13d.ini" "$turn" "$signal"
            [[ $output =~ ^(0|-15|-2)$ ]] || fail "status $output after $turn s"
            wait_for 5 eval '! port_listens "$PORT"' || fail "something still listens"
        done
    done
}

@test "signals that the parent ignored are heard: nohup and a shell's background" {
    daemon_under=(sh -c 'trap "" HUP INT TERM CHLD USR1; exec "$@"' -)
    backend_start tcp echo
    daemon_start
    daemon_reload
    kill -KILL "$(workers | head -n 1)"
    log_wait 'was killed by signal 9'
    wait_for 5 workers_are 1
    echo_works still
    daemon_stop INT
    daemon_run
    daemon_stop
}

@test "started without standard descriptors: no socket takes their numbers, so no client gets the log" {
    backend_start tcp echo
    daemon_lines=("log = $T/tls13d.log")
    # shellcheck disable=SC2016 # for the inner shell
    daemon_under=(bash -c 'exec "$@" <&- >&- 2>&-' _)
    daemon_start
    echo_works closed
    local pid fd
    for pid in $(tree "$DAEMON"); do
        for fd in 0 1 2; do
            [ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ] || fail "descriptor $fd of $pid is $(readlink "/proc/$pid/fd/$fd")"
        done
    done
}

@test "a master that is killed: its workers take nobody new, finish what they have begun, and end" {
    daemon_lines=('drain-timeout = 20s')
    backend_start tcp echo
    daemon_start
    local worker client
    worker=$(workers | head -n 1)
    timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:one read:4 wait:1.5 text:two end drain >"$T/long.out" 2>&1 3>&- &
    client=$!
    PIDS+=("$client" "$worker")
    wait_for 5 eval '[ -n "$(ss -Htn state established "dport = :${BACKEND##*:}")" ]'
    kill -KILL "$DAEMON"
    wait_for 5 eval '! port_listens "$PORT"' || fail "it still listens"
    wait "$client"
    output=$(<"$T/long.out")
    result_is in 8
    result_is end close_notify
    wait_for 5 eval '! kill -0 "$worker" 2>/dev/null' || fail "the worker stays"
    DAEMON=
}

# -- listeners and files -------------------------------------------------------------------------------------------

@test "a name and a port alone to listen on: localhost, and every address of both families" {
    local all named
    backend_start tcp echo
    all=$(free_port)
    named=$(free_port)
    daemon_start "bind = :$all" "bind = localhost:$named"
    PORT=$all client text:four end drain
    result_is text four
    PORT=$all client --host ::1 text:six end drain
    result_is text six
    PORT=$named client --host localhost text:named end drain
    result_is text named
    [ "$(ss -Hltn "sport = :$all" | awk '{ print $4 }')" = "*:$all" ] || fail "$(ss -Hltn "sport = :$all")"
}

# options PID: TCP_NODELAY and SO_KEEPALIVE of each connected TCP socket of the process, taken out of it.
options() {
    python3 -S - "$1" <<'PY'
import ctypes, os, re, socket, sys
pid, libc = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True)
pidfd = os.pidfd_open(pid)
for fd in os.listdir(f"/proc/{pid}/fd"):
    if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
        continue
    mine = libc.syscall(438, pidfd, int(fd), 0)  # pidfd_getfd
    if mine < 0:
        sys.exit("pidfd_getfd: " + os.strerror(ctypes.get_errno()))
    s = socket.socket(fileno=mine)
    if s.family == socket.AF_INET and s.type == socket.SOCK_STREAM and not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
PY
}

@test "no delay and keepalive on both sockets of a connection" {
    [ "$(id -u)" = 0 ] || skip "not root, another process's sockets are out of reach"
    backend_start tcp echo
    daemon_start 'handshake-timeout = 1s'
    held
    # Of the backend's: no delay before a second write, keepalive when the handshake's time is over.
    wait_for 5 eval '[ "$(options "$(workers | head -n 1)")" = $'"'1 1\n1 1'"' ]' || fail "$(options "$(workers | head -n 1)")"
}

@test "Unix and abstract listeners keep serving over reloads; the socket's file is there for all, and gone in the end" {
    local name=tls13d-test-$$-$RANDOM turn
    backend_start tcp echo
    daemon_start "bind = unix:$T/in.sock" "bind = unix:@$name"
    for turn in 1 2 3; do
        client --unix "$T/in.sock" text:path end drain
        result_is text path
        client --unix "@$name" text:abstract end drain
        result_is text abstract
        daemon_reload
    done
    daemon_stop
    [ ! -e "$T/in.sock" ] || fail "the socket's file is left"
    # One that a crash left over is taken; one that is served is not.
    python3 -Sc 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/in.sock"
    daemon_run
    client --unix "$T/in.sock" text:again end drain
    result_is text again
    run -3 timeout 10 "$TLS13D" --listen "unix:$T/in.sock" --backend "$BACKEND" --certificate "$PKI/p256.pem"
    assert_output --partial "$T/in.sock"
    client --unix "$T/in.sock" text:mine end drain
    result_is text mine
}

@test "relative paths hold over a reload, wherever the daemon was started, also those of an included file" {
    mkdir "$T/d" "$T/keys" "$T/start"
    backend_start unix echo
    PORT=$(free_port)
    cp "$PKI/p256.pem" "$T/keys/a.pem"
    printf '%s\n' '[listen t]' "bind = 127.0.0.1:$PORT" 'certificate = ../keys/a.pem' "backend = unix:../${BACKEND##*/}" >"$T/d/t.ini"
    printf '%s\n' 'include = d/*.ini' '[daemon]' 'workers = 1' 'drain-timeout = 3s' 'log = out.log' >"$T/tls13d.ini"
    daemon_under=(env -C "$T/start")
    daemon_run
    rmdir "$T/start"
    echo_works before
    kill -HUP "$DAEMON"
    LOG=$T/out.log log_wait 'reloaded: '
    echo_works after
}

@test "100 reloads that fail: descriptors, processes and memory are flat, and it serves" {
    local i fds memory
    backend_start tcp echo
    daemon_start
    echo_works before
    cp "$T/tls13d.ini" "$T/good.ini"
    # It fails late: everything is built, then an address is taken.
    printf '[listen u]\nbind = %s\nbackend = %s\ncertificate = %s\n' "$BACKEND" 127.0.0.1:1 "$PKI/p256.pem" >>"$T/tls13d.ini"
    for ((i = 0; i < 10; i++)); do daemon_reload 'nothing was changed'; done
    fds=$(daemon_fds)
    memory=$(daemon_memory)
    for ((i = 0; i < 90; i++)); do daemon_reload 'nothing was changed'; done
    fds_back "$fds"
    case $TLS13D in *san*) ;; *) (($(daemon_memory) - memory <= 256)) || fail "memory went from $memory to $(daemon_memory) KiB" ;; esac
    workers_are 1
    echo_works after
    cp "$T/good.ini" "$T/tls13d.ini"
    daemon_reload
}

@test "without a file: flags stay in force over a reload, and a throwaway certificate stays the same" {
    local print
    backend_start tcp echo
    PORT=$(free_port)
    (exec "$TLS13D" --listen "127.0.0.1:$PORT" --backend "$BACKEND" --self-signed=localhost --workers 1 --drain-timeout 3s >>"$LOG" 2>&1 3>&-) &
    DAEMON=$!
    PIDS+=("$DAEMON")
    wait_for 5 port_listens "$PORT"
    print() { timeout 10 openssl s_client -connect "127.0.0.1:$PORT" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256; }
    print=$(print)
    [[ $print == *=*:*:* ]]
    daemon_reload
    assert_equal "$(print)" "$print"
    log_wait 'level=warning .*THROWAWAY'
    kill -TERM "$DAEMON"
    wait "$DAEMON"
    DAEMON=
}

# -- certificates by name ------------------------------------------------------------------------------------------

# named NAME DNS...: a certificate for these names, $T/NAME.pem.
named() {
    local name=$1 san
    shift
    san=$(printf ',DNS:%s' "$@")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$name" -addext "subjectAltName=${san#,}" \
        -keyout "$T/$name.key" -out "$T/$name.crt" 2>/dev/null
    cat "$T/$name.crt" "$T/$name.key" >"$T/$name.pem"
    chmod 600 "$T/$name.pem"
}
# shown WANTED [OPTION...]: s_client gets that certificate.
shown() {
    local got
    got=$(timeout 10 openssl s_client -connect "127.0.0.1:$PORT" "${@:2}" </dev/null 2>/dev/null | sed -n 's/^subject=CN = //p')
    [ "$got" = "$1" ] || fail "$got is shown, not $1, with ${*:2}"
}

@test "the server name chooses the certificate: exact before star, in any case; default-certificate for the rest; each listener its own" {
    local second
    named a www.a.test a.test
    named star '*.a.test'
    named b b.test
    backend_start tcp echo
    CERTS=("$T/a.pem" "$T/star.pem" "$T/b.pem")
    second=$(free_port)
    daemon_start '[listen u]' "bind = 127.0.0.1:$second" "backend = $BACKEND" "certificate = $T/b.pem"
    shown a -servername www.a.test
    shown a -servername A.Test
    shown star -servername other.a.test
    shown star -servername OTHER.a.TEST
    shown b -servername b.test
    shown a -servername x.other.a.test
    shown a -servername nobody.test
    shown a -noservername
    PORT=$second shown b -servername www.a.test
    local name
    for name in b b.pem b.test; do
        [ "$name" != b ] || name=$T/b.pem
        sed -i '/^default-certificate/d' "$T/tls13d.ini"
        sed -i "s|^\[listen t\]|&\ndefault-certificate = $name|" "$T/tls13d.ini"
        daemon_reload
        shown b -noservername
        shown b -servername nobody.test
        shown a -servername a.test
    done
    # A directory has them in the order of their names; sni-strict refuses the rest.
    mkdir "$T/d"
    mv "$T/star.pem" "$T/d/0.pem"
    cp "$T/a.pem" "$T/d/1.pem"
    sed -i "/^default-certificate/d; s|^\[listen t\]|&\nsni-strict = on|; /star.pem/d; /b.pem/d; s|$T/a.pem|$T/d|" "$T/tls13d.ini"
    sed -i "\$a certificate = $T/b.pem" "$T/tls13d.ini"
    daemon_reload
    shown a -servername a.test
    shown star -servername x.a.test
    shown '' -noservername
    shown '' -servername b.test
}

# -- sockets and records -------------------------------------------------------------------------------------------

@test "keepalive on both sides, backlog as configured" {
    backend_start tcp echo
    daemon_start 'backlog = 77' 'handshake-timeout = 1s'
    [ "$(ss -Hltn "sport = :$PORT" | awk '{ print $3 }')" = 77 ]
    held
    # While a segment is not acknowledged another timer is shown.
    wait_for 5 kept_alive "sport = :$PORT" || fail "$(ss -Htno state established "sport = :$PORT")"
    wait_for 5 kept_alive "dport = :${BACKEND##*:}" || fail "$(ss -Htno state established "dport = :${BACKEND##*:}")"
}
kept_alive() { [[ $(ss -Htno state established "$1") == *timer:\(keepalive* ]]; }

@test "records are small at the start and after a pause of a second, then whole" {
    local small
    backend_start tcp source:1000000
    daemon_start
    client drain
    # Behind EncryptedExtensions to Finished and the tickets come small ones, at most one segment each, then 16 KiB.
    jq -e '[.records[] | select(. > 10000)] | length > 20 and (unique == [16401] or (unique - [16401] | length) <= 2)' <<<"$output" >/dev/null
    small=$(jq '[.records[] | select(. == 1417)] | length' <<<"$output")
    ((small >= 9)) || fail "$small small records: $(jq -c .records <<<"$output")"
    [ "$(jq '[.records[] | select(. == 1417 or . == 16401)][0]' <<<"$output")" = 1417 ]
    backend_start tcp echo
    daemon_set backend "$BACKEND"
    daemon_reload
    client send:200000 wait:1.3 send:40000 end drain
    jq -e '[.records[] | select(. == 1417 or . == 16401)] | (index(16401) != null) and ((.[index(16401):] | index(1417)) != null)' <<<"$output" >/dev/null ||
        fail "$(jq -c .records <<<"$output")"
}
