#!/bin/sh
# Installs the Debian packages of the named sections of packages.list that are missing.
#   tools/setup.sh build demo test dev
# Needs root (or sudo) only when something is missing.  Prints nothing when all is there.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
want=
for section in "$@"; do
    found=$(sed -n "s/^$section: *//p" "$top/packages.list" | tr '\n' ' ')
    [ -n "$found" ] || { echo "setup: packages.list has no section '$section'" >&2; exit 2; }
    want="$want $found"
done
missing=
for p in $want; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
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
