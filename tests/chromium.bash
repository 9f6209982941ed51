# shellcheck shell=bash
# A headless Chromium, and the certificate store it shares with NSS; for suites that stand on lib.bash.

# nssdb DIR: a certificate store that trusts the test's root.
nssdb() {
    [ -e "$1" ] && return
    mkdir -p "$1"
    certutil -N -d "sql:$1" --empty-password
    certutil -A -d "sql:$1" -n 'tls13d test root' -t C,, -i "$PKI/ca.pem"
}

# chromium_get: the page of https://localhost:$PORT/, as DOM, in $output.
chromium_get() {
    local home=$T/home
    mkdir -p "$home/.pki"
    nssdb "$home/.pki/nssdb"
    rm -rf "$home/data"
    HOME=$home TMPDIR=$home run -0 --separate-stderr timeout -k 2 40 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage --no-proxy-server \
        --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE localhost' --user-data-dir="$home/data" --dump-dom "https://localhost:$PORT/" 3>&-
}
