#!/usr/bin/env bash
# client_pki.sh DIR: what the tests of client certificates need besides pki.sh's: an authority of clients, another one, certificates that
# are good and bad in each way, revocation lists.  Made for tests only.
set -euo pipefail
cd "$1"
exec 2>client_pki.log

key() { # NAME TYPE
    case $2 in
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    ed25519) openssl genpkey -algorithm ED25519 -out "$1.key" ;;
    *) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    esac
}
authority() { # NAME
    key "$1" ec
    openssl req -x509 -new -key "$1.key" -subj "/CN=tls13d test $1" -days 1 -out "$1.crt" -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,cRLSign
    mkdir -p "db-$1"
    : >"db-$1/index"
    echo 01 >"db-$1/number"
    printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db-%s/index\nnew_certs_dir=db-%s\ncrlnumber=db-%s/number\nrand_serial=yes\ndefault_md=sha256\nunique_subject=no\npolicy=p\n[p]\ncommonName=supplied\n' \
        "$1" "$1" "$1" >"$1.cnf"
}
leaf() { # NAME TYPE AUTHORITY CN EXTENSIONS [START END]
    key "$1" "$2"
    printf '%b' "$5" >"$1.ext"
    openssl req -new -key "$1.key" -subj "/CN=$4" -out "$1.csr"
    openssl ca -batch -notext -config "$3.cnf" -cert "$3.crt" -keyfile "$3.key" -in "$1.csr" -out "$1.crt" -extfile "$1.ext" \
        -startdate "${6:-20200101000000Z}" -enddate "${7:-20480101000000Z}"
}

authority clients
authority strangers
cp clients.crt clients.pem
leaf good ec clients good 'subjectAltName=DNS:good.client.test,URI:spiffe://test/good\nextendedKeyUsage=clientAuth\n'
leaf good_rsa rsa clients rsa 'subjectAltName=DNS:rsa.client.test\n'
leaf edwards ed25519 clients edwards 'subjectAltName=DNS:good.client.test\n'
leaf foreign ec strangers good 'subjectAltName=DNS:good.client.test\n'
leaf expired ec clients good 'subjectAltName=DNS:good.client.test\n' 20200101000000Z 20210101000000Z
leaf server_only ec clients good 'subjectAltName=DNS:good.client.test\nextendedKeyUsage=serverAuth\n'
leaf no_sign ec clients good 'subjectAltName=DNS:good.client.test\nkeyUsage=keyAgreement\n'
leaf revoked ec clients good 'subjectAltName=DNS:good.client.test\n'
# "good.client.test", NUL, ".evil.test" as the only dNSName
leaf nul ec clients nul 'subjectAltName=DER:30:1d:82:1b:67:6f:6f:64:2e:63:6c:69:65:6e:74:2e:74:65:73:74:00:2e:65:76:69:6c:2e:74:65:73:74\n'
leaf sub ec clients 'tls13d test sub' 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n'
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db-sub/index\nnew_certs_dir=db-sub\nrand_serial=yes\ndefault_md=sha256\nunique_subject=no\npolicy=p\n[p]\ncommonName=supplied\n' >sub.cnf
mkdir -p db-sub
: >db-sub/index
leaf deep ec sub deep 'subjectAltName=DNS:deep.client.test\n'
openssl ca -config clients.cnf -cert clients.crt -keyfile clients.key -revoke revoked.crt
openssl ca -config clients.cnf -cert clients.crt -keyfile clients.key -gencrl -crldays 1 -out clients.crl
openssl ca -config clients.cnf -cert clients.crt -keyfile clients.key -gencrl -crl_lastupdate 20200101000000Z -crl_nextupdate 20210101000000Z \
    -out stale.crl
