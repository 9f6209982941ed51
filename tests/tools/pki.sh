#!/usr/bin/env bash
# pki.sh DIR: a root, an intermediate, and a server certificate of each key type: DIR/ca.pem, and DIR/{p256,p384,rsa}.pem, each leaf,
# intermediate and key in one file, for localhost, *.example.test and 127.0.0.1.  Valid for a day, made for tests only.
set -euo pipefail
mkdir -p "$1"
cd "$1"
exec 2>pki.log

key() { # NAME
    case $1 in
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    p384) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1.key" ;;
    *) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    esac
}

# sign NAME ISSUER SUBJECT EXTENSIONS
sign() {
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$3" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 8)" -days 1 \
        -extfile <(printf '%b' "$4") -out "$1.crt"
}

key ca
openssl req -x509 -new -key ca.key -subj '/CN=tls13d test root' -days 1 -out ca.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
cp ca.crt ca.pem
sign intermediate ca 'tls13d test intermediate' \
    'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
for name in p256 p384 rsa; do
    usage=digitalSignature
    [ $name != rsa ] || usage=digitalSignature,keyEncipherment # NSS asks for both of an RSA key
    sign $name intermediate localhost "basicConstraints=CA:FALSE\nkeyUsage=critical,$usage\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,DNS:*.example.test,IP:127.0.0.1\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    cat $name.crt intermediate.crt $name.key >$name.pem
    chmod 600 $name.pem
done
