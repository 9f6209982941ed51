#!/usr/bin/env bats
# SIGUSR2: a new binary takes the sockets over and the old one drains; what goes wrong leaves the old one in service.

load lib
load upgrade

workers() { pgrep -P "$DAEMON"; }
settled() { [ "$(workers | wc -l)" = "$1" ]; }
echo_works() {
    client "text:$1" end drain
    result_is text "$1"
}
field() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$2/status"; }
ended() { ! kill -0 "$1" 2>/dev/null; }
no_links() { [ -z "$(ss -Htn state established "sport = :$PORT")" ]; }
has_links() { ! no_links; }

# long_start STEP...: a client in the background, whose connection the old master has when this returns.
long_start() {
    python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" "$@" >"$T/long.out" 2>&1 3>&- &
    CLIENT=$!
    PIDS+=("$CLIENT")
    wait_for 5 has_links
}
# long_ends TEXT: it got everything, and an orderly end.
long_ends() {
    wait "$CLIENT" || fail "the client failed: $(<"$T/long.out")"
    [ "$(jq -r .end "$T/long.out")" = close_notify ] || fail "$(<"$T/long.out")"
    [ "$(jq -r .text "$T/long.out")" = "$1" ] || fail "$(<"$T/long.out")"
}

@test "five upgrades in a row under load: no connection fails; descriptors, processes and memory are flat" {
    local i fds memory
    own_program
    backend_start tcp echo
    daemon_start
    load_start
    for ((i = 0; i < 5; i++)); do
        replace_back
        upgrade
        old_ends
        wait_for 5 settled 1
        if [ $i = 0 ]; then
            memory=$(daemon_memory)
        fi
    done
    load_end
    wait_for 5 no_links
    case $TLS13D in *san*) ;; *) (($(daemon_memory) - memory <= 256)) || fail "memory went from $memory to $(daemon_memory) KiB" ;; esac
    fds=$(daemon_fds)
    upgrade
    old_ends
    fds_back "$fds"
    # Nobody is left but the reaper, the new master and its worker.
    [ "$(tree "$REAPER" | wc -l)" = 3 ] || fail "$(tree "$REAPER" | xargs ps -o pid,ppid,args -p)"
    [ "$(grep -c 'level=error' "$LOG")" = 0 ]
    # A reload counts on from the generations before.
    daemon_reload 'reloaded: generation 8'
    echo_works after
}

@test "a running transfer goes on in the old one, which takes no new connection, and ends with status 0 after it" {
    backend_start tcp echo
    daemon_start
    long_start text:one wait:1.5 send:3000000 end drain
    upgrade
    echo_works new
    has_ended "$OLD" && fail "the old one did not wait"
    log_has 'draining: 1 workers'
    wait "$CLIENT"
    [ "$(jq -r .in "$T/long.out")" = 3000004 ]
    [ "$(jq -r .sha_in "$T/long.out")" = "$(jq -r .sha_out "$T/long.out")" ]
    [ "$(jq -r .end "$T/long.out")" = close_notify ]
    old_ends 5
}

@test "drain-timeout ends the old one; signals while it drains change nothing, a second SIGTERM ends it" {
    backend_start tcp echo
    daemon_lines=('drain-timeout = 1500ms')
    daemon_start
    long_start text:one wait:0.8 text:two end drain
    upgrade
    kill -HUP "$OLD"
    log_wait 'no reload while draining'
    kill -USR2 "$OLD"
    log_wait 'no upgrade: this one is draining'
    kill -USR1 "$OLD"
    kill -TERM "$OLD"
    log_wait 'draining already'
    long_ends $'one\ntwo'
    old_ends
    long_start text:one wait:30
    upgrade
    wait_for 5 has_ended "$OLD" || fail "drain-timeout is over"
    log_has 'drain-timeout: 1 connections are cut'
    wait "$CLIENT" || true
    daemon_set drain-timeout 60s
    daemon_reload
    long_start text:one wait:30
    upgrade
    kill -TERM "$OLD"
    wait_for 5 log_more 'draining already' 1
    kill -TERM "$OLD"
    old_ends 3
    echo_works still
}

