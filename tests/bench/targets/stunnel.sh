# shellcheck shell=sh
command -v stunnel >/dev/null || exit 77
cat >"$DIR/conf" <<EOF
foreground = yes
pid =
debug = 3
sslVersionMin = TLSv1.3
ciphersuites = TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256
options = -NO_TICKET
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[s]
accept = 127.0.0.1:$PORT
connect = 127.0.0.1:$BACKEND
cert = $PEM
EOF
exec $WRAP stunnel "$DIR/conf"
