#!/usr/bin/env bats
# The benchmark with its peers: each starts, agrees on what is to be measured, and can be measured in all of it.

load ../lib

@test "every peer has a figure in every metric that it takes part in" {
    local name peers=(tls13d relay)
    for name in hitch haproxy nginx stunnel; do
        command -v $name >/dev/null || { echo "# no $name" >&3; continue; }
        peers+=("$name")
    done
    [ ${#peers[@]} -gt 2 ] || skip "no peer is installed"
    run -0 timeout 500 "$TOP/tests/bench/bench.py" -r 2 --slices 2 --patience 0.3 --scale 0.02 --budget -t "${peers[@]}" --tls13d "$TLS13D" --bin "$B/bench" \
        -j "$T/results.json"
    echo "$output"
    run -0 jq -r '.wrong[]' "$T/results.json"
    assert_output ''
    run -0 jq -r .budget.engine "$T/results.json"
    assert_line --regexp "^ +server's side, us +[0-9.]+ +[0-9.]+ +[0-9.]+$"
    if command -v perf >/dev/null; then
        run -0 jq -r .budget.profile "$T/results.json"
        assert_line --regexp '^  kernel: sendto +[0-9.]+ us +[0-9.]+ %$'
        assert_line --regexp '^  libtls13/[a-z0-9_/]+[.]c +[0-9.]+ us +[0-9.]+ %$'
        assert_line --regexp '^  system calls a unit: [0-9.]+: recvfrom [0-9.]+, '
    fi
    # At this scale 64 connections stand: their memory's growth may be less than what was given back meanwhile.
    for name in "${peers[@]}"; do
        run -0 jq -r --arg n "$name" '.metrics | to_entries[] | select(.value[$n] != null or (.key | test("^hybrid$|-2$") | not)) |
            select((.value[$n] | length) != 2 or ((.key | test("^idle-") | not) and (.value[$n] | min) < 0)) | .key' "$T/results.json"
        [ "$output" = '' ] || fail "$name has not two figures in $output"
    done
}
