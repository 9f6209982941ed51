#!/usr/bin/env bats
# The command line: exit codes, what --test finds, --print-config, --help, and the table against conf/tls13d.ini.

load lib

# Certificates that openssl's ca(1) dates at will, besides those of the other suites.
setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    "$TOOLS/pki.sh" "$PKI"
    cd "$PKI" || return
    printf '[ca]\ndefault_ca = d\n[d]\ndatabase = index\nserial = serial\nnew_certs_dir = .\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n' >ca.cnf
    dated expired 20200101000000Z 20200201000000Z
    dated early 20990101000000Z 20991231000000Z
    chmod 600 ./*.pem
    # The leaf behind its issuer.
    cat intermediate.crt p256.crt p256.key >disorder.pem
    cat p256.crt intermediate.crt >chain.pem
    chmod 600 disorder.pem
}

# dated NAME FROM TO
dated() {
    : >index
    echo 01 >serial
    openssl req -new -key p256.key -subj "/CN=$1.example" -out "$1.csr" 2>>pki.log
    openssl ca -batch -config ca.cnf -selfsign -keyfile p256.key -in "$1.csr" -startdate "$2" -enddate "$3" -notext -out "$1.crt" >>pki.log 2>&1
    cat "$1.crt" p256.key >"$1.pem"
}

# ini LINE...: $T/x.ini with a good listener, and LINEs behind it; the first of them is line 5.
ini() {
    printf '%s\n' '[listen web]' 'bind = 127.0.0.1:0' 'backend = 127.0.0.1:9' "certificate = ${CERT-$PKI/p256.pem}" "$@" >"$T/x.ini"
}

# tested STATUS: runs --test over $T/x.ini; stderr and stdout are in $output.
tested() {
    run "-$1" timeout 20 "$TLS13D" --config "$T/x.ini" --test
}

# says TEXT: some line is exactly x.ini's name and TEXT.
says() { assert_line "$T/x.ini:$1"; }

# -- exit codes ----------------------------------------------------------------------------------------------------

@test "0: --help and --version, on standard output" {
    run -0 --separate-stderr "$TLS13D" --version
    assert_output --regexp '^tls13d [0-9]+\.[0-9]+\.[0-9]+$'
    assert_equal "$stderr" ''
    run -0 --separate-stderr "$TLS13D" --help
    assert_output --partial '--listen ADDR --backend ADDR'
    assert_equal "$stderr" ''
}

@test "0: --test of a good configuration" {
    ini
    tested 0
    assert_output 'tls13d: the configuration is good'
}

@test "1: a configuration, a certificate that is refused, also when it should run" {
    ini 'tickets = many'
    for how in --test --print-config ''; do
        # shellcheck disable=SC2086 # nothing, or a word
        run -1 timeout 20 "$TLS13D" --config "$T/x.ini" $how
        says '5: tickets: "many" is not a number from 0 to 8'
    done
    CERT=$T/gone.pem ini
    for how in --test ''; do
        # shellcheck disable=SC2086
        run -1 timeout 20 "$TLS13D" --config "$T/x.ini" $how
        says "4: certificate: $T/gone.pem cannot be read: No such file or directory"
    done
    run -1 timeout 20 "$TLS13D" --config "$T/nothing.ini"
    assert_output "$T/nothing.ini: cannot be opened: No such file or directory"
}

@test "2: usage, with the option that was meant" {
    local -A wrong=(
        ['--tset']='tls13d: there is no option --tset; did you mean --test?'
        ['--idle-timout=5s']='tls13d: there is no option --idle-timout; did you mean --idle-timeout?'
        ['--zzzz']='tls13d: there is no option --zzzz'
        ['file.ini']='tls13d: "file.ini" is not understood; options begin with two dashes, the one command is status'
        ['--workers']='tls13d: --workers needs a value'
        ['--workers --test']='tls13d: --workers needs a value'
        ['--workers 1 --workers 2']='tls13d: --workers is given twice'
        ['--config a --config b']='tls13d: --config is given twice; other files belong into include = DIR/*.ini'
        ['--test=1']='tls13d: --test takes no value'
        ['--test --print-config']='tls13d: only one of status, --test and --print-config can be done at a time'
        ['--json']='tls13d: --json goes with status only: tls13d status --json'
        ['status --workers 3']='tls13d: --workers does not go with status'
    )
    for words in "${!wrong[@]}"; do
        # shellcheck disable=SC2086 # words
        run -2 timeout 20 "$TLS13D" $words
        assert_line --index 0 "${wrong[$words]}"
        assert_line --index 1 'tls13d --help lists the options'
    done
}

@test "3: an address that cannot be bound, a user that it cannot become" {
    local port
    backend_start tcp echo
    port=${BACKEND##*:}
    ini
    run -3 timeout 20 "$TLS13D" --config "$T/x.ini" --bind "127.0.0.1:$port"
    assert_output --partial "command line: bind: listener web: cannot listen on 127.0.0.1:$port: Address already in use"
    ini '[listen b]' "bind = 127.0.0.1:$port" 'backend = 127.0.0.1:9' "certificate = $PKI/p256.pem"
    run -3 timeout 20 "$TLS13D" --config "$T/x.ini"
    assert_output --partial "$T/x.ini:6: bind: listener b: cannot listen on 127.0.0.1:$port: Address already in use"
    # And when it cannot become who it should be: in this namespace there is nobody but root.
    if [ "$(id -u)" = 0 ] && unshare -r true 2>/dev/null; then
        run -3 timeout 20 unshare -r "$TLS13D" --listen 127.0.0.1:0 --backend 127.0.0.1:9 --self-signed --user nobody
        assert_output --partial 'cannot become nobody: Operation not permitted'
    fi
    # Where ports below 1024 are for root alone, who is not root is told what helps.
    if [ "$(id -u)" = 0 ] && [ "$(</proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80 ]; then
        run -3 timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups "$TLS13D" --listen 127.0.0.1:80 --backend 127.0.0.1:9 --self-signed
        assert_output --partial 'Permission denied; a port below 1024 wants root, CAP_NET_BIND_SERVICE, or a socket of systemd (systemd:NAME)'
    fi
}

@test "4: what was asked for cannot be written" {
    [ -c /dev/full ] || skip "no /dev/full"
    run -4 bash -c '"$1" --help >/dev/full' - "$TLS13D"
}

@test "without flags the file is /etc/tls13d/tls13d.ini" {
    [ ! -e /etc/tls13d/tls13d.ini ] || skip "there is one"
    run -1 timeout 20 "$TLS13D"
    assert_output '/etc/tls13d/tls13d.ini: there is no such file; write one, name another with --config FILE, or give --listen, --backend and --certificate'
    run -1 timeout 20 "$TLS13D" --log-level debug
    assert_output 'command line: there is no listener; give --listen ADDR and --backend ADDR, or --config FILE'
}

# -- garbage -------------------------------------------------------------------------------------------------------

@test "every problem is told at once, with its line" {
    printf '%s\n' 'workers = 1' '[daemon]' 'worker = 2' 'bind = :1' '[listne x]' '[listen a]' 'certificate' 'idle-timeout = 3' 'tickets = ' \
        'private-key = x' '[listen a]' >"$T/x.ini"
    tested 1
    says '1: workers: stands before any section; put it below [daemon] or [listen NAME]'
    says '3: worker: there is no such key; did you mean workers?'
    says '4: bind: belongs in [listen NAME]; move it there'
    says '5: there is no section [listne x]; the sections are [daemon] and [listen NAME]'
    says '7: "certificate" is not KEY = VALUE'
    says '8: idle-timeout: "3" needs a unit: ms, s, m, h or d, as 3s'
    says '9: tickets: must not be empty; give a value (such as 2) or leave the line out'
    says '10: private-key: stands before any certificate; it belongs to the certificate above it'
    says "11: [listen]: there is a listener a at $T/x.ini:6 already; give this one another name"
    assert_equal ${#lines[@]} 9
}

@test "garbage is refused, never a crash" {
    local text
    for text in '' '[' ']' '=' '[]' '[listen' '[daemon]x' ';' 'include = /' 'include = *' $'\x01' $'\xff\xfe' "$(printf '[%.0s' {1..9000})"; do
        printf '%s' "$text" >"$T/x.ini"
        tested 1
        assert_output --partial "$T/x.ini"
    done
    head -c 100000 "$TLS13D" >"$T/x.ini"
    tested 1
}

@test "a key that is given for a configuration is not shown" {
    cp "$PKI/p256.key" "$T/x.ini"
    tested 1
    assert_output "$T/x.ini:1: this is a PEM file, no configuration; certificate = FILE names one"
    ini "$(<"$PKI/p256.pem")"
    tested 1
    assert_output "$T/x.ini:5: this is a PEM file, no configuration; certificate = FILE names one"
}

@test "protocols with blanks between them are one, which is worth a warning" {
    ini 'alpn = h2 http/1.1'
    tested 0
    assert_output --partial "warning: $T/x.ini:5: alpn: \"h2 http/1.1\" is one protocol; commas stand between more, as in h2, http/1.1"
}

@test "listeners and addresses that collide" {
    ini '[listen b]' 'bind = 127.0.0.1:4433' 'backend = h:1' "certificate = $PKI/p256.pem" '[listen c]' 'bind = 127.0.0.1:4433' \
        'backend = 127.0.0.1:4433' "certificate = $PKI/p256.pem"
    tested 1
    says '10: bind: 127.0.0.1:4433 is taken by listener b already; use another address'
    says '11: backend: 127.0.0.1:4433 is listener b of this daemon, which would call itself'
    ini 'bind = :9113' '[daemon]' 'admin = [::]:9113'
    tested 1
    says '7: admin: [::]:9113 is taken by listener web already; use another address'
    ini '[daemon]' 'admin = 127.0.0.1:0'
    tested 0
}

# -- certificates --------------------------------------------------------------------------------------------------

@test "each key type, a chain and a key apart" {
    for cert in p256 p384 rsa; do
        CERT=$PKI/$cert.pem ini
        tested 0
    done
    CERT=$PKI/chain.pem ini "private-key = $PKI/p256.key"
    tested 0
}

@test "a key that is missing, or of another certificate" {
    CERT=$PKI/chain.pem ini
    tested 1
    says "4: certificate: $PKI/chain.pem: there is no private key; put it behind the chain, or add private-key = FILE below this line"
    CERT=$PKI/chain.pem ini "private-key = $PKI/p384.key"
    tested 1
    says "5: private-key: $PKI/p384.key: the private key does not belong to the certificate; use the key that the certificate was made for, and put the leaf first"
    CERT=$PKI/chain.pem ini "private-key = $T"
    tested 1
    says "5: private-key: $T cannot be read: Is a directory"
}

@test "expired, not yet valid, out of order, no PEM, cut short" {
    CERT=$PKI/expired.pem ini
    tested 1
    says "4: certificate: $PKI/expired.pem expired at 2020-02-01 00:00:00 UTC; renew it"
    CERT=$PKI/early.pem ini
    tested 1
    says "4: certificate: $PKI/early.pem is not valid before 2099-01-01 00:00:00 UTC; wait, or check the clock"
    CERT=$PKI/disorder.pem ini
    tested 1
    assert_output --partial "x.ini:4: certificate: $PKI/disorder.pem: the certificates are not in order"
    CERT=/dev/null ini
    tested 1
    assert_output --partial 'x.ini:4: certificate: /dev/null: not a PEM file'
    head -c 300 "$PKI/p256.pem" >"$T/cut.pem"
    CERT=$T/cut.pem ini
    tested 1
    assert_output --partial "x.ini:4: certificate: $T/cut.pem: not a PEM file"
}

@test "pipes: one that nobody writes to holds nothing up, one of the shell's is read" {
    mkfifo "$T/fifo"
    CERT=$T/fifo ini
    tested 1
    assert_output --partial "x.ini:4: certificate: $T/fifo: not a PEM file"
    ini "[daemon]" "ticket-keys = $T/fifo"
    tested 1
    assert_output --partial "x.ini:6: ticket-keys: $T/fifo must hold 1 to 8 keys"
    ini
    run -0 timeout 20 "$TLS13D" --config "$T/x.ini" --test --certificate <(sleep 0.2 && cat "$PKI/p256.pem") --ticket-keys <(sleep 0.3 && openssl rand 48)
}

@test "a running daemon serves an expired certificate, with a warning" {
    backend_start tcp echo
    CERTS=("$PKI/expired.pem")
    daemon_start
    grep -q 'level=warning msg=".*expired.pem expired at 2020-02-01' "$LOG"
}

@test "a key that others may read is worth a warning" {
    cp "$PKI/p256.pem" "$T/open.pem"
    chmod 644 "$T/open.pem"
    CERT=$T/open.pem ini
    tested 0
    assert_line "warning: $T/x.ini:4: certificate: $T/open.pem holds a private key and others may read it; chmod 640 $T/open.pem"
    chmod 640 "$T/open.pem"
    tested 0
    refute_output --partial warning
    cp "$PKI/chain.pem" "$T/no-key.pem"
    chmod 644 "$T/no-key.pem"
    CERT=$T/no-key.pem ini
    tested 1
    refute_output --partial 'holds a private key'
    cp "$PKI/p256.key" "$T/open.key"
    chmod 602 "$T/open.key"
    CERT=$PKI/chain.pem ini "private-key = $T/open.key"
    tested 0
    assert_line "warning: $T/x.ini:5: private-key: $T/open.key holds a private key and others may change it; chmod 640 $T/open.key"
}

@test "a directory takes every *.pem in it; default-certificate names one" {
    mkdir "$T/d"
    cp "$PKI/p256.pem" "$T/d/a.pem"
    cp "$PKI/rsa.pem" "$T/d/b.pem"
    echo nonsense >"$T/d/c.txt"
    echo nonsense >"$T/d/.hidden.pem"
    for wanted in first b.pem localhost "$T/d/b.pem" ./d/b.pem; do
        CERT=$T/d ini "default-certificate = $wanted"
        tested 0
    done
    CERT=$T/d ini 'default-certificate = c.pem'
    tested 1
    says '5: default-certificate: no certificate of listener web has the name or file "c.pem"; use one that has, or first'
    CERT=$T/d ini "private-key = $PKI/p256.key"
    tested 1
    says "5: private-key: $T/d is a directory, each of its files holds its own key; remove this line"
    cp "$PKI/chain.pem" "$T/d/z.pem"
    CERT=$T/d ini
    tested 1
    assert_output --partial "x.ini:4: certificate: $T/d/z.pem: there is no private key"
    mkdir "$T/e"
    CERT=$T/e ini
    tested 1
    says "4: certificate: there is no *.pem in the directory $T/e"
}

@test "client authentication: what it needs, and files that are none" {
    ini 'client-auth = require'
    tested 1
    says "5: client-auth: needs client-ca = FILE with the authorities that sign clients' certificates"
    ini 'client-auth = require' "client-ca = $PKI/ca.pem" 'client-names = dns:a.b'
    tested 0
    ini 'client-auth = require' 'client-ca = gone.pem'
    tested 1
    says "6: client-ca: $T/gone.pem cannot be read: No such file or directory"
    ini 'client-auth = require' 'client-ca = x.ini'
    tested 1
    assert_output --partial "x.ini:6: client-ca: $T/x.ini: not a PEM file"
    ini 'client-auth = require' "client-ca = $PKI/ca.pem" 'client-crl = x.ini'
    tested 1
    assert_output --partial "x.ini:7: client-crl: $T/x.ini: a certificate revocation list cannot be read"
}

@test "ticket keys and the log's directory" {
    ini '[daemon]' 'ticket-keys = keys'
    tested 1
    says "6: ticket-keys: $T/keys cannot be read: No such file or directory"
    head -c 40 /dev/urandom >"$T/keys"
    tested 1
    assert_output --partial "x.ini:6: ticket-keys: $T/keys must hold 1 to 8 keys of 48 bytes"
    head -c 96 /dev/urandom >"$T/keys"
    tested 0
    ini '[daemon]' 'log = no/such.log'
    tested 1
    says "6: log: the directory $T/no cannot be used: No such file or directory"
}

@test "--self-signed warns loudly" {
    run -0 timeout 20 "$TLS13D" --listen 127.0.0.1:0 --backend 127.0.0.1:9 --self-signed=a.example,127.0.0.1 --test
    assert_line 'warning: command line: self-signed: THROWAWAY CERTIFICATE: clients cannot verify it; for development only, never in production'
    run -1 timeout 20 "$TLS13D" --listen 127.0.0.1:0 --backend 127.0.0.1:9 --test
    assert_output 'command line: certificate: is not set in [listen main]; add certificate = /etc/tls13d/example.pem'
}

@test "--test binds nothing and leaves nothing" {
    backend_start tcp echo
    ini "bind = $BACKEND" "bind = unix:$T/s.sock" '[daemon]' "admin = unix:$T/a.sock" "log = $T/tls13d.out"
    sed -i "s/^backend = .*/backend = 127.0.0.1:9/" "$T/x.ini"
    tested 0
    [ ! -e "$T/s.sock" ] && [ ! -e "$T/a.sock" ] && [ ! -e "$T/tls13d.out" ]
}

