# shellcheck shell=sh
command -v haproxy >/dev/null || exit 77
cat >"$DIR/conf" <<EOF
global
    nbthread 1
    maxconn 9900
    tune.ssl.default-dh-param 2048
    ssl-default-bind-options ssl-min-ver TLSv1.3
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256
defaults
    mode tcp
    option tcp-smart-accept
    option tcp-smart-connect
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend f
    bind 127.0.0.1:$PORT ssl crt $PEM defer-accept
    default_backend b
backend b
    server s 127.0.0.1:$BACKEND
EOF
exec $WRAP haproxy -db -f "$DIR/conf"
