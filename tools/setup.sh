#!/bin/sh
# Installs the Debian packages of the named sections of packages.list that are missing.
#   tools/setup.sh build demo test dev
# Needs root (or sudo) only when something is missing.  Prints nothing when all is there.  "test" also fetches tests/package.json's
# modules where there is npm; the suites that want them skip without.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
want=
for section in "$@"; do
    found=$(sed -n "s/^$section: *//p" "$top/packages.list" | tr '\n' ' ')
    [ -n "$found" ] || { echo "setup: packages.list has no section '$section'" >&2; exit 2; }
    want="$want $found"
done

node_modules() {
    cmp -s "$top/tests/package.json" "$top/tests/node_modules/.made-for" && return
    command -v npm >/dev/null || return 0
    echo "setup: npm install in tests/"
    if (cd "$top/tests" && timeout 120 npm install --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries=1 >/dev/null 2>&1); then
        cp "$top/tests/package.json" "$top/tests/node_modules/.made-for"
    else
        echo "setup: npm could not install; the tests that want its modules are skipped" >&2
    fi
}
# Last thing, whatever way the script ends well.
done_well() {
    case " $* " in *' test '*) node_modules ;; esac
    exit 0
}

missing=
for p in $want; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || done_well "$@"
echo "setup: installing$missing"
root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run as root: apt-get install$missing" >&2; exit 1; }
    root=sudo
fi
log=$(mktemp)
# shellcheck disable=SC2086 # the list is words
if ! { $root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "setup: apt-get could not install$missing" >&2
    exit 1
fi
rm -f "$log"
done_well "$@"
