#!/usr/bin/env bash
# Builds everything, plain and with sanitizers, and runs every test of `make check`; with -s, builds it plain and runs tests/system/, that is
# `make check-system`.
#
#   tests/run.sh [-j JOBS] [-k] [-s] [PATTERN...]   only suites whose name (unit/test_x, clients, san/clients) matches a PATTERN
#
# Each suite speaks TAP.  One that dies, overruns its time or stops before its plan counts as failed.  The last line is
# "N passed, N failed" (and ", N skipped"); the exit status is 0 when nothing failed.  -k keeps the output of all suites on the screen.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=
keep=
system=
while getopts 'j:ks' option; do
    case $option in
    j) jobs=$OPTARG ;;
    k) keep=1 ;;
    s) system=1 ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))

plain=${B:-build}         # the two builds under test
san=${B_SAN:-build/san}
if [ -n "$system" ]; then
    jobs=${jobs:-2}
    limit=600             # seconds a suite may take
    out=$plain/check-system
else
    jobs=${jobs:-6} # most of them wait most of the time
    limit=300
    out=$plain/check
fi
rm -rf "$out"
mkdir -p "$out"
started=$SECONDS

# The suites that do not run a second time under the sanitizers: what they look at is the same, or not made for it.
plain_only='structure readme migrating mlkem jumps constant_time symmetric asymmetric docs systemd static examples hybrid java keylog watch reload upgrade workers sandbox notify log bench backends daemon flood proxy'

# -- build -----------------------------------------------------------------------------------------------------------

build() { # DIRECTORY SAN TARGET...
    if ! make -s -j"$(nproc)" B="$1" SAN="$2" "${@:3}" >"$out/build.log" 2>&1; then
        tail -n 60 "$out/build.log"
        echo "the build in $1 failed"
        echo "0 passed, 1 failed"
        exit 1
    fi
    grep -vE "Nothing to be done|^  [A-Z]+ " "$out/build.log"
}

echo "building"
if [ -n "$system" ]; then
    build "$plain" '' all tools bench-tools
else
    build "$plain" '' all units tools bench-tools
    build "$san" 1 all units tools
    if ! make -s -j"$(nproc)" fuzz-build >"$out/build.log" 2>&1; then
        tail -n 60 "$out/build.log"
        echo "the fuzz targets' build failed"
        echo "0 passed, 1 failed"
        exit 1
    fi
fi

# -- the suites ------------------------------------------------------------------------------------------------------

names=()
declare -A command build_of

