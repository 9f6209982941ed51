#!/usr/bin/env bats
# Certificates that change under a running daemon, in all the ways in which they are changed.

load lib
load swap

setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    "$TOOLS/pki.sh" "$PKI"
    # The new one is told from the old one by its key; both are good for the tests' client.
    serial_of "$PKI/p256.crt" >"$PKI/old"
    serial_of "$PKI/p384.crt" >"$PKI/new"
}

serial_of() { openssl x509 -noout -serial -in "$1"; }
served() { timeout 5 openssl s_client -connect "127.0.0.1:$PORT" </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null; }
serves() { [ "$(served)" = "$(<"$PKI/$1")" ]; }
# turns_to new: new connections get it within 2 s.
turns_to() { wait_for 2 serves "$1" || fail "$(served) is served after 2 s, not $1: $(<"$PKI/$1")"; }

reloads() { grep -cE "reloaded: |nothing was changed" "$LOG" || true; }
# Nothing happens for longer than a change needs to be noticed.
reloads_stay() {
    local end=$((${EPOCHREALTIME/./} + 1200000))
    while ((${EPOCHREALTIME/./} < end)); do
        [ "$(reloads)" = "$1" ] || fail "there were $(reloads) reloads, not $1"
        sleep 0.1
    done
}

# start FILE: the daemon with that certificate.
start() {
    CERTS=("$1")
    backend_start tcp echo
    daemon_start
    serves old
}