@test "tickets from before an upgrade are good after it, and after a reload; the keys were in no file and no environment" {
    backend_start tcp http
    daemon_start
    ticket -sess_out "$T/session"
    assert_output --partial 'New, TLSv1.3'
    upgrade
    old_ends
    ticket -sess_in "$T/session"
    assert_output --partial 'Reused, TLSv1.3'
    upgrade
    daemon_reload
    ticket -sess_in "$T/session"
    assert_output --partial 'Reused, TLSv1.3'
    # The environment has the channel's number, no more.
    run -0 bash -c 'tr "\0" "\n" <"/proc/$0/environ" | grep TLS13D' "$DAEMON"
    assert_output --regexp '(^|.)TLS13D_HANDOVER=3$'
    refute_line --regexp '^TLS13D_[^H]'
}
ticket() {
    run -0 timeout 20 bash -c '{ printf "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"; sleep 0.4; } | openssl s_client -connect "127.0.0.1:$0" \
        -servername localhost -CAfile "$1" -verify_return_error -tls1_3 "${@:2}"' "$PORT" "$PKI/ca.pem" "$@"
}

@test "ticket keys of a file: two daemons at a time take each other's tickets, over a reload, an upgrade and a new key" {
    local first second
    second=$(free_port)
    head -c 48 /dev/urandom >"$T/keys"
    chmod 600 "$T/keys"
    backend_start tcp http
    daemon_lines=("ticket-keys = $T/keys")
    daemon_start
    first=$PORT
    "$TLS13D" --config "$T/tls13d.ini" --bind "127.0.0.1:$second" >"$T/second.log" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 port_listens "$second"
    PORT=$first ticket -sess_out "$T/session"
    assert_output --partial 'New, TLSv1.3'
    resumes "$second"
    daemon_reload
    resumes "$first"
    upgrade
    resumes "$first"
    resumes "$second"
    # A new key in front, the old one behind it: both daemons notice, and the new one takes it over an upgrade.
    head -c 48 /dev/urandom >"$T/next"
    cat "$T/keys" >>"$T/next"
    chmod 600 "$T/next"
    mv "$T/next" "$T/keys"
    upgrade
    resumes "$first"
    wait_for 5 grep -q 'reloaded: ' "$T/second.log"
    resumes "$second"
    # What the one seals with the new key the other opens.
    PORT=$first ticket -sess_out "$T/session"
    resumes "$second"
}
resumes() {
    PORT=$1 ticket -sess_in "$T/session"
    assert_output --partial 'Reused, TLSv1.3'
}

@test "Unix, abstract and systemd's sockets and the admin endpoint are taken over, not made anew" {
    local name=tls13d-upgrade-$$-$RANDOM extra inode admin
    extra=$(free_port)
    backend_start tcp http
    daemon_lines=("admin = unix:$T/admin.sock" 'workers = 2')
    daemon_under=(systemd-socket-activate -l "127.0.0.1:$extra" --fdname=https)
    daemon_config "bind = unix:$T/own.sock" "bind = unix:@$name" 'bind = systemd:https' "bind = unix:$T/short.sock"
    sed -i '/^workers = 1/d' "$T/tls13d.ini"
    # systemd-socket-activate waits for a connection before it starts the daemon.
    READY_SECONDS=1 daemon_run || true
    PORT_OF_DAEMON=$PORT
    PORT=$extra get_works
    PORT=$PORT_OF_DAEMON
    wait_for 5 port_listens "$PORT"
    inode=$(stat -c %i "$T/own.sock")
    admin=$(stat -c %i "$T/admin.sock")
    local turn
    for turn in before after; do
        get_works
        PORT=$extra get_works
        get_works --unix-socket "$T/own.sock"
        get_works --abstract-unix-socket "$name"
        [ "$(curl -sS --unix-socket "$T/admin.sock" http://localhost/healthz -o "$T/health.out" -w '%{http_code}')" = 200 ]
        [ "$turn" = before ] || break
        sed -i '/short.sock/d' "$T/tls13d.ini"
        upgrade
        old_ends
    done
    [ "$(stat -c %i "$T/own.sock")" = "$inode" ]
    [ "$(stat -c %i "$T/admin.sock")" = "$admin" ]
    [ ! -e "$T/short.sock" ] || fail "the file of a socket that nobody listens on is left"
    [ "$(curl -sS --unix-socket "$T/admin.sock" http://localhost/status | jq .workers.wanted)" = 2 ]
    daemon_stop
    [ ! -e "$T/own.sock" ]
    [ ! -e "$T/admin.sock" ]
}
get_works() {
    curl -sS --max-time 10 --connect-timeout 5 --cacert "$PKI/ca.pem" --resolve "localhost:$PORT:127.0.0.1" "$@" "https://localhost:$PORT/" -o "$T/get.out" \
        || fail "no answer: $*"
}

