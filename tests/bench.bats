#!/usr/bin/env bats
# The benchmark itself: that it measures, that it checks what it measures, and that the published figures are the measured ones.

load lib

BENCH=$TOP/tests/bench

# bench STATUS OPTION...: a run with next to no work, of ours and the floor.
bench() {
    local expected=$1
    shift
    run timeout 120 "$BENCH/bench.py" -q -r 1 --slices 1 --patience 0.1 --scale 0.005 -t tls13d relay --tls13d "$TLS13D" --bin "$B/bench" \
        -j "$T/results.json" "$@"
    echo "$output"
    # shellcheck disable=SC2154 # run sets it
    [ "$status" = "$expected" ] || fail "exit status $status"
}

@test "a run measures every metric of ours, and publishes them" {
    bench 0
    run -0 jq -r '.metrics | to_entries[] | select((.value.tls13d | length) != 1) | .key' "$T/results.json"
    assert_output ''
    run -0 jq -r '[(.metrics | length) + (.left_out | length), (.curves.turn.tls13d | length), (.wrong | length)] | @tsv' "$T/results.json"
    assert_output $'40\t6\t0'
    run -0 jq -r 'if (.left_out | index("full-limit")) then 1 else .limit_percent end' "$T/results.json"
    [[ $output =~ ^[0-9.]+$ && ! $output =~ ^[0.]+$ ]] || fail "no program was held back at its limit: $output"
    mkdir -p "$T/tree/docs"
    cp "$TOP/README.md" "$T/tree"
    cp "$TOP/docs/performance.md" "$T/tree/docs"
    run -0 "$BENCH/report.py" "$T/results.json" --root "$T/tree" --publish
    run -0 "$BENCH/report.py" "$T/tree/docs/bench.json" --root "$T/tree" --check
    assert_output ''
    # The tables are other ones now, and the texts around them the same.
    run -1 cmp "$TOP/README.md" "$T/tree/README.md"
    diff <(sed '/<!-- benchmark/,/<!-- end of/d' "$TOP/README.md") <(sed '/<!-- benchmark/,/<!-- end of/d' "$T/tree/README.md")
    sed -i 's/| full, RSA-2048 certificate |/& 1/' "$T/tree/README.md"
    run -1 "$BENCH/report.py" "$T/tree/docs/bench.json" --root "$T/tree" --check
    assert_output --partial 'README.md'
}

@test "the tables and the chart are what docs/bench.json gives" {
    run "$BENCH/report.py" "$TOP/docs/bench.json" --check
    assert_output ''
    assert_success
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$TOP/docs/bench.svg"
}

