#!/usr/bin/env bats
# Web servers, accelerators and balancers behind tls13d: who the client is, by PROXY v2; HTTP/2 by ALPN; WebSockets.

load services

setup_file() {
    PKI=$BATS_FILE_TMPDIR/pki
    export PKI
    "$TOOLS/pki.sh" "$PKI"
    "$TOOLS/client_pki.sh" "$PKI"
}

# Addresses that no machine of ours has, so that one in a log can only have come by the PROXY header.
SERVER4=192.0.2.1 CLIENT4=203.0.113.77
SERVER6=2001:db8::1 CLIENT6=2001:db8:77::77

# front LINE...: a network of its own, where tls13d listens on both families at port 443.
front() {
    network $SERVER4/24 $CLIENT4/24 $SERVER6/64 $CLIENT6/64
    daemon_start "bind = $SERVER4:443" "bind = [$SERVER6]:443" "$@"
}

# visit CLIENT SERVER [OPTION...]: curl from that address; the page is in $output, the client's port in $CLIENT_PORT.
visit() {
    local client=$1 server=$2
    shift 2
    run -0 "${inside[@]}" curl -sS --fail --max-time 20 --cacert "$PKI/ca.pem" --tlsv1.3 --interface "$client" --resolve "www.example.test:443:$server" \
        -w '\n%{local_port}' "$@" "https://www.example.test/${PAGE:-}"
    CLIENT_PORT=${lines[-1]}
    assert_regex "$CLIENT_PORT" '^[0-9]+$'
}

@test "nginx logs the client's address, IPv4 and IPv6, out of PROXY v2" {
    need nginx curl ip
    local home
    home=$(home www-data)
    cat >"$home/nginx.conf" <<C
daemon off;
pid $home/pid;
events {}
http {
    log_format who '\$remote_addr \$proxy_protocol_addr \$proxy_protocol_port \$proxy_protocol_server_addr \$proxy_protocol_server_port \$request_uri';
    access_log $home/access who;
    client_body_temp_path $home/t1; proxy_temp_path $home/t2; fastcgi_temp_path $home/t3; uwsgi_temp_path $home/t4; scgi_temp_path $home/t5;
    server {
        listen unix:$home/s proxy_protocol;
        set_real_ip_from unix:;
        real_ip_header proxy_protocol;
        root $home;
        location / { return 200 'you are \$remote_addr'; }
        location /file { }
    }
}
C
    head -c 30000000 /dev/urandom >"$home/file"
    service www-data nginx -c "$home/nginx.conf" -e "$home/error"
    up "$home/s"
    front "backend = unix:$home/s" 'proxy-protocol = v2'
    visit $CLIENT4 $SERVER4
    assert_line "you are $CLIENT4"
    local port4=$CLIENT_PORT
    visit $CLIENT6 "[$SERVER6]"
    assert_line "you are $CLIENT6"
    PAGE="file" visit $CLIENT4 $SERVER4 -o "$T/file"
    cmp "$T/file" "$home/file"
    wait_for 5 grep -q /file "$home/access"
    run -0 cat "$home/access"
    assert_line --index 0 "$CLIENT4 $CLIENT4 $port4 $SERVER4 443 /"
    assert_line --index 1 --regexp "^$CLIENT6 $CLIENT6 [0-9]+ $SERVER6 443 /\$"
    only_ends closed
}

@test "varnish knows the client, the name, ALPN, cipher and version out of PROXY v2" {
    need varnishd varnishadm varnishncsa curl ip
    local home
    home=$(home varnish)
    cat >"$home/vcl" <<'C'
vcl 4.1;
import std;
import proxy;
backend default none;
sub vcl_recv { return (synth(200)); }
sub vcl_synth {
    set resp.body = "client " + client.ip + " server " + server.ip + " alpn " + proxy.alpn() + " authority " + proxy.authority() +
        " ssl " + proxy.is_ssl() + " " + proxy.ssl_version() + " cipher " + proxy.ssl_cipher() + " key " + proxy.cert_key() +
        " sign " + proxy.cert_sign() + " cert " + proxy.client_has_cert_sess() + " " + proxy.client_cert_cn();
    return (deliver);
}
C
    service varnish varnishd -F -n "$home/n" -a "$home/s,PROXY,mode=777" -f "$home/vcl" -s malloc,16m -j none
    up "$home/s"
    # The socket is there before the process that serves it.
    wait_for 20 bash -c 'varnishadm -n "$1" status 2>/dev/null | grep -q running' - "$home/n" || fail "varnish does not run"
    service varnish varnishncsa -n "$home/n" -F '%h %U'
    front "backend = unix:$home/s" 'proxy-protocol = v2' 'proxy-protocol-tlvs = alpn, authority, ssl, crc32c, unique-id' 'alpn = http/1.1' \
        'client-auth = request' "client-ca = $PKI/clients.pem"
    visit $CLIENT4 $SERVER4
    assert_line "client $CLIENT4 server $SERVER4 alpn http/1.1 authority www.example.test ssl true TLSv1.3 cipher TLS_AES_128_GCM_SHA256 key EC256 sign ecdsa-with-SHA256 cert false "
    visit $CLIENT6 "[$SERVER6]" --cert "$PKI/good.crt" --key "$PKI/good.key" --tls13-ciphers TLS_CHACHA20_POLY1305_SHA256
    assert_line "client $CLIENT6 server $SERVER6 alpn http/1.1 authority www.example.test ssl true TLSv1.3 cipher TLS_CHACHA20_POLY1305_SHA256 key EC256 sign ecdsa-with-SHA256 cert true good"
    PAGE="logged" visit $CLIENT4 $SERVER4
    wait_for 10 grep -qx "$CLIENT4 /logged" "$T/service.1.log" || fail "varnishncsa: $(cat "$T/service.1.log")"
    only_ends closed
}

