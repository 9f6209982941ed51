#!/usr/bin/env bats
# conf/examples/fleet.ini as it is meant: two machines behind haproxy as a layer-4 balancer, one set of ticket keys, PROXY headers in and out.
# All of them are addresses of one network made for the test.

load ../lib

setup_file() {
    [ "$(id -u)" = 0 ] || { suite_skip "not root"; return; }
    command -v haproxy >/dev/null || { suite_skip "no haproxy"; return; }
    unshare --net true 2>/dev/null || { suite_skip "no namespaces"; return; }
    export PKI=$BATS_FILE_TMPDIR/pki
    "$TOOLS/pki.sh" "$PKI"
}

setup() {
    test_setup
    setpriv --pdeathsig KILL unshare --net bash -c '
        ip link set lo up && for a in 10.0.0.1 10.0.0.11 10.0.0.12 192.0.2.7; do ip addr add $a/24 dev lo; done && : >"$1" && exec sleep infinity' \
        - "$T/net" 3>&- &
    PIDS+=($!)
    net=(nsenter -t $! -n --)
    disown
    wait_for 10 test -e "$T/net"
    balancer
    openssl rand 144 >"$T/tickets"
    machine a 10.0.0.11
    machine b 10.0.0.12
}

# The balancer on 10.0.0.1:443, and the application on port 8080, which answers with the address that its PROXY header names.
balancer() {
    cat >"$T/haproxy.cfg" <<'CFG'
defaults
    timeout connect 2s
    timeout client 20s
    timeout server 20s
listen balancer
    mode tcp
    bind 10.0.0.1:443
    balance roundrobin
    retries 3
    option redispatch 1
    source 10.0.0.1
    server a 10.0.0.11:443 send-proxy-v2
    server b 10.0.0.12:443 send-proxy-v2
frontend application
    mode http
    bind 127.0.0.1:8080 accept-proxy
    http-request return status 200 content-type text/plain lf-string "you are %[src]"
CFG
    "${net[@]}" haproxy -db -f "$T/haproxy.cfg" >"$T/haproxy.log" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 open 10.0.0.1 443
}
open() { "${net[@]}" bash -c '</dev/tcp/"$1"/"$2"' - "$@" 2>/dev/null; }

# machine NAME ADDRESS: fleet.ini but for its paths and addresses, run; its process is in MACHINES[NAME], its log $T/NAME.log.
declare -gA MACHINES
machine() {
    mkdir -p "$T/$1"
    cp "$PKI/p256.pem" "$T/$1/example.pem"
    cp "$T/tickets" "$T/$1/tickets"
    chmod 600 "$T/$1/tickets"
    sed "s|/etc/tls13d/|$T/$1/|; s|^bind = .*|bind = $2:443|; s|^admin = .*|admin = $2:9113|; /^drain-timeout/s/60s/5s/" \
        "$TOP/conf/examples/fleet.ini" >"$T/$1/tls13d.ini"
    "${net[@]}" "$TLS13D" --config "$T/$1/tls13d.ini" >"$T/$1.log" 2>&1 3>&- &
    MACHINES[$1]=$!
    PIDS+=($!)
    disown
    wait_for 10 answers "$2"
}
answers() { "${net[@]}" curl -sf --noproxy '*' -o /dev/null "http://$1:9113/healthz"; }

# ask [OPTION...]: a page through the balancer, from 192.0.2.7; what openssl says is $output.
ask() {
    run -0 bash -c 'printf "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" |
        timeout 20 "$@" -connect 10.0.0.1:443 -bind 192.0.2.7:0 -alpn http/1.1 -servername localhost -CAfile "$0" -verify_return_error -ign_eof' \
        "$PKI/ca.pem" "${net[@]}" openssl s_client "$@"
    assert_output --partial 'you are 192.0.2.7'
}
log_of() { wait_for 5 grep -qE -- "$2" "$T/$1.log" || fail "the log of $1 has no line that matches: $2"; }

@test "a client resumes on the machine that it was not on before, also after the keys were renewed; the application sees its address" {
    ask -sess_out "$T/session"
    assert_output --partial 'New, TLSv1.3'
    local first=a other=b try
    wait_for 5 grep -q resumed=no "$T/a.log" "$T/b.log"
    grep -q resumed=no "$T/a.log" || { first=b other=a; }
    ask -sess_in "$T/session" -sess_out "$T/session"
    assert_output --partial 'Reused, TLSv1.3'
    log_of $other 'client=192.0.2.7:[0-9]+ .* resumed=yes .* end=closed'
    ask -sess_in "$T/session" -sess_out "$T/session"
    assert_output --partial 'Reused, TLSv1.3'
    log_of $first 'client=192.0.2.7:[0-9]+ .* resumed=yes .* end=closed'

    # The command that fleet.ini gives, on one machine, then the copy.
    run -0 sed -n "s|^;     \({ openssl.*\)|\1|p" "$TOP/conf/examples/fleet.ini"
    assert_output --partial 'openssl rand 48'
    (cd "$T/a" && umask 077 && bash -c "${output//\/etc\/tls13d\//}")
    cp "$T/a/tickets" "$T/b/tickets.new"
    mv "$T/b/tickets.new" "$T/b/tickets"
    log_of a 'reloaded'
    log_of b 'reloaded'
    for try in 1 2; do
        ask -sess_in "$T/session" -sess_out "$T/session.$try"
        assert_output --partial 'Reused, TLSv1.3'
    done
    # And tickets of the new key are good on both.
    for try in 1 2; do
        ask -sess_in "$T/session.1"
        assert_output --partial 'Reused, TLSv1.3'
    done
}

@test "who is not the balancer is refused" {
    run timeout 20 "${net[@]}" openssl s_client -connect 10.0.0.11:443 -bind 192.0.2.7:0 </dev/null
    assert_output --partial 'no peer certificate available'
    log_of a 'client=192.0.2.7.* end=(refused|proxy-header)'
}

@test "a machine that goes takes no request with it" {
    local i
    kill -TERM "${MACHINES[a]}"
    for i in 1 2 3 4 5 6 7 8; do
        run -0 "${net[@]}" curl -sS --noproxy '*' --max-time 20 --interface 192.0.2.7 --cacert "$PKI/ca.pem" --resolve localhost:443:10.0.0.1 https://localhost/
        assert_output 'you are 192.0.2.7'
    done
    wait_for 10 eval '! kill -0 "${MACHINES[a]}" 2>/dev/null'
}