# -- printing ------------------------------------------------------------------------------------------------------

@test "--print-config reads back to the same" {
    ini 'alpn = h2, http/1.1' 'route = sni:*.Example.org unix:b.sock' "certificate = $PKI/chain.pem" "private-key = $PKI/p256.key" \
        'groups = x25519' 'idle-timeout = 1500ms' 'proxy-protocol-tlvs =' '[daemon]' 'workers = 3' 'max-connections = 2k' 'admin = unix:adm'
    run -0 --separate-stderr "$TLS13D" --config "$T/x.ini" --print-config
    assert_equal "$stderr" ''
    assert_line "route = sni:*.example.org unix:$T/b.sock"
    assert_line "admin = unix:$T/adm"
    assert_line 'max-connections = 2000'
    printf '%s\n' "$output" >"$T/y.ini"
    mkdir "$T/elsewhere"
    cd "$T/elsewhere"
    mv ../y.ini .
    run -0 --separate-stderr "$TLS13D" --config y.ini --print-config
    printf '%s\n' "$output" | diff y.ini -
}

@test "flags are taken over the file's values, relative to where one stands" {
    ini
    cd "$PKI"
    run -0 "$TLS13D" --config "$T/x.ini" --print-config --workers=7 --listen 127.0.0.1:4433 --certificate chain.pem --private-key ./p256.key --alpn h2
    for line in 'workers = 7' 'bind = 127.0.0.1:4433' "certificate = $PKI/chain.pem" "private-key = $PKI/p256.key" 'alpn = h2' 'backend = 127.0.0.1:9'; do
        assert_line "$line"
    done
    refute_line 'bind = 127.0.0.1:0'
}