@test "haproxy takes PROXY v2 with every TLV, and v1" {
    need haproxy curl ip
    local home version
    home=$(home haproxy)
    cat >"$home/conf" <<C
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend f
    bind unix@$home/s mode 777 accept-proxy
    http-request return status 200 content-type text/plain lf-string "src %[src]:%[src_port] dst %[dst]:%[dst_port] name %[fc_pp_authority] id %[fc_pp_unique_id,length]\n"
C
    service haproxy haproxy -db -f "$home/conf"
    up "$home/s"
    front "backend = unix:$home/s" 'proxy-protocol = v2' 'proxy-protocol-tlvs = alpn, authority, ssl, crc32c, unique-id, client-cert' \
        'client-auth = request' "client-ca = $PKI/clients.pem" 'alpn = http/1.1'
    visit $CLIENT4 $SERVER4
    assert_line --regexp "^src $CLIENT4:$CLIENT_PORT dst $SERVER4:443 name www\.example\.test id [1-9]"
    visit $CLIENT6 "[$SERVER6]" --cert "$PKI/good_rsa.crt" --key "$PKI/good_rsa.key"
    assert_line --regexp "^src $CLIENT6:$CLIENT_PORT dst $SERVER6:443 name www\.example\.test id [1-9]"
    log_wait 'client-cert=dns:rsa\.client\.test'

    daemon_set proxy-protocol v1
    daemon_reload
    visit $CLIENT4 $SERVER4
    assert_line --partial "src $CLIENT4:$CLIENT_PORT dst $SERVER4:443 "
    visit $CLIENT6 "[$SERVER6]"
    assert_line --partial "src $CLIENT6:$CLIENT_PORT dst $SERVER6:443 "
    only_ends closed
}

@test "HTTP/2 by ALPN to nghttpd, HTTP/1.1 to another backend: curl, and h2load with 100 streams a connection" {
    need nghttpd h2load curl
    local home inner
    home=$(home www-data)
    mkdir "$home/h2"
    echo 'by HTTP/2' >"$home/h2/page"
    head -c 30000000 /dev/urandom >"$home/h2/large"
    inner=$(free_port)
    service www-data nghttpd --no-tls -a 127.0.0.1 -d "$home/h2" "$inner"
    up "$inner"
    backend_start tcp http
    daemon_start 'alpn = h2, http/1.1' "route = alpn:h2 127.0.0.1:$inner"
    local curl=(curl -sS --fail --max-time 30 --cacert "$PKI/ca.pem" -w '%{http_version}')
    run -0 "${curl[@]}" --http2 "https://localhost:$PORT/page"
    assert_output $'by HTTP/2\n2'
    run -0 "${curl[@]}" --http1.1 "https://localhost:$PORT/"
    assert_output --partial 'a page from the backend'
    assert_output --regexp '1\.1$'
    run -0 "${curl[@]}" --http2 -o "$T/large" "https://localhost:$PORT/large"
    cmp "$T/large" "$home/h2/large"
    run -0 h2load -n 20000 -c 10 -m 100 "https://localhost:$PORT/page"
    assert_output --partial 'Application protocol: h2'
    assert_output --partial 'TLS Protocol: TLSv1.3'
    assert_output --partial '20000 succeeded, 0 failed, 0 errored, 0 timeout'
    # Many streams that each carry much, on one connection.
    run -0 h2load -n 20 -c 1 -m 20 "https://localhost:$PORT/large"
    assert_output --partial '20 succeeded, 0 failed'
    log_wait 'alpn=h2 '
    only_ends closed truncated
}

@test "WebSockets: messages of 0 bytes to 8 MiB, both directions at once, and an orderly close" {
    need node
    [ -d "$TOP/tests/node_modules/ws" ] || skip "no ws from npm (tools/setup.sh test)"
    mkdir -m 777 "$T/ws"
    service nobody node "$TOP/tests/interop/websocket_server.mjs" "$T/ws/s"
    up "$T/ws/s"
    daemon_start "backend = unix:$T/ws/s" 'alpn = http/1.1'
    run -0 timeout 60 node "$TOP/tests/interop/websocket_client.mjs" "wss://localhost:$PORT/" "$PKI/ca.pem"
    assert_output 'closed 1000, 10 connections, 60 messages'
    only_ends closed truncated
}
