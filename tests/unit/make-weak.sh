#!/bin/sh
# Makes weak.h: client certificates signed with hashes that nobody may rely on, under an authority of their own, valid for 100 years.
#   tests/unit/make-weak.sh >tests/unit/weak.h
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

openssl req -x509 -new -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 36500 -subj '/CN=tls13d test weak' \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt >leaf.key
openssl req -new -key leaf.key -subj '/CN=weak' -out leaf.csr 2>/dev/null
echo 'subjectAltName=DNS:weak.example' >leaf.ext
for md in md5 sha1 sha256; do
    openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 36500 -extfile leaf.ext "-$md" -out $md.crt 2>/dev/null
done

text() { # text NAME FILES...: a C string
    echo
    echo "static const char weak_$1[] ="
    shift
    cat "$@" | sed 's/.*/    "&\\n"/; $s/$/;/'
}
echo '/* Throwaway certificates with weak signatures; made by make-weak.sh. */'
echo '#ifndef WEAK_H'
echo '#define WEAK_H'
echo '/* clang-format off */'
text ca ca.crt
for md in md5 sha1 sha256; do
    text $md $md.crt leaf.key
done
echo
echo '/* clang-format on */'
echo '#endif'