suite() { # NAME BUILD COMMAND
    local pattern
    if [ ${#patterns[@]} != 0 ]; then
        for pattern in "${patterns[@]}"; do
            [[ $1 == *$pattern* ]] && break
        done
        [[ $1 == *$pattern* ]] || return
    fi
    names+=("$1")
    build_of[$1]=$2
    command[$1]=$3
}

patterns=("$@")

quick_suites() {
    local file path kind dir source
    # The long ones first, so that none is left over at the end.
    for file in bytes clients halfclose timeouts limits leaks echo_server; do
        suite "$file" "$plain" "bats --tap --timing tests/$file.bats"
        [[ " $plain_only " == *" $file "* ]] || suite "san/$file" "$san" "bats --tap --timing tests/$file.bats"
    done
    # A short turn of each fuzz target; make fuzz T=600 is the long one.
    suite fuzz "$plain" "tests/fuzz/run.sh build/fuzz 2 $(cd tests/fuzz && echo fuzz_*.c | sed 's/fuzz_//g; s/\.c//g')"
    for path in tests/*.bats; do
        file=${path#tests/}
        file=${file%.bats}
        [ -z "${command[$file]-}" ] || continue
        suite "$file" "$plain" "bats --tap --timing $path"
        [[ " $plain_only " == *" $file "* ]] || suite "san/$file" "$san" "bats --tap --timing $path"
    done
    for kind in '' san/; do
        dir=$plain
        [ -z "$kind" ] || dir=$san
        for source in tests/unit/test_*.c tests/unit/daemon_*.c; do
            [ -e "$source" ] || continue
            file=${source#tests/unit/}
            suite "${kind}unit/${file%.c}" "$dir" "$dir/unit/${file%.c}"
        done
    done
}

system_suites() {
    local path file
    for path in tests/system/*.bats; do
        file=${path##*/}
        suite "${file%.bats}" "$plain" "bats --tap --timing $path"
    done
}

if [ -n "$system" ]; then
    system_suites
else
    quick_suites
fi

# -- run -------------------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0
declare -A pid_of

end_all() {
    local pid
    for pid in "${pid_of[@]}"; do
        kill -TERM "$pid" 2>/dev/null
    done
    wait
    echo "interrupted"
    exit 130
}
trap end_all INT TERM

start_suite() { # NAME
    local file=$out/${1//\//.}
    # shellcheck disable=SC2086 # the command is words
    B=${build_of[$1]} TLS13D=$PWD/${build_of[$1]}/tls13d timeout -k 10 $limit ${command[$1]} >"$file.tap" 2>"$file.err" </dev/null &
    pid_of[$1]=$!
    began[$1]=$SECONDS
}
declare -A began

# judge NAME STATUS: counts what the suite said and shows what failed.
judge() {
    local name=$1 rc=$2 file=$out/${1//\//.} plan ok bad skip why=
    plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\).*/\1/p' "$file.tap" | tail -n 1)
    skip=$(grep -cE '^ok [0-9]+.* # skip' "$file.tap")
    ok=$(($(grep -cE '^ok [0-9]' "$file.tap") - skip))
    bad=$(grep -cE '^not ok [0-9]' "$file.tap")
    if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
        why="ended after $limit s"
    elif [ -z "$plan" ]; then
        why="died without a plan (exit status $rc)"
    elif ((plan != ok + bad + skip)); then
        why="planned $plan tests and told of $((ok + bad + skip)) (exit status $rc)"
    elif [ "$rc" != 0 ] && [ "$bad" = 0 ]; then
        why="exit status $rc"
    fi
    [ -z "$why" ] || bad=$((bad + 1))
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-28s %3d passed' "$name" "$ok"
    [ "$bad" = 0 ] || printf ', %d FAILED' "$bad"
    [ "$skip" = 0 ] || printf ', %d skipped' "$skip"
    printf '  (%d s)\n' $((SECONDS - began[$name]))
    if [ -n "$keep" ]; then
        cat "$file.tap"
    elif [ "$bad" != 0 ]; then
        show_failures "$file.tap" "$rc"
    fi
    grep -E '^ok .* # skip' "$file.tap" | sed 's/^ok [0-9]* */    skipped: /'
    if [ -n "$why" ]; then
        echo "    $name: $why"
        tail -n 40 "$file.tap"
    fi
    if [ "$bad" != 0 ]; then
        tail -n 60 "$file.err"
    fi
}

# Diagnostics: C tests say them before their "not ok", bats after it.
show_failures() {
    awk '/^not ok/ { printf "%s", held; print; show = 1; held = ""; next }
         /^ok/ { show = 0; held = ""; next }
         show { print }
         { held = held $0 "\n" }' "$1"
}

next=0
running=()
while [ $next -lt ${#names[@]} ] || [ ${#running[@]} != 0 ]; do
    while [ $next -lt ${#names[@]} ] && [ ${#running[@]} -lt "$jobs" ]; do
        start_suite "${names[next]}"
        running+=("${names[next]}")
        next=$((next + 1))
    done
    still=()
    for name in "${running[@]}"; do
        if kill -0 "${pid_of[$name]}" 2>/dev/null; then
            still+=("$name")
        else
            wait "${pid_of[$name]}"
            rc=$?
            unset "pid_of[$name]"
            judge "$name" $rc
        fi
    done
    [ ${#still[@]} -lt ${#running[@]} ] || sleep 0.05
    running=("${still[@]}")
done

if [ ${#names[@]} = 0 ]; then
    echo "no suite matches"
    failed=1
fi
echo "$((SECONDS - started)) s"
if [ $skipped != 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ $failed = 0 ]
