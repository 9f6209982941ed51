#!/usr/bin/env bash
# See it work: a throwaway certificate, a small plaintext backend, build/tls13d in front of it, a fetch that verifies, what was agreed on,
# and what an older client gets.
# On a terminal it then keeps serving until Ctrl-C; without one it stops what it started and exits.
set -euo pipefail
cd "$(dirname "$0")/.."
tls13d=${B:-build}/tls13d
[ -x "$tls13d" ] || { echo "demo: $tls13d is not built; run make" >&2; exit 1; }

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi
step() { printf '%s%s%s\n' "$bold" "$1" "$plain"; }
# Sets what it reads apart from what the demo says.
quote() { sed "s/^/     $dim/; s/\$/$plain/"; }

dir=$(mktemp -d)
started=()
finish() {
    local pid
    trap - EXIT INT TERM
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${started[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "demo: $1" >&2
    tail -n 20 "$dir"/*.log >&2 || true
    exit 1
}

# until_true COMMAND...: polls for up to ten seconds.
until_true() {
    local try
    for ((try = 0; try < 200; try++)); do
        "$@" && return
        sleep 0.05
    done
    return 1
}

step "1. A throwaway authority, and its certificate for localhost"
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" -days 1 \
        -subj '/CN=tls13d demo root'
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" -out "$dir/request.pem" -subj /CN=localhost
    openssl x509 -req -in "$dir/request.pem" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial 1 -days 1 -out "$dir/leaf.pem" \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n')
} 2>"$dir/openssl.log" || fail "openssl could not make the certificate"
(umask 077 && cat "$dir/leaf.pem" "$dir/key.pem" >"$dir/localhost.pem")

PYTHONUNBUFFERED=1 python3 - "$dir/backend.port" >"$dir/backend.log" 2>&1 <<'PY' &
import http.server, os, sys

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = b"<!DOCTYPE html>\n<title>tls13d</title>\n<p>A page from a backend that knows no TLS at all.</p>\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
PY
started+=($!)
until_true test -s "$dir/backend.port" || fail "the backend did not start"
backend=127.0.0.1:$(<"$dir/backend.port")
step "2. A backend that knows no TLS, http://$backend/"

# 8443 when it is free: the address is easier to remember.
port=$(python3 -c '
import socket
for port in (8443, 0):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", port))
    except OSError:
        continue
    print(s.getsockname()[1])
    break')
cat >"$dir/tls13d.ini" <<INI
[daemon]
workers = 1
drain-timeout = 1s

[listen demo]
bind = 127.0.0.1:$port
backend = $backend
certificate = $dir/localhost.pem
INI
step "3. tls13d in front of it, with this configuration:"
quote <"$dir/tls13d.ini"
"$tls13d" --config "$dir/tls13d.ini" 2>"$dir/tls13d.log" &
daemon=$!
started+=("$daemon")
url=https://localhost:$port/
# curl's --retry-connrefused waits for the daemon as a visitor would.
step "4. curl --cacert ca.pem $url"
page=$(curl -sS --fail --noproxy '*' --retry 20 --retry-delay 0 --retry-max-time 10 --retry-connrefused --max-time 20 --tlsv1.3 --cacert "$dir/ca.pem" "$url" \
    2>"$dir/curl.log") || fail "curl could not fetch the page"
quote <<<"$page"
# The connection's own line in the daemon's log, written at its end.
until_true grep -q ' end=' "$dir/tls13d.log" || fail "tls13d logged no connection"
line=$(grep -m 1 ' end=' "$dir/tls13d.log")
of_line() { local value=${line#*" $1="}; echo "${value%% *}"; }
echo "   agreed on:"
for key in version suite group scheme; do
    printf '     %-8s %s\n' "$key" "$(of_line $key)"
done
echo "   in $(of_line handshake_ms) ms, verified by curl against that authority"

step "5. The same from a client that stops at TLS 1.2"
if curl -sS --noproxy '*' --max-time 20 --tls-max 1.2 --cacert "$dir/ca.pem" "$url" >"$dir/old.log" 2>&1; then
    fail "a client without TLS 1.3 was served"
fi
quote <"$dir/old.log"

if [ -t 0 ] && [ -t 1 ]; then
    echo
    step "Serving until Ctrl-C; each connection writes a line to the log:  curl --cacert $dir/ca.pem $url"
    tail -n 0 -f "$dir/tls13d.log" &
    started+=($!)
    trap 'exit 0' INT TERM
    wait "$daemon"
    fail "tls13d ended by itself"
fi
kill "$daemon"
wait "$daemon" || fail "tls13d did not stop cleanly"
step "Done: everything that was started has ended.  README.md says how to go on."
