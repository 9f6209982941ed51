#!/usr/bin/env bats
# The house itself: who includes whom, what the library exports, how long files are.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
    TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    B=${B:-$TOP/build}
    case $B in /*) ;; *) B=$TOP/$B ;; esac
    cd "$TOP"
}

@test "includes go downward only" {
    run python3 tests/tools/includes.py tests/ranks.txt
    assert_output ''
    assert_success
}

@test "the include check can fail" {
    local t=$BATS_TEST_TMPDIR
    mkdir -p "$t/libtls13" "$t/daemon"
    printf 'lib 0 low.c low.h\nlib 1 mid.c mid.h\nlib 1 late.h\n' >"$t/ranks"
    printf '#include "mid.h"\n' >"$t/libtls13/low.c"
    printf '#include "late.h"\n' >"$t/libtls13/mid.c"
    printf '#include <bearssl.h>\n' >"$t/libtls13/low.h"
    touch "$t/libtls13/mid.h" "$t/libtls13/late.h" "$t/libtls13/new.c"
    printf '#include "late.h"\n' >"$t/daemon/x.c"
    printf 'daemon 0 x.c\n' >>"$t/ranks"
    run -1 bash -c 'cd "$1" && python3 "$2/tests/tools/includes.py" ranks' - "$t" "$TOP"
    assert_line --partial 'low.c includes mid.h, of a higher rank'
    assert_line --partial 'mid.c includes late.h, which comes later'
    assert_line --partial 'low.h names bearssl.h'
    assert_line --partial 'new.c has no rank'
    assert_line --partial 'x.c includes late.h, of the library'
}

@test "libtls13.so exports tls13_ functions and nothing else" {
    run -0 nm -D --defined-only --format=posix "$B/libtls13.so"
    [ -z "$(grep -v '^tls13_' <<<"$output" || true)" ] || fail "exported: $(grep -v '^tls13_' <<<"$output")"
}

@test "what tls13.h declares is what libtls13.so exports" {
    diff <(grep -oE '\btls13_[a-z0-9_]+\(' libtls13/tls13.h | grep -vE '_fn\(' | tr -d '(' | sort -u |
        while read -r name; do grep -qE "^TLS13_(API|CHECK) .*\b$name\(" libtls13/tls13.h && echo "$name"; done) \
        <(nm -D --defined-only --format=posix "$B/libtls13.so" | awk '{ print $1 }' | sort -u)
}

@test "libtls13.so has a soname and is hardened; so is tls13d" {
    run -0 readelf -dW "$B/libtls13.so"
    assert_output --partial 'Library soname: [libtls13.so.'
    for file in "$B/tls13d" "$B/libtls13.so" "$B/echo_server"; do
        readelf -dW "$file" | grep -q 'BIND_NOW\|Flags:.*NOW' || fail "$file: not bound at start"
        readelf -lW "$file" | grep -q GNU_RELRO || fail "$file: no RELRO"
        readelf -lW "$file" | grep -q 'GNU_STACK.* RW ' || fail "$file: an executable stack"
        readelf -hW "$file" | grep -q 'Type:.*DYN' || fail "$file: not position-independent"
    done
}

@test "a build directory by its whole path is the same one, with what its objects depend on" {
    run -0 make -s -n V=1 B="$TOP/build/elsewhere" build/elsewhere/daemon/text.o
    assert_output --partial ' -o build/elsewhere/daemon/text.o'
}

@test "no source file of the library or the daemon is longer than 450 lines" {
    run -0 bash -c 'git ls-files -co --exclude-standard "libtls13/*.[ch]" "daemon/*.[ch]" | xargs wc -l | awk "\$2 != \"total\" && \$1 > 450 { print }"'
    assert_output ''
}

@test "sources are formatted" {
    command -v clang-format >/dev/null || skip "no clang-format"
    run bash -c 'git ls-files -co --exclude-standard "*.c" "*.h" | xargs clang-format --dry-run -Werror 2>&1 | grep error: | cut -d: -f1 | uniq -c'
    assert_output ''
}

@test "scripts pass shellcheck" {
    command -v shellcheck >/dev/null || skip "no shellcheck"
    run -0 shellcheck -x .ci/run tools/*.sh tests/*.sh tests/tools/*.sh tests/*.bash tests/*.bats tests/system/*.bash tests/system/*.bats
}

@test "the last line of .ci/run counts both targets; what does not count has failed" {
    local t=$BATS_TEST_TMPDIR
    mkdir -p "$t/.ci"
    cp .ci/run "$t/.ci"
    printf 'check:\n\t@echo 3 passed, 0 failed\n\ncheck-system:\n\t@echo 4 passed, 0 failed, 2 skipped; echo late >&2\n' >"$t/Makefile"
    run -0 "$t/.ci/run"
    [ "${lines[-1]}" = '7 passed, 0 failed, 2 skipped' ]
    printf 'check:\n\t@echo 3 passed, 2 failed; false\n\ncheck-system:\n\t@echo 4 passed, 0 failed; false\n' >"$t/Makefile"
    run -1 "$t/.ci/run"
    [ "${lines[-1]}" = '7 passed, 3 failed, 0 skipped' ]
    printf 'check:\n\t@echo 3 passed, 0 failed\n' >"$t/Makefile"
    run -1 "$t/.ci/run"
    [ "${lines[-1]}" = '3 passed, 1 failed, 0 skipped' ]
}

# Under two names the objects' dependencies would be written down twice, and be heeded under one of them.
@test "the build directory has one name, however it is given" {
    for name in build ./build "$TOP/build" "$TOP/tests/../build"; do
        # shellcheck disable=SC2016 # make's variable
        run -0 make -s B="$name" --eval='say-b: ; @echo $(B)' say-b
        assert_output build
    done
    # shellcheck disable=SC2016
    run -0 make -s B=/nowhere/build --eval='say-b: ; @echo $(B)' say-b
    assert_output /nowhere/build
}

@test "no TODO, FIXME or XXX is left" {
    run -1 git grep -nwE 'TODO|FIXME|XXX' -- '*.c' '*.h' '*.sh' '*.bats' '*.py' ':!tests/structure.bats'
}

@test "docs/musts.md: each requirement has its check and its test" {
    run tools/musts.py --check
    assert_output ''
    assert_success
}

@test "the check of docs/musts.md can fail" {
    local t=$BATS_TEST_TMPDIR/tree
    mkdir -p "$t"
    cp -r --parents docs/musts.* libtls13/*.[ch] tests/unit/test_*.c tests/*.bats "$t"
    run -0 tools/musts.py --check --root "$t"
    sed -i 's/return -TLS13_E_CERT_REQUIRED;/return 0;/' "$t/libtls13/client_auth.c"
    sed -i 's/TLS13_E_OVERFLOW/TLS13_E_DECODE/' "$t"/tests/unit/*.c
    sed -i 's/RUN(hybrid);//' "$t/tests/unit/test_negative.c"
    sed -i '/ROW(LIMIT_CHAIN, /d' "$t/tests/unit/test_limits.c"
    sed -i '/^7 | /d' "$t/docs/musts.list"
    run -1 tools/musts.py --check --root "$t"
    assert_line --partial "certificate-required: libtls13/client_auth.c has 0 times"
    assert_line --partial "OVERFLOW: no unit test names this error"
    assert_line --partial "trap 49: no test 'hybrid' in test_negative"
    assert_line --partial "traps: not 1 to 50, each once"
    assert_line --partial "LIMIT_CHAIN: has no row in test_limits.c"
    cp docs/musts.list "$t/docs"
    cp -r --parents libtls13/*.c tests/unit/test_*.c "$t"
    sed -i '1s/^/\n/' "$t/libtls13/conn.c"
    run -1 tools/musts.py --check --root "$t"
    assert_output --partial 'docs/musts.md is not what'
}

@test "tests/failures.md: each row has its test" {
    run tools/failures.py
    assert_output ''
    assert_success
}

@test "the check of tests/failures.md can fail" {
    local t=$BATS_TEST_TMPDIR/failures
    mkdir -p "$t"
    cp -r --parents tests/failures.md tests/*.bats tests/system/*.bats tests/unit tests/fuzz/*.c "$t"
    run -0 tools/failures.py --root "$t"
    sed -i '/^| 47 |/d; s/^| hitch 02 | one request | .*/| hitch 02 | one request | n\/a |/' "$t/tests/failures.md"
    sed -i 's/@test "routes by server name/@test "routes of server name/' "$t/tests/backends.bats"
    sed -i 's/RUN(random_interleavings);//' "$t/tests/unit/daemon_relay.c"
    rm "$t/tests/fuzz/fuzz_proxy.c"
    run -1 tools/failures.py --root "$t"
    assert_line 'tests/failures.md: 47: is there 0 times'
    assert_line 'tests/failures.md: hitch 02: neither a test nor n/a and a reason'
    assert_line --partial "tests/failures.md: 121, 122: no test 'routes by server name"
    assert_line "tests/failures.md: 32: no test 'random_interleavings' in daemon_relay"
    assert_line "tests/failures.md: 18: no fuzz target 'proxy'"
}
