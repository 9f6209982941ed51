#!/usr/bin/env bats
# The status page in a headless Chromium, and `tls13d status`.

load lib
load admin

# page STEP...: the page in a browser that does these steps; what they print is in $output.
page() {
    command -v chromium >/dev/null || skip "no chromium"
    run -0 --separate-stderr timeout 60 python3 -S "$TOOLS/browser.py" "$URL/" 'wait:document.querySelectorAll("#listeners tbody tr").length > 0' "$@" 3>&-
}
served_some() {
    admin_start
    client send:100000 end drain
    client --tls12 text:x drain
}

# -- the page ------------------------------------------------------------------------------------------------------

@test "the page shows what there is, in its document" {
    served_some
    command -v chromium >/dev/null || skip "no chromium"
    mkdir "$T/home"
    HOME=$T/home TMPDIR=$T/home run -0 --separate-stderr timeout 40 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage --user-data-dir="$T/home/data" \
        --virtual-time-budget=3000 --dump-dom "$URL/" 3>&-
    assert_output --regexp '<span id="ready" class="badge good" role="status">accepting</span>'
    assert_output --partial "127.0.0.1:$PORT"
    assert_output --partial "$BACKEND"
    assert_output --partial 'the client does not offer TLS 1.3'
    assert_output --partial TLS_AES_128_GCM_SHA256
    assert_output --partial 'localhost and 1 more'
    assert_output --partial 'aria-label="Connections over the last minutes: open now '
}

@test "values change without a reload, and the page says when the daemon is gone" {
    served_some
    page 'eval:document.querySelector("#listeners tbody td:nth-child(4)").textContent'
    assert_output '"2"'
    command -v chromium >/dev/null
    python3 -S "$TOOLS/browser.py" "$URL/" 'wait:document.querySelectorAll("#listeners tbody tr").length > 0' \
        'eval:document.body.dataset.mark = "same"' 'wait:document.querySelector("#listeners tbody td:nth-child(4)").textContent === "3"' \
        'eval:document.body.dataset.mark' 'wait:!document.querySelector("#lost").hidden' 'eval:document.querySelector("#ready").textContent' \
        requests >"$T/browser.out" 2>&1 3>&- &
    PIDS+=($!)
    local browser=$!
    wait_for 20 grep -q same "$T/browser.out"
    client text:x end drain
    wait_for 20 eval '[ "$(grep -c same "$T/browser.out")" = 2 ]'
    daemon_stop
    wait "$browser" || fail "the page: $(<"$T/browser.out")"
    grep -q '"no answer"' "$T/browser.out"
    [ "$(grep -c "^$URL/\$" "$T/browser.out")" = 1 ] || fail "the page was loaded again"
}