@test "the library alone: a handshake's stages and records" {
    run -0 "$B/bench/engine" 3
    [ "$(grep -cE "^ +server's side, us +[0-9.]+ +[0-9.]+ +([0-9.]+|-)$" <<<"$output")" = 5 ] || fail "not five handshakes: $output"
    [ "$(grep -cE ' (16384|4096|1024|64) +[0-9]+ ' <<<"$output")" = 12 ] || fail "not twelve records: $output"
}

@test "what is wrong is named, and is not published" {
    bench 1 -m full hybrid --tls13d /bin/false
    assert_output --partial 'tls13d ended by itself'
    bench 0 -m full idle-2000
    run -1 "$BENCH/report.py" "$T/results.json" --root "$T" --publish
    assert_output --partial 'not published: no figure for resumed'
    run -2 "$BENCH/bench.py" -m nonsense
    assert_output --partial 'no such metric: nonsense; there are full resumed'
}

@test "the programs on the client's CPU: measured, said, and not published" {
    bench 0 -m request --together
    run -0 "$BENCH/report.py" "$T/results.json"
    assert_output --partial 'the programs ran on the CPU of client and backend'
    run -1 "$BENCH/report.py" "$T/results.json" --root "$T" --publish
    assert_output --partial 'not published: the programs ran on the CPU of client and backend'
}

@test "ratios and goals are those of the figures" {
    cat >"$T/results.json" <<'END'
{"made": "2000-01-01", "machine": {"cpu": "a CPU", "cpus": 2, "kernel": "6"}, "versions": {"tls13d": "1", "hitch": "2"}, "rounds": 3, "slices": 1,
 "scale": 1, "minutes": 1, "others_percent": null, "wrong": [], "curves": {},
 "metrics": {"full": {"tls13d": [30, 33, 60], "hitch": [100, 100, 200], "nginx": [150, 150, 150], "relay": [1, 1, 1]},
             "rsa": {"tls13d": [70, 70, 70], "hitch": [100, 100, 100]},
             "idle-2000": {"tls13d": [1.4, 1.5, 1.6], "hitch": [15, 15, 15]},
             "full-2": {"tls13d": [33, 36.3, 66]}}}
END
    run -0 "$BENCH/report.py" "$T/results.json"
    assert_line --regexp '^ +full, P-256 certificate, x25519 +us +33.0 \(30.0-60.0\) +100 \(100-200\) +150 +1.00 +0.30 \(0.30-0.33\) +<= 0.33 x +yes$'
    assert_line --regexp '^ +full, RSA-2048 certificate +us +70.0 +100 +- +- +0.70 \(0.70-0.70\) +<= 0.60 x +NO$'
    assert_line --regexp '^ +idle connection, 2,000 of them +KiB +1.50 \(1.40-1.60\) +15.0 +- +- +0.10 \(0.09-0.11\) +<= 1.5 KiB +yes$'
    assert_line --regexp '^ +full handshake +us +36.3 \(33.0-66.0\) +- +- +- +1.10 \(1.10-1.10\) +<= 1.10 x one worker +yes$'
}

# load NAME=VALUE...: a few handshakes and requests at the daemon.
load_client() { printf 'full 4 2\nopen 3\nrequest 9 3\nturn 9 2\ndown 100000 2\nup 100000 2\nclose\n' | timeout 60 "$B/bench/load" "$PORT" "ca=$PKI/ca.pem" reply=1024 "$@"; }

bench_backend_start() {
    BACKEND=127.0.0.1:$(free_port)
    "$B/bench/backend" "${BACKEND#*:}" 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 port_listens "${BACKEND#*:}"
}

@test "the client takes nothing else than what it measures" {
    bench_backend_start
    daemon_start 'groups = x25519, secp256r1, X25519MLKEM768' 'cipher-suites = TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256'
    for options in '' group=P-256 group=X25519MLKEM768 suite=TLS_CHACHA20_POLY1305_SHA256; do
        # shellcheck disable=SC2086 # none, or one
        run -0 load_client $options
        [ "$(cut -d' ' -f1-2 <<<"$output" | xargs)" = 'done 4 done 3 done 9 done 9 done 200000 done 200000 done 3' ] || fail "it says: $output"
    done
    run -1 load_client name=another.test
    run -1 load_client suite=TLS_AES_256_GCM_SHA384
    run -1 load_client group=P-384
    assert_output --partial 'handshake failure'
    # A group that it was not asked for is refused even when both ends can do it.
    run -1 load_client group=P-256:X25519
    assert_output --partial 'another group was agreed'
    # A daemon with tickets = 0 never resumes.
    daemon_stop
    daemon_start 'tickets = 0'
    run -1 bash -c 'printf "full 1 1\nresumed 1 1\n" | "$@"' - "$B/bench/load" "$PORT" "ca=$PKI/ca.pem"
    assert_output --partial 'no ticket came'
    # A backend that answers with other bytes.
    daemon_stop
    backend_start tcp echo
    daemon_start
    run -1 load_client
    assert_output --partial 'wrong bytes'
}

@test "system calls are counted to the one" {
    run python3 -S - "$BENCH" <<'END'
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from syscalls import Count
child = "import os, sys, threading\nprint(1, flush=True)\nfor n in map(int, sys.stdin):\n  t = threading.Thread(target=lambda: [os.getppid() for _ in range(n)])\n  t.start(); t.join(); print(1, flush=True)"
p = subprocess.Popen([sys.executable, "-S", "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
p.stdout.readline()
try:
    count = Count([p.pid])
except OSError as e:
    print("none", e)
    sys.exit(0)
seen = []
for n in (10, 10010, 20010):
    p.stdin.write(f"{n}\n"); p.stdin.flush(); p.stdout.readline()
    seen.append(count.read())
print((seen[1] - seen[0]) // 10000, (seen[2] - seen[1]) // 20000, seen[2] - seen[1] - 20010 < 200)
p.stdin.close()
p.wait()
END
    [[ $output != none* ]] || skip "the kernel does not count them here: $output"
    assert_output '1 1 True'
}

# counted: heap allocations, mappings and callers until now.
counted() { python3 -Sc 'import struct, sys; print(*struct.unpack("QQQ", open(sys.argv[1], "rb").read(24)))' "$T/allocations"; }
# who FIRST END: where the allocations of these numbers came from.
who() {
    python3 -Sc 'import struct, sys
d = struct.unpack("QQQ500q", open(sys.argv[1], "rb").read(24 + 4000))
for i in range(max(int(sys.argv[2]), int(sys.argv[3]) - 500), int(sys.argv[3])): print(hex(d[3 + i % 500] + int(sys.argv[4], 0)))' "$T/allocations" "$@" \
        "$(readelf -h "$TLS13D" | awk '/Entry point/ { print $4 }')" | xargs -r addr2line -fe "$TLS13D" | paste - - | sort | uniq -c
}

# Buffers and connections come from pools, which map a block at a time; a block that nobody needs for a second goes back to the kernel.
@test "requests, bulk data and handshakes allocate nothing once the daemon is warm" {
    local before=() after=() line
    truncate -s 4096 "$T/allocations"
    chmod 666 "$T/allocations"
    daemon_lines=('log-connections = off')
    daemon_under=(env "LD_PRELOAD=$B/bench/allocations.so" "ALLOCATIONS=$T/allocations")
    bench_backend_start
    daemon_start
    work() { # REQUESTS HANDSHAKES BYTES
        for line in "request $1 32" "turn $1 32" "full $2 8" "resumed $2 8" "down $3 2" "up $3 2"; do
            echo "$line" >&"${CLIENT[1]}"
            read -r -t 60 -u "${CLIENT[0]}" line || fail "the client is gone"
        done
    }
    coproc CLIENT { exec "$B/bench/load" "$PORT" "ca=$PKI/ca.pem" reply=1024 3>&-; }
    echo "open 40" >&"${CLIENT[1]}"
    read -r -t 60 -u "${CLIENT[0]}" line
    work 400 40 3000000
    read -ra before < <(counted)
    ((before[0] > 20)) || fail "nothing was counted: ${before[*]}"
    work 4000 300 20000000
    read -ra after < <(counted)
    eval "exec ${CLIENT[1]}>&-"
    wait "$CLIENT_PID" 2>/dev/null || true
    run who "${before[2]}" "${after[2]}"
    echo "before: ${before[*]}, after: ${after[*]}: $output"
    # Of ours only pools map.
    [ "$(grep -cv -e ' block_map' -e '^$' <<<"$output")" = 0 ] || fail "ours has allocated"
    ((after[0] == before[0])) || fail "the heap was asked ${after[0]} - ${before[0]} times"
    ((after[1] - before[1] <= 14)) || fail "more blocks than two of each pool were mapped"
}

@test "who was held to a limit goes free, from wherever it came, and what it began meanwhile" {
    PYTHONPATH=$BATS_TEST_DIRNAME/bench run -0 python3 - <<'EOF'
import subprocess, limit
why = limit.why_not()
if why:
    raise SystemExit(print("no limits here:", why))
held = limit.Limit()
limit.group_of = lambda pid, controller: "/of/another/name/space"
with subprocess.Popen(["sh", "-c", "read _; sleep 60 & echo $!; read _; kill $!"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
    with held.on([p.pid]):
        p.stdin.write(b"\n")
        p.stdin.flush()
        child = int(p.stdout.readline())
        inside = limit.read(held.group + "/cgroup.procs").split()
        assert str(p.pid) in inside and str(child) in inside, inside
    for pid in p.pid, child:
        assert "tls13d-bench" not in limit.read(f"/proc/{pid}/cgroup"), limit.read(f"/proc/{pid}/cgroup")
    p.stdin.close()
EOF
}