# as_flags: the lines of --print-config as the words of a command line, in the array flags.
as_flags() {
    local line value
    flags=()
    while IFS= read -r line; do
        value=${line#*=}
        [[ $line != *' ='* ]] || flags+=("--${line%% =*}=${value# }")
    done
}

@test "every key is a flag: all at their defaults, all at other values, without any file" {
    local flags values=(workers=3 user=root group= max-connections=20k max-connections-per-ip=7 handshakes-per-second=9 drain-timeout=1m
        log="$T/x.log" log-format=json log-level=debug log-connections=off admin="unix:$T/a.sock" sandbox=off ticket-keys="$T/k" ticket-lifetime=2h
        keylog="$T/kl" watch=off bind=127.0.0.1:4433 'backend=h.example:1' certificate="$PKI/chain.pem" private-key="$PKI/p256.key"
        default-certificate=a.example sni-strict=on 'alpn=h2, http/1.1' 'route=sni:*.a.example 127.0.0.1:2' cipher-suites=TLS_AES_256_GCM_SHA384
        groups=x25519 client-auth=require client-ca="$PKI/ca.pem" client-crl="$T/crl" 'client-names=dns:a, cn:b c' proxy-protocol=v2
        'proxy-protocol-tlvs=alpn, crc32c' accept-proxy=on 'accept-proxy-from=10.0.0.0/8, ::1/128' handshake-timeout=1ms connect-timeout=2m
        idle-timeout=365d half-close-timeout=1500ms backlog=1 truncation=close tickets=8)
    # Each key once.
    diff <(table_keys) <(printf '%s\n' "${values[@]%%=*}")
    ini
    as_flags < <("$TLS13D" --config "$T/x.ini" --print-config)
    run -0 --separate-stderr "$TLS13D" "${flags[@]}" --print-config
    diff <("$TLS13D" --config "$T/x.ini" --print-config) <(echo "${output/\[listen main\]/[listen web]}")
    run -0 --separate-stderr "$TLS13D" "${values[@]/#/--}" --print-config
    local value
    for value in "${values[@]}"; do
        case $value in max-connections=20k) value=max-connections=20000 ;; drain-timeout=*) value=drain-timeout=1m ;; esac
        assert_line "${value%%=*} =$([ -z "${value#*=}" ] || printf ' %s' "${value#*=}")"
    done
}