@test "a new binary that fails leaves the old one as it was, with one line that says why; a good one then takes over" {
    local workers fds
    own_program
    backend_start tcp echo
    daemon_start
    echo_works before
    wait_for 5 no_links
    workers=$(workers)
    fds=$(daemon_fds)
    replace <<<$'#!/bin/sh\nexit 7'
    upgrade_fails 'it ended with code 7 before it was ready'
    replace <<<$'#!/bin/sh\nkill -SEGV $$'
    upgrade_fails 'it was killed by signal 11 \(Segmentation fault\)'
    replace <<<'no program'
    upgrade_fails "$T/bin/tls13d cannot be executed: Exec format error"
    rm "$T/bin/tls13d"
    upgrade_fails "$T/bin/tls13d cannot be executed: No such file or directory"
    replace <<<$'#!/bin/sh\nexec python3 -S -c "import os; os.write(3, b\'x\' * 100); os.read(0, 1); import time; time.sleep(60)"'
    upgrade_fails 'it answers what this one does not understand'
    [ "$(workers)" = "$workers" ]
    fds_back "$fds"
    echo_works between
    replace_back
    upgrade
    echo_works after
}

@test "a configuration that is broken at an upgrade: the file and line are told, and the old one goes on" {
    local workers taken
    backend_start tcp echo
    taken=${BACKEND##*:}
    backend_start tcp echo
    daemon_start
    workers=$(workers)
    cp "$T/tls13d.ini" "$T/good.ini"
    echo 'nonsense = 1' >>"$T/tls13d.ini"
    upgrade_fails "tls13d.ini:$(wc -l <"$T/tls13d.ini"): nonsense: "
    cp "$T/good.ini" "$T/tls13d.ini"
    daemon_set certificate "$PKI/intermediate.crt"
    upgrade_fails 'tls13d.ini:[0-9]+: '
    cp "$T/good.ini" "$T/tls13d.ini"
    # An address that another holds, behind one that is free and a file that is new.
    printf '[listen u]\nbind = unix:%s\nbind = 127.0.0.1:%s\ncertificate = %s\nbackend = %s\n' \
        "$T/new.sock" "$taken" "$PKI/p256.pem" "$BACKEND" >>"$T/tls13d.ini"
    upgrade_fails "cannot listen on 127.0.0.1:$taken: Address already in use"
    [ ! -e "$T/new.sock" ]
    [ "$(workers)" = "$workers" ]
    echo_works between
    cp "$T/good.ini" "$T/tls13d.ini"
    upgrade
    echo_works after
}

@test "while a new binary starts: a second SIGUSR2 is refused, SIGHUP waits, SIGUSR1 is done, SIGTERM gives it up" {
    own_program
    backend_start tcp echo
    daemon_start
    printf '#!/bin/sh\n[ -e %q ] || exec sleep 60\n' "$T/go" | replace
    kill -USR2 "$DAEMON"
    log_wait 'starts as pid'
    kill -USR2 "$DAEMON"
    log_wait 'no upgrade: one is under way already'
    kill -HUP "$DAEMON"
    log_wait 'reload: it waits for the end of the upgrade'
    kill -USR1 "$DAEMON"
    echo_works meanwhile
    run ! log_has 'reloaded: '
    # It fails: now is the time for the reload.
    kill -KILL "$(sed -nE 's/.*starts as pid ([0-9]+).*/\1/p' "$LOG")"
    log_wait 'upgrade failed, this one goes on: it was killed by signal 9'
    log_wait 'reloaded: generation 2'
    kill -USR2 "$DAEMON"
    wait_for 5 log_more 'starts as pid' 1
    local new
    new=$(sed -nE 's/.*starts as pid ([0-9]+).*/\1/p' "$LOG" | tail -n 1)
    daemon_stop TERM
    log_has 'the upgrade is given up'
    wait_for 5 ended "$new"
}

@test "SIGHUP, SIGUSR1 and SIGUSR2 before the new one is ready reach it, none ends it" {
    own_program
    backend_start tcp echo
    daemon_start
    # The program waits a moment, so that they come before it is tls13d.
    printf '#!/bin/sh\nkill -HUP $$; kill -USR1 $$; kill -USR2 $$; exec %q "$@"\n' "$TLS13D" | replace
    upgrade
    log_wait 'reloaded: generation 3'
    echo_works well
}

@test "SIGHUP while the new one starts: it reads the configuration as it is then" {
    own_program
    backend_start tcp echo
    daemon_start
    # The old one is told while what is to become the new one still waits.
    printf '#!/bin/sh\nuntil [ -e %q ]; do sleep 0.05; done; exec %q "$@"\n' "$T/go" "$TLS13D" | replace
    (
        log_wait 'starts as pid'
        kill -HUP "$DAEMON"
        log_wait 'reload: it waits for the end of the upgrade'
        touch "$T/go"
    ) 3>&- &
    PIDS+=($!)
    disown
    upgrade
    log_wait 'reloaded: generation 3'
    echo_works well
}

@test "the new process gets the standard streams and the channel, no other descriptor; the master's rights are kept, the workers' sandbox too" {
    own_program
    backend_start tcp echo
    # The daemon itself was started with one too many.
    daemon_under=(bash -c 'exec 9</dev/null; exec "$@"' -)
    daemon_start
    printf '#!/bin/bash\nls /proc/$$/fd >%q\nexec %q "$@"\n' "$T/fds.out" "$TLS13D" | replace
    local before
    before=$(field Uid "$DAEMON") before+=" $(field CapPrm "$DAEMON")"
    upgrade
    # Bash has its script open as 255.
    [ "$(grep -vx 255 "$T/fds.out" | tr '\n' ' ')" = '0 1 2 3 ' ] || fail "$(<"$T/fds.out")"
    [ "$(field Uid "$DAEMON") $(field CapPrm "$DAEMON")" = "$before" ]
    local p
    for p in $(workers); do
        [ "$(field Seccomp "$p")" = 2 ]
        [ "$(field NoNewPrivs "$p")" = 1 ]
    done
    [ "$(field NoNewPrivs "$DAEMON")" = 1 ]
    ! log_has sandbox || fail "there is a warning"
    echo_works well
}

@test "a program found by PATH, or by a link that is moved, is what the name means at the upgrade" {
    mkdir "$T/bin"
    cp "$TLS13D" "$T/one"
    ln -s "$T/one" "$T/bin/proxy13"
    backend_start tcp echo
    PATH=$T/bin:$PATH OWN=proxy13 daemon_start
    [ "$(readlink "/proc/$DAEMON/exe")" = "$T/one" ]
    cp "$TLS13D" "$T/two"
    ln -sfn "$T/two" "$T/bin/proxy13"
    upgrade
    log_has "upgrade: $T/bin/proxy13 starts"
    [ "$(readlink "/proc/$DAEMON/exe")" = "$T/two" ]
    echo_works well
}

@test "the service manager is told RELOADING, MAINPID with READY, and hears only the new one from then on; a failed one ends in READY" {
    own_program
    backend_start tcp echo
    python3 -S "$TOOLS/notified.py" "$T/notify" "$T/notified.events" --pids 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 told listening
    daemon_under=(env "NOTIFY_SOCKET=$T/notify" WATCHDOG_USEC=600000)
    daemon_start
    told_wait "pid=$DAEMON READY=1 STATUS=serving: generation 1"
    replace <<<$'#!/bin/sh\nexit 7'
    upgrade_fails 'code 7'
    told_wait "pid=$DAEMON READY=1 STATUS=upgrade failed"
    replace_back
    long_start text:one wait:1.5 text:two end drain
    upgrade
    told_wait "pid=$DAEMON READY=1 STATUS=serving: generation 2"
    told_wait "pid=$DAEMON WATCHDOG=1"
    long_ends $'one\ntwo'
    old_ends
    daemon_stop
    told_wait "STOPPING=1"
    local old=$OLD new
    new=$(sed -n 's/.* MAINPID=\([0-9]*\).*/\1/p' "$T/notified.events")
    order=$(grep -v WATCHDOG "$T/notified.events" | grep -oE 'pid=[0-9]+ (READY=1|RELOADING=1|STOPPING=1)( MAINPID=[0-9]+)?')
    assert_equal "$order" "pid=$old READY=1
pid=$old RELOADING=1
pid=$old READY=1
pid=$old RELOADING=1
pid=$old READY=1 MAINPID=$new
pid=$new READY=1
pid=$new STOPPING=1"
    # The old one's watchdog ends with its turn.
    awk -v old="pid=$old" '/MAINPID/ { over = 1 } over && $2 == old && /WATCHDOG/ { bad = 1 } END { exit bad }' "$T/notified.events"
}
told() { grep -q -- "$1" "$T/notified.events" 2>/dev/null; }
told_wait() { wait_for "${2:-5}" told "$1" || fail "the service manager was not told: $1"; }

@test "a hand-over that is no such, or comes from a stranger, is refused before anything is bound" {
    backend_start tcp echo
    daemon_config
    TLS13D_HANDOVER=x run -4 timeout 10 "$TLS13D" --config "$T/tls13d.ini"
    assert_output --partial 'TLS13D_HANDOVER is for a running tls13d'
    run python3 -S - "$TLS13D" "$T/tls13d.ini" <<'PY'
import os, socket, struct, subprocess, sys
def give(*messages):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    p = subprocess.Popen([sys.argv[1], "--config", sys.argv[2]], env=dict(os.environ, TLS13D_HANDOVER=str(theirs.fileno())),
                         pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    theirs.close()
    for data, fds in messages:
        try:
            socket.send_fds(ours, [data], fds)
        except OSError:
            pass
    ours.shutdown(socket.SHUT_WR)
    answer = b""
    try:
        answer = ours.recv(4096)
    except OSError:
        pass
    print(p.wait(20), answer[8:].split(b"\0")[0].decode())
hello = lambda binds: struct.pack("=IHHQIIII", 0x33317474, 1, 1, 1, binds, 0, 0, 0)
bind = lambda text: struct.pack("=IHH", 0x33317474, 1, 2) + text.ljust(300, b"\0")
file = os.open("/etc/passwd", os.O_RDONLY)
give((b"x" * 5000, []))
give((hello(1), []), (bind(b"127.0.0.1:1"), [file]))
give((hello(1), []), (bind(b"127.0.0.1:1"), [file] * 200))
give((hello(0xffffffff), []))
give((hello(0)[:-1], []))
PY
    assert_output "4 the running tls13d hands over something else than it should
4 the sockets handed over for \"127.0.0.1:1\" are not such that listen there
4 the running tls13d hands over something else than it should
4 the running tls13d hands over more than there can be
4 the running tls13d hands over something else than it should"
    ! port_listens "$PORT" || fail "something listens"
}