@test "no request leaves the host; the policy lets nothing else in; no complaint in the console" {
    served_some
    page 'eval:new Promise(r => setTimeout(r, 4500))' requests errors
    refute_output --partial 'https:'
    [ -z "$(grep -v -e '^data:' -e "^$URL/\(status\)\?\$" -e '^null$' -e '^$' <<<"$output" || true)" ] || fail "$output"
    (($(grep -c "^$URL/status\$" <<<"$output") >= 3)) || fail "it does not refresh itself"
    # The only address in the source is the name of a name space.
    run -0 bash -c 'grep -oE "(https?:)?//[a-zA-Z][^ \"'\''\`)]*" "$0" | sort -u' "$TOP/daemon/page.html"
    assert_output 'http://www.w3.org/2000/svg'
    get /
    header content-security-policy "$(tr -d '\r' <"$T/head" | sed -n 's/^content-security-policy: //Ip' | grep -E "^default-src 'none'; .*; script-src 'nonce-[0-9a-f]{32}'; style-src 'nonce-[0-9a-f]{32}'; connect-src 'self'; img-src data:\$")"
    grep -q "<script nonce=\"$(grep -oE 'nonce-[0-9a-f]{32}' "$T/head" | head -n 1 | cut -c 7-)\">" "$T/body"
    # A nonce is used once.
    [ "$(grep -oE 'nonce-[0-9a-f]{32}' "$T/head" | sort -u | wc -l)" = 1 ]
    cp "$T/head" "$T/first"
    get /
    ! grep -qF "$(grep -oE 'nonce-[0-9a-f]{32}' "$T/first" | head -n 1)" "$T/head" || fail "the same nonce again"
    # What the policy is for: a script and a style that somebody slips in do not run, and nothing is fetched.
    page 'eval:(() => { const s = document.createElement("div"); s.innerHTML = "<img src=x onerror=\"window.evil = 1\"><img src=http://192.0.2.1/x>"; document.body.append(s); const t = document.createElement("script"); t.textContent = "window.evil = 2"; document.body.append(t); return fetch("http://192.0.2.1/y").then(() => 1, () => 0) })()' 'eval:window.evil === undefined' errors
    assert_line true
    assert_line 0
    assert_output --partial 'Content Security Policy'
}

@test "hostile names stay text in the page" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/odd.key" -out "$T/odd.crt" -days 40 \
        -subj '/CN=<img src=x onerror=alert(1)>"' 2>/dev/null
    cat "$T/odd.crt" "$T/odd.key" >"$T/odd.pem"
    CERTS=("$T/odd.pem")
    admin_start
    page 'eval:document.querySelector("#certificates tbody td").textContent' 'eval:document.querySelectorAll("img").length' errors
    assert_line '"<img src=x onerror=alert(1)>\""'
    assert_line 0
}

# contrast: the least contrast of text in the page against what is behind it.
CONTRAST='(() => {
    const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b };
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const behind = (e) => { const all = []; for (; e; e = e.parentElement) all.unshift(getComputedStyle(e).backgroundColor); return all };
    const mix = (colours) => { canvas.fillStyle = "#fff"; canvas.fillRect(0, 0, 1, 1); for (const c of colours) { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1) } return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3) };
    let least = 99;
    for (const e of document.querySelectorAll("body *")) {
        if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length || e.closest("script, noscript")) continue;
        const back = behind(e), a = lum(mix(back)), b = lum(mix([...back, getComputedStyle(e).color]));
        least = Math.min(least, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
    }
    return least;
})()'

@test "both themes can be read (contrast 4.5 at least), and narrow screens do not scroll sideways" {
    served_some
    page theme:light "eval:$CONTRAST" 'eval:getComputedStyle(document.body).backgroundColor' "shot:$T/light.png" \
        theme:dark "eval:$CONTRAST" 'eval:getComputedStyle(document.body).backgroundColor' "shot:$T/dark.png" \
        size:360x740 'eval:document.documentElement.scrollWidth' size:1280x900 'eval:document.documentElement.scrollWidth'
    local light dark
    mapfile -t values <<<"$output"
    light=${values[0]} dark=${values[2]}
    awk -v a="$light" -v b="$dark" 'BEGIN { exit !(a >= 4.5 && b >= 4.5) }' || fail "contrast $light and $dark"
    [ "${values[1]}" != "${values[3]}" ] || fail "the themes do not differ"
    [ "${values[4]}" = 360 ] || fail "the page is ${values[4]} wide on a screen of 360"
    [ "${values[5]}" = 1280 ]
    run ! cmp -s "$T/light.png" "$T/dark.png"
}

@test "heads, regions and live parts are there for a screen reader" {
    served_some
    page 'eval:[...document.querySelectorAll("th")].every((t) => t.scope === "col")' 'eval:document.documentElement.lang' \
        'eval:[...document.querySelectorAll("svg")].every((s) => s.getAttribute("role") === "img" && s.getAttribute("aria-label").length > 20)' \
        'eval:[...document.querySelectorAll("section")].every((s) => s.getAttribute("aria-label") || s.querySelector("h2"))' \
        'eval:document.querySelector(".scale span:nth-child(2)").textContent'
    # The last: half a connection is nothing, so the middle of that scale is a whole number.
    assert_output "$(printf 'true\n"en"\ntrue\ntrue\n"1"')"
}

# -- the command ---------------------------------------------------------------------------------------------------

@test "status: a table of everything, aligned, without colours into a pipe" {
    served_some
    run -0 "$TLS13D" status --config "$T/tls13d.ini"
    assert_line --regexp "^tls13d [0-9.]+  accepting  up .* 1 of 1 workers  reloads 0 ok, 0 refused"
    assert_line --regexp '^connections +0 +[0-9.]+/s +2'
    assert_line --regexp "^t +127.0.0.1:$PORT +0 +2 +1 +1 +100 kB|^t +127.0.0.1:$PORT +0 +2 +1 +1 +100000 B"
    assert_line --regexp "^$BACKEND +t +up +0 +1 +0"
    assert_line --regexp '^localhost \+1 +t +ECDSA P-256 +0 '
    assert_line --regexp '^handshake +VERSION +1  the client does not offer TLS 1.3'
    assert_line --regexp '^alert sent +protocol_version +1'
    refute_output --partial $'\e'
    [ -z "$(grep ' $' <<<"$output" || true)" ] || fail "blanks at the end of a line"
    # Numbers of a column end at one place.
    [ "$(awk '/^LISTENER/ { print index($0, "ACCEPTED") + 7 }' <<<"$output")" = "$(awk '/^t / { print match($0, / 2 /) + 1 }' <<<"$output")" ]
}

@test "status: over a Unix socket, colours on a terminal, NO_COLOR" {
    ADMIN=unix:$T/admin.sock admin_start
    ADMIN=unix:$T/admin.sock
    run -0 "$TLS13D" status --admin "$ADMIN"
    assert_output --partial accepting
    run -0 env TERM=xterm script -qec "$TLS13D status --admin $ADMIN" /dev/null
    assert_output --partial $'\e[32maccepting'
    run -0 env TERM=xterm NO_COLOR=1 script -qec "$TLS13D status --admin $ADMIN" /dev/null
    refute_output --partial $'\e['
}

@test "status --json is what /status says" {
    served_some
    run -0 "$TLS13D" status --admin "$ADMIN" --json
    [ "$(jq -r '.counters.accepted, .ready, .listeners[0].name' <<<"$output" | paste -sd' ')" = '2 true t' ]
}

@test "status: exit 4 when what was asked for cannot be written, as the other commands" {
    [ -c /dev/full ] || skip "no /dev/full"
    admin_start
    local how
    for how in '' --json --watch; do
        # shellcheck disable=SC2016 # for the inner shell
        run -4 timeout 10 bash -c '"$1" status --admin "$2" $3 >/dev/full' - "$TLS13D" "$ADMIN" $how
    done
}

@test "status --watch shows changes" {
    admin_start
    timeout 20 "$TLS13D" status --admin "$ADMIN" --watch >"$T/watch.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 5 grep -qE '^connections +0 +0/s +0$' "$T/watch.out"
    client text:x end drain
    wait_for 5 grep -qE '^connections +[01] +[0-9.]+/s +1$' "$T/watch.out"
    run -0 grep -E '^handshakes +0 +(0\.[3-9]|1\.[0-9])/s +1 ' "$T/watch.out"
    kill "${PIDS[-1]}"
    run timeout 3 env TERM=xterm script -qec "$TLS13D status --admin $ADMIN --watch" /dev/null
    assert_output --partial $'\e[H'
    assert_output --partial $'\e[K'
}

@test "status: exit 1 when there is no daemon, no endpoint, another server, or no worker that accepts" {
    admin_start
    run -1 "$TLS13D" status --admin "127.0.0.1:$(free_port)"
    assert_output --partial 'cannot be reached: Connection refused; is the daemon running?'
    run -1 "$TLS13D" status --admin "unix:$T/none"
    assert_output --partial 'No such file or directory'
    run -1 timeout 20 "$TLS13D" status --admin "127.0.0.1:$PORT"
    assert_output --partial 'is no tls13d'
    run -1 "$TLS13D" status --admin nonsense
    run -1 "$TLS13D" status --config "$T/none.ini"
    sed '/^admin/d' "$T/tls13d.ini" >"$T/off.ini"
    run -1 "$TLS13D" status --config "$T/off.ini"
    assert_output --partial 'sets no admin endpoint'
    python3 -S - "$T/port" <<'PY' 3>&- &
import socket, sys, threading, time
s = socket.create_server(("127.0.0.1", 0))
open(sys.argv[1], "w").write(str(s.getsockname()[1]))
answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\":", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\n{}", b""]
for a in answers:
    c, _ = s.accept()
    c.recv(1000)
    c.sendall(a)
    c.close()
c, _ = s.accept()
time.sleep(30)
PY
    PIDS+=($!)
    disown
    wait_for 5 test -s "$T/port"
    local i
    for i in 1 2 3 4; do
        run -1 "$TLS13D" status --admin "127.0.0.1:$(<"$T/port")"
        assert_output --partial 'is no tls13d'
    done
    run -1 timeout 15 "$TLS13D" status --admin "127.0.0.1:$(<"$T/port")"
    assert_output --partial 'timed out'
    # A health check: what drains is not healthy.
    client_held 10
    kill -TERM "$DAEMON"
    wait_for 5 not_healthy
    kill -TERM "$DAEMON"
    wait_for 5 daemon_gone
    DAEMON=
}
not_healthy() { ! "$TLS13D" status --admin "$ADMIN" >/dev/null; }

@test "status: usage" {
    run -2 "$TLS13D" status --listen :1
    run -2 "$TLS13D" --json
    run -2 "$TLS13D" status --admin
    run -0 "$TLS13D" --help
    assert_output --partial 'tls13d status [--admin ADDR] [--json]'
}
