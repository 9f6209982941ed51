#!/usr/bin/env bats
# What make check runs over the plain build alone, once more under AddressSanitizer and UBSan: processes, reloads, files that change under
# load, backends by name, PROXY headers, floods.

load ../lib

setup_file() { make -s -C "$TOP" -j"$(nproc)" SAN=1 all tools; }
setup() { :; }
teardown() { :; }

# suite NAME [OPTION...]
suite() {
    run env B="$TOP/build/san" TLS13D="$TOP/build/san/tls13d" timeout 280 bats --tap "${@:2}" "$TOP/tests/$1.bats"
    grep '^not ok' <<<"$output" || [ "$status" = 0 ] || echo "$output"
    assert_success
}

@test "processes, signals, listeners, certificates by name" { suite daemon; }
@test "the choice of a backend" { suite backends; }
@test "PROXY headers" { suite proxy; }
@test "limits and floods" { suite flood; }
@test "files that change" { suite watch; }
@test "reloads" { suite reload; }
@test "upgrades" { suite upgrade; }
@test "workers that die, connections that are spread" { suite workers; }
