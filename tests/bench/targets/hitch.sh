# shellcheck shell=sh
command -v hitch >/dev/null || exit 77
cat >"$DIR/conf" <<EOF
frontend = { host = "127.0.0.1" port = "$PORT" }
backend = "[127.0.0.1]:$BACKEND"
pem-file = "$PEM"
workers = 1
tls-protos = TLSv1.3
ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
quiet = on
syslog = off
daemon = off
log-level = 0
user = "root"
group = "root"
EOF
exec $WRAP hitch --config="$DIR/conf"
