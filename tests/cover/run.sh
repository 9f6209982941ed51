#!/usr/bin/env bash
# run.sh SUITE...: the unit tests and these end-to-end suites over build/cover; make cover calls it.  What a suite says of the sandbox or
# the user, or does not reach in time under -O0, does not matter here.
set -uo pipefail
cd "$(dirname "$0")/../.."
find build/cover -name '*.gcda' -delete
for test in build/cover/unit/test_* build/cover/unit/daemon_*; do
    case $test in *.*) continue ;; esac
    "$test" >build/cover/unit.log 2>&1 || { echo "$test failed"; cat build/cover/unit.log; exit 1; }
done
for suite in "$@"; do
    B=build/cover TLS13D=$PWD/tests/cover/tls13d timeout 300 bats --tap "tests/$suite.bats" >"build/cover/$suite.tap" 2>&1 </dev/null
    echo "$suite: $(grep -c '^ok' "build/cover/$suite.tap") of $(sed -n 's/^1\.\.//p' "build/cover/$suite.tap") passed"
done