# -- the table -----------------------------------------------------------------------------------------------------

# The keys that --print-config prints are the table's.
table_keys() {
    ini
    "$TLS13D" --config "$T/x.ini" --print-config | sed -n 's/^\([a-z-]*\) =.*/\1/p'
}

@test "every key is in --help" {
    run -0 "$TLS13D" --help
    diff <(table_keys | sort) <(sed -n 's/^  --\([a-z0-9-]*\)$/\1/p' <<<"$output" | sort)
}

@test "conf/tls13d.ini has every key, once, at its default" {
    local file=$TOP/conf/tls13d.ini
    diff <(table_keys) <(sed -n '/^;include/d; s/^;\{0,1\}\([a-z][a-z-]*\) =.*/\1/p' "$file")
    # With every key uncommented it says the same as with none.
    sed '/^;include/d; s/^;\([a-z][a-z-]* =\)/\1/' "$file" >"$T/all.ini"
    diff <("$TLS13D" --config "$file" --print-config) <("$TLS13D" --config "$T/all.ini" --print-config)
    run -0 --separate-stderr "$TLS13D" --config "$T/all.ini" --print-config
    assert_equal "$stderr" ''
}

@test "every key of the manual is in the table" {
    local page=$TOP/docs/tls13d.ini.5
    [ -e "$page" ] || skip "there is no manual page"
    local key
    for key in $(table_keys); do
        grep -qF -e "$key" <(sed 's/\\-/-/g' "$page") || fail "$page does not mention $key"
    done
}
