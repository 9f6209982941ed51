# shellcheck shell=bash
# Programs under valgrind's memcheck, with the secrets marked undefined: for the suites that look at the time of secrets.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
    TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    B=${B:-$TOP/build}
    case $B in /*) ;; *) B=$TOP/$B ;; esac
}

# watched [--VALGRIND-OPTION...] PROGRAM ARGS...: a copy without debug information, since clang's is too new for valgrind 3.19.
watched() {
    local options=()
    while [[ $1 == --* ]]; do
        options+=("$1")
        shift
    done
    local program=$1
    shift
    strip -g -o "$BATS_TEST_TMPDIR/$program" "$B/tools/$program"
    run timeout 200 valgrind -q --error-exitcode=9 "${options[@]}" "$BATS_TEST_TMPDIR/$program" "$@"
    # shellcheck disable=SC2154 # run sets it
    [ "$status" != 77 ] || skip "${output##*SKIP: }"
}

# constant PROGRAM WORD: it and its negative control.
constant() {
    watched "$1"
    assert_success
    assert_output --partial "$2"
    refute_output --partial 'uninitialised'
    watched "$1" leak
    assert_equal "$status" 9
    assert_output --partial 'depends on uninitialised value'
}
