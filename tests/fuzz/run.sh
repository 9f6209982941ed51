#!/bin/sh
# Runs fuzz targets over their corpus for a time each; new inputs go to DIR/new/, crashes to DIR/crash/.  TAP on standard output.
#   tests/fuzz/run.sh DIR SECONDS TARGET...
set -u
dir=$1
seconds=$2
shift 2
n=0
bad=0
echo "1..$#"
for target in "$@"; do
    n=$((n + 1))
    mkdir -p "$dir/new/$target" "$dir/crash"
    seeds=tests/fuzz/corpus/$target
    [ -d "$seeds" ] || seeds=
    dict=
    case $target in
    client_hello | server | session) dict=-dict=tests/fuzz/dict/tls.dict ;;
    der | key) dict=-dict=tests/fuzz/dict/der.dict ;;
    pem) dict=-dict=tests/fuzz/dict/pem.dict ;;
    esac
    # shellcheck disable=SC2086 # words, or nothing
    if "$dir/fuzz_$target" $dict -seed=1 -max_total_time="$seconds" -max_len=20000 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$dir/crash/$target-" "$dir/new/$target" $seeds >"$dir/$target.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$target.log")
        echo "ok $n - fuzz $target (${runs:-?} runs)"
    else
        bad=1
        tail -n 40 "$dir/$target.log" | sed 's/^/# /'
        echo "not ok $n - fuzz $target"
    fi
done
exit $bad