@test "an atomic rename; a connection that is open goes on" {
    cp "$PKI/p256.pem" "$T/site.pem"
    start "$T/site.pem"
    python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:one wait:2.5 text:two end drain >"$T/long.out" 3>&- &
    local client=$!
    PIDS+=("$client")
    wait_for 5 connected
    cp "$PKI/p384.pem" "$T/next"
    mv "$T/next" "$T/site.pem"
    turns_to new
    wait "$client"
    [ "$(jq -r .text "$T/long.out")" = "one
two" ]
    [ "$(reloads)" = 1 ]
}
connected() { [ -n "$(ss -Htn state established "sport = :$PORT")" ]; }

@test "a plain rewrite in pieces is one reload; a touch, or the same again, is none" {
    cp "$PKI/p256.pem" "$T/site.pem"
    start "$T/site.pem"
    head -c 700 "$PKI/p384.pem" >"$T/site.pem"
    sleep 0.1
    tail -c +701 "$PKI/p384.pem" >>"$T/site.pem"
    turns_to new
    reloads_stay 1
    touch "$T/site.pem"
    cp "$PKI/p384.pem" "$T/site.pem"
    reloads_stay 1
}

@test "Kubernetes: the ..data link is swapped" {
    mkdir "$T/c" "$T/c/..1" "$T/c/..2"
    cp "$PKI/p256.pem" "$T/c/..1/tls.pem"
    cp "$PKI/p384.pem" "$T/c/..2/tls.pem"
    ln -s ..1 "$T/c/..data"
    ln -s ..data/tls.pem "$T/c/tls.pem"
    start "$T/c/tls.pem"
    ln -s ..2 "$T/c/..data_tmp"
    mv -T "$T/c/..data_tmp" "$T/c/..data"
    rm -r "$T/c/..1"
    turns_to new
    mkdir "$T/c/..3"
    cp "$PKI/p256.pem" "$T/c/..3/tls.pem"
    ln -s ..3 "$T/c/..data_tmp"
    mv -T "$T/c/..data_tmp" "$T/c/..data"
    rm -r "$T/c/..2"
    turns_to old
}

@test "certbot: live/ links into archive/, chain and key in files of their own" {
    mkdir -p "$T/live/site" "$T/archive/site"
    local n name
    for n in 1:p256 2:p384; do
        name=$PKI/${n#*:}
        cat "$name.crt" "$PKI/intermediate.crt" >"$T/archive/site/fullchain${n%:*}.pem"
        cp "$name.key" "$T/archive/site/privkey${n%:*}.pem"
    done
    ln -s ../../archive/site/fullchain1.pem "$T/live/site/fullchain.pem"
    ln -s ../../archive/site/privkey1.pem "$T/live/site/privkey.pem"
    CERTS=("$T/live/site/fullchain.pem
private-key = $T/live/site/privkey.pem")
    backend_start tcp echo
    daemon_start
    serves old
    ln -sf ../../archive/site/privkey2.pem "$T/live/site/privkey.pem"
    ln -sf ../../archive/site/fullchain2.pem "$T/live/site/fullchain.pem"
    turns_to new
    # What the link leads to is rewritten.
    cat "$PKI/p256.crt" "$PKI/intermediate.crt" >"$T/archive/site/fullchain2.pem"
    cp "$PKI/p256.key" "$T/archive/site/privkey2.pem"
    turns_to old
}

@test "a broken certificate leaves the old one in service and is told once; a good one then comes" {
    cp "$PKI/p256.pem" "$T/site.pem"
    start "$T/site.pem"
    head -c 900 "$PKI/p384.pem" >"$T/site.pem"
    log_wait 'nothing was changed' 3
    touch "$T/site.pem"
    reloads_stay 1
    serves old
    [ "$(grep -c 'site.pem' "$LOG")" = 1 ]
    cp "$PKI/p384.pem" "$T/next"
    mv "$T/next" "$T/site.pem"
    turns_to new
}

@test "an edited configuration waits for SIGHUP: half of one keeps no certificate from service, a whole one does not come with it" {
    cp "$PKI/p256.pem" "$T/site.pem"
    start "$T/site.pem"
    local other
    other=$(free_port)
    cp "$T/tls13d.ini" "$T/whole.ini"
    printf 'handshake-timeout = \n[listen' >>"$T/tls13d.ini"
    cp "$PKI/p384.pem" "$T/next"
    mv "$T/next" "$T/site.pem"
    turns_to new
    sed "s/^bind = .*/&\nbind = 127.0.0.1:$other/" "$T/whole.ini" >"$T/tls13d.ini"
    cp "$PKI/p256.pem" "$T/next"
    mv "$T/next" "$T/site.pem"
    turns_to old
    ! port_listens "$other" || fail "the new address came without a signal"
    # One that is refused for what it names does not take the old one's files from sight.
    sed "s|^certificate = .*|certificate = $T/tls13d.ini|" "$T/whole.ini" >"$T/tls13d.ini"
    daemon_reload 'nothing was changed'
    cp "$PKI/p384.pem" "$T/next"
    mv "$T/next" "$T/site.pem"
    turns_to new
    sed "s/^bind = .*/&\nbind = 127.0.0.1:$other/" "$T/whole.ini" >"$T/tls13d.ini"
    daemon_reload
    port_listens "$other"
}

@test "a directory of certificates, one of which is replaced; one that went away and came back" {
    mkdir "$T/d"
    cp "$PKI/p256.pem" "$T/d/a.pem"
    start "$T/d"
    cp "$PKI/p384.pem" "$T/d/a.pem"
    turns_to new
    mv "$T/d" "$T/gone"
    log_wait 'nothing was changed' 3
    serves new
    mkdir "$T/d"
    cp "$PKI/p256.pem" "$T/d/a.pem"
    wait_for 4 serves old
}

@test "client CA and ticket keys are watched too; watch = off watches nothing, SIGHUP does" {
    cp "$PKI/p256.pem" "$T/site.pem"
    cp "$PKI/ca.pem" "$T/client-ca.pem"
    head -c 48 /dev/urandom >"$T/tickets"
    daemon_lines=("ticket-keys = $T/tickets")
    CERTS=("$T/site.pem")
    backend_start tcp echo
    daemon_start 'client-auth = request' "client-ca = $T/client-ca.pem"
    cat "$PKI/intermediate.crt" >>"$T/client-ca.pem"
    wait_for 2 log_more 'reloaded: generation 2' 0
    head -c 48 /dev/urandom >"$T/tickets"
    wait_for 2 log_more 'reloaded: generation 3' 0
    sed -i '/^ticket-keys/a watch = off' "$T/tls13d.ini"
    daemon_reload
    cp "$PKI/p384.pem" "$T/site.pem"
    reloads_stay 3
    serves old
    daemon_reload
    serves new
}

@test "200 certificates are replaced at once, five times: in service within 2 s, and memory is flat" {
    swaps 200 5
}
