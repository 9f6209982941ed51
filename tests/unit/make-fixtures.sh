#!/bin/sh
# Makes fixtures.h: throwaway keys and certificates for the unit tests, valid for 100 years.
#   tests/unit/make-fixtures.sh >tests/unit/fixtures.h
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
days=36500

key() { # key NAME TYPE
    case $2 in
    p256) openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt ;;
    p384) openssl ecparam -name secp384r1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt ;;
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null ;;
    esac >"$1.key"
}
ca() { # ca NAME TYPE
    key "$1" "$2"
    openssl req -x509 -new -key "$1.key" -days $days -subj "/CN=tls13d test $1" -out "$1.crt" -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}
leaf() { # leaf NAME TYPE CA CN EXTENSIONS [START END]
    key "$1" "$2"
    printf '%b' "$5" >"$1.ext"
    openssl req -new -key "$1.key" -subj "/CN=$4" -out "$1.csr" 2>/dev/null
    mkdir -p "db-$3"
    : >"db-$3/index"
    printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db-%s/index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n' "$3" >ca.cnf
    openssl ca -batch -notext -config ca.cnf -cert "$3.crt" -keyfile "$3.key" -in "$1.csr" -out "$1.crt" -extfile "$1.ext" \
        -startdate "${6:-20200101000000Z}" -enddate "${7:-21200101000000Z}" 2>/dev/null
}
text() { # text NAME FILES...: a C string
    echo
    echo "static const char fixture_$1[] ="
    shift
    cat "$@" | sed 's/.*/    "&\\n"/; $s/$/;/'
}

ca ca p256
ca other p256
leaf p256 p256 ca localhost 'subjectAltName=DNS:localhost,DNS:*.example.org\n'
leaf p384 p384 ca localhost 'subjectAltName=DNS:localhost\n'
leaf rsa rsa ca localhost 'subjectAltName=DNS:localhost\n'
leaf second p256 ca second.example 'subjectAltName=DNS:second.example\n'
leaf client p256 ca 'client one' 'subjectAltName=DNS:client.example,URI:spiffe://example/client\nextendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n'
leaf client_rsa rsa ca 'client two' 'subjectAltName=DNS:rsa.example\n'
leaf expired p256 ca expired 'subjectAltName=DNS:client.example\n' 20200101000000Z 20210101000000Z
leaf future p256 ca future 'subjectAltName=DNS:client.example\n' 21000101000000Z 21200101000000Z
leaf foreign p256 other foreign 'subjectAltName=DNS:client.example\n'
leaf server_only p256 ca serveronly 'subjectAltName=DNS:client.example\nextendedKeyUsage=serverAuth\n'
leaf no_sign p256 ca nosign 'subjectAltName=DNS:client.example\nkeyUsage=keyEncipherment\n'
leaf revoked p256 ca revoked 'subjectAltName=DNS:client.example\n'

: >db-ca/index
echo 01 >db-ca/number
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db-ca/index\ncrlnumber=db-ca/number\ndefault_md=sha256\n' >crl.cnf
openssl ca -config crl.cnf -cert ca.crt -keyfile ca.key -revoke revoked.crt 2>/dev/null
openssl ca -config crl.cnf -cert ca.crt -keyfile ca.key -gencrl -crldays $days -out ca.crl 2>/dev/null
openssl ca -config crl.cnf -cert ca.crt -keyfile ca.key -gencrl -crl_lastupdate 20200101000000Z -crl_nextupdate 20210101000000Z -out stale.crl 2>/dev/null
mkdir -p db-other
: >db-other/index
echo 01 >db-other/number
sed 's/db-ca/db-other/g' crl.cnf >crl-other.cnf
openssl ca -config crl-other.cnf -cert other.crt -keyfile other.key -gencrl -crldays $days -out other.crl 2>/dev/null

echo '/* Throwaway keys and certificates of the unit tests; made by make-fixtures.sh. */'
echo '#ifndef FIXTURES_H'
echo '#define FIXTURES_H'
echo '/* clang-format off */'
text ca ca.crt
text other_ca other.crt
for n in p256 p384 rsa second client client_rsa expired future foreign server_only no_sign revoked; do
    text $n $n.crt $n.key
done
text crl ca.crl
text crl_stale stale.crl
text crl_other other.crl
echo
echo '/* clang-format on */'
echo '#endif'
