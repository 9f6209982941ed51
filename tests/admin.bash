# shellcheck shell=bash
# A daemon with an admin endpoint, and asking it; for suites that stand on lib.bash.

# admin_start LINE...: daemon_start with an endpoint at $ADMIN (a free TCP port unless set) and an echo backend unless there is one.
admin_start() {
    ADMIN=${ADMIN:-127.0.0.1:$(free_port)}
    CURL=() URL=http://$ADMIN
    case $ADMIN in
    unix:@*) CURL=(--abstract-unix-socket "${ADMIN#unix:@}") URL=http://localhost ;;
    unix:*) CURL=(--unix-socket "${ADMIN#unix:}") URL=http://localhost ;;
    esac
    daemon_lines+=("admin = $ADMIN")
    [ -n "$BACKEND" ] || backend_start tcp echo
    daemon_start "$@"
    unset "daemon_lines[-1]"
}

# get PAGE [STATUS]: its body in $output and $T/body, its head in $T/head.
get() {
    local code
    code=$(curl -sS --max-time 10 "${CURL[@]}" -D "$T/head" -o "$T/body" -w '%{http_code}' "$URL$1") || fail "no answer to $1"
    [ -z "${2:-}" ] || [ "$code" = "$2" ] || fail "$1 is answered with $code, not $2"
    output=$(tr -d '\0' <"$T/body")
}
# header NAME VALUE: of the last answer.
header() {
    local got
    got=$(tr -d '\r' <"$T/head" | sed -n "s/^$1: //Ip")
    [ "$got" = "$2" ] || fail "$1 is \"$got\", not \"$2\""
}
# json FILTER: of /status.
json() { curl -sS --max-time 10 "${CURL[@]}" "$URL/status" | jq -r "$1"; }

# metric LINE: the value of a metric, given as "name" or "name{label=\"...\"}" without the prefix.
metric() {
    curl -sS --max-time 10 "${CURL[@]}" "$URL/metrics" |
        awk -v want="tls13d_$1" '{ value = $NF; sub(/ [^ ]*$/, ""); if ($0 == want) { print value; found = 1 } } END { exit !found }'
}

# raw TEXT: bytes to the endpoint as printf understands them; what comes back is in $output.
raw() {
    # shellcheck disable=SC2059 # the escapes are the point
    run -0 timeout 20 bash -c 'printf "$1" | socat -t 5 - "TCP:127.0.0.1:$0"' "${ADMIN##*:}" "$1"
}
# answers STATUS TEXT
answers() {
    raw "$2"
    [[ $output == "HTTP/1.1 $1 "* ]] || fail "it is answered with ${output%%$'\r'*}, not $1"
}

# client_held SECONDS: a client in the background that has connected and stays so long.
client_held() {
    timeout 60 python3 -S "$TOOLS/client.py" "$PORT" --ca "$PKI/ca.pem" text:hello read:6 "wait:$1" end drain >"$T/held.out" 2>&1 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 eval '[ "$(json .gauges.active)" != 0 ]'
}

# counted N METRIC COMMAND...: the command moves the metric by N.
counted() {
    local n=$1 name=$2 before
    shift 2
    before=$(metric "$name") || fail "there is no metric $name"
    "$@"
    wait_for 5 metric_is "$name" $((before + n)) || fail "$name went from $before to $(metric "$name"), not by $n, with: $*"
}
metric_is() { [ "$(metric "$1")" = "$2" ]; }
