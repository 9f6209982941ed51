# shellcheck shell=sh
command -v nginx >/dev/null || exit 77
module=/usr/lib/nginx/modules/ngx_stream_module.so
[ -e "$module" ] || exit 77
cat >"$DIR/conf" <<EOF
load_module $module;
user root;
worker_processes 1;
daemon off;
pid $DIR/pid;
error_log $DIR/log crit;
worker_rlimit_nofile 20000;
events { worker_connections 20000; }
stream {
    server {
        listen 127.0.0.1:$PORT ssl backlog=4096;
        proxy_pass 127.0.0.1:$BACKEND;
        proxy_timeout 1h;
        tcp_nodelay on;
        ssl_certificate $PEM;
        ssl_certificate_key $PEM;
        ssl_protocols TLSv1.3;
        ssl_session_timeout 1d;
        ssl_session_tickets on;
    }
}
EOF
exec $WRAP nginx -c "$DIR/conf"
