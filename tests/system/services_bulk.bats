#!/usr/bin/env bats
# Protocols that carry much and talk both ways behind tls13d: SSH, rsync, git, mail.

load services

@test "SSH through TLS (ProxyCommand openssl): commands, scp of a large file, both directions at once" {
    need sshd ssh scp ssh-keygen
    local home inner
    home=$T/ssh
    mkdir -m 700 "$home"
    mkdir -p /run/sshd # where sshd shuts its unprivileged part in; Debian makes it when the service starts
    ssh-keygen -q -t ed25519 -N '' -f "$home/host"
    ssh-keygen -q -t ed25519 -N '' -f "$home/user"
    cp "$home/user.pub" "$home/authorized"
    inner=$(free_port)
    service root /usr/sbin/sshd -D -e -f /dev/null -h "$home/host" -p "$inner" -o ListenAddress=127.0.0.1 -o PidFile=none -o UsePAM=no \
        -o "AuthorizedKeysFile=$home/authorized" -o StrictModes=no -o PermitRootLogin=yes -o 'Subsystem sftp internal-sftp'
    up "$inner"
    daemon_start "backend = 127.0.0.1:$inner"
    printf 'localhost %s\n' "$(<"$home/host.pub")" >"$home/known"
    cat >"$home/config" <<C
Host inside
    HostName localhost
    User root
    IdentityFile $home/user
    IdentitiesOnly yes
    UserKnownHostsFile $home/known
    ProxyCommand openssl s_client -quiet -connect localhost:$PORT -servername localhost -CAfile $PKI/ca.pem -verify_return_error
C
    run -0 --separate-stderr ssh -F "$home/config" inside 'echo through TLS; exit 0'
    assert_output 'through TLS'
    run -3 ssh -F "$home/config" inside 'exit 3'
    head -c 60000000 /dev/urandom >"$T/large"
    scp -q -F "$home/config" "$T/large" "inside:$T/there"
    cmp "$T/large" "$T/there"
    scp -q -F "$home/config" "inside:$T/there" "$T/back"
    cmp "$T/large" "$T/back"
    # shellcheck disable=SC2094 # both are read
    ssh -F "$home/config" inside cat <"$T/large" 2>"$T/ssh.log" | cmp - "$T/large"
    only_ends closed truncated reset
}

# A tree of many small files and some large ones, and what it is worth.
tree_make() { # DIRECTORY
    local i
    mkdir -p "$1"
    for i in {1..40}; do
        mkdir "$1/d$i"
        split -b 2000 -a 3 <(openssl rand $((50 * 2000))) "$1/d$i/f"
    done
    openssl rand 30000000 >"$1/large"
    ln -s d1/faaa "$1/link"
}
tree_sum() { (cd "$1" && find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum); }

@test "rsync-ssl: 2,000 files down and up, and then only what has changed" {
    need rsync rsync-ssl
    local home inner
    tree_make "$T/nobody/tree"
    mkdir "$T/nobody/up"
    home=$(home nobody)
    chown -R nobody "$home"
    inner=$(free_port)
    cat >"$home/conf" <<C
use chroot = no
[tree]
    path = $home/tree
[up]
    path = $home/up
    read only = no
C
    service nobody rsync --daemon --no-detach --config="$home/conf" --port="$inner" --address=127.0.0.1 --log-file=/dev/stdout
    up "$inner"
    daemon_start "backend = 127.0.0.1:$inner"
    export RSYNC_SSL_TYPE=openssl RSYNC_SSL_CA_CERT=$PKI/ca.pem RSYNC_PORT=$PORT
    rsync-ssl -a "rsync://localhost:$PORT/tree/" "$T/got"
    [ "$(tree_sum "$T/got")" = "$(tree_sum "$home/tree")" ] || fail "what came down is not what was there"
    rsync-ssl -rl --no-perms --no-times "$T/got/" "rsync://localhost:$PORT/up/"
    [ "$(tree_sum "$home/up")" = "$(tree_sum "$home/tree")" ] || fail "what went up is not what was there"
    # A part of the large file has changed: only that part travels.
    printf changed | dd of="$home/tree/large" bs=1 seek=1000000 conv=notrunc 2>"$T/dd.log"
    run -0 rsync-ssl -a --checksum --stats "rsync://localhost:$PORT/tree/" "$T/got"
    assert_line --regexp '^Literal data: [0-9]{1,2},?[0-9]{3} bytes'
    cmp "$home/tree/large" "$T/got/large"
    only_ends closed truncated reset
}

@test "git over HTTPS: clone and push of a large repository" {
    need git nginx fcgiwrap
    local home
    home=$(home www-data)
    tree_make "$T/work"
    export HOME=$T GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t GIT_TERMINAL_PROMPT=0
    git -C "$T/work" init -q -b main
    git -C "$T/work" add .
    git -C "$T/work" commit -qm one
    git clone -q --bare "$T/work" "$home/repo.git"
    git -C "$home/repo.git" config http.receivepack true
    chown -R www-data "$home"
    cat >"$home/nginx.conf" <<C
daemon off;
pid $home/pid;
events {}
http {
    access_log off;
    client_max_body_size 0;
    client_body_temp_path $home/t1; proxy_temp_path $home/t2; fastcgi_temp_path $home/t3; uwsgi_temp_path $home/t4; scgi_temp_path $home/t5;
    server {
        listen unix:$home/s;
        location / {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
            fastcgi_param GIT_PROJECT_ROOT $home;
            fastcgi_param GIT_HTTP_EXPORT_ALL "";
            fastcgi_param PATH_INFO \$uri;
            fastcgi_pass unix:$home/cgi;
        }
    }
}
C
    service www-data fcgiwrap -f -s "unix:$home/cgi"
    up "$home/cgi"
    service www-data nginx -c "$home/nginx.conf" -e "$home/error"
    up "$home/s"
    daemon_start "backend = unix:$home/s" 'alpn = http/1.1'
    export GIT_SSL_CAINFO=$PKI/ca.pem
    git clone -q "https://localhost:$PORT/repo.git" "$T/clone"
    [ "$(tree_sum "$T/clone")" = "$(tree_sum "$T/work")" ] || fail "the clone is another tree"
    git -C "$T/clone" fsck --full >"$T/fsck.log" 2>&1
    openssl rand 20000000 >"$T/clone/more"
    git -C "$T/clone" add more
    git -C "$T/clone" commit -qm two
    git -C "$T/clone" push -q origin main
    run -0 git -c safe.directory='*' -C "$home/repo.git" rev-parse main
    assert_output "$(git -C "$T/clone" rev-parse HEAD)"
    only_ends closed truncated
}

@test "dovecot: IMAP of large messages, and the client's address by PROXY v2" {
    need dovecot curl ip
    local home=$T/dovecot
    mkdir -p "$home/mail"
    chown nobody "$home/mail"
    cat >"$home/conf" <<C
protocols = imap
base_dir = $home/run
state_dir = $home/state
log_path = $home/log
ssl = no
disable_plaintext_auth = no
default_login_user = dovenull
default_internal_user = dovecot
mail_location = maildir:$home/mail
haproxy_trusted_networks = 127.0.0.0/8
passdb {
    driver = static
    args = password=secret
}
userdb {
    driver = static
    args = uid=nobody gid=nogroup home=$home/mail
}
first_valid_gid = 0
service imap-login {
    inet_listener imap {
        address = 127.0.0.1
        port = 143
        haproxy = yes
    }
    inet_listener imaps {
        port = 0
    }
}
C
    network 192.0.2.1/24 203.0.113.77/24
    service root dovecot -F -c "$home/conf"
    up 143
    daemon_start 'bind = 192.0.2.1:993' 'backend = 127.0.0.1:143' 'proxy-protocol = v2'
    { printf 'From: a@localhost\r\nSubject: large\r\n\r\n'; openssl rand 6000000 | base64 | sed 's/$/\r/'; } >"$T/message"
    local curl=("${inside[@]}" curl -sS --fail --max-time 30 --cacert "$PKI/ca.pem" --user bob:secret --interface 203.0.113.77
        --resolve www.example.test:993:192.0.2.1)
    "${curl[@]}" -T "$T/message" imaps://www.example.test/INBOX
    "${curl[@]}" 'imaps://www.example.test/INBOX;MAILINDEX=1' >"$T/got"
    cmp "$T/message" "$T/got"
    wait_for 5 grep -q 'Login: user=<bob>.*rip=203\.0\.113\.77, lip=192\.0\.2\.1' "$home/log" || fail "the log has no such address: $(tail "$home/log")"
    only_ends closed truncated
}

@test "postfix: a message delivered over SMTPS, and the client's address by PROXY v2" {
    need postfix swaks ip
    local home=$T/postfix
    mkdir -p "$home/etc" "$home/queue" "$home/data" "$home/mail"
    chown postfix "$home/data"
    chown nobody "$home/mail"
    chmod 755 "$home" "$home/queue"
    cat >"$home/etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $home/queue
data_directory = $home/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.test
mydestination = example.test
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
smtpd_upstream_proxy_protocol = haproxy
smtpd_relay_restrictions = reject_unauth_destination
mailbox_transport = virtual
virtual_mailbox_base = $home/mail
virtual_mailbox_maps = static:box
virtual_mailbox_domains =
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
virtual_minimum_uid = 1
C
    # Debian's, without its jail and on one address.
    sed -e 's/^smtp  *inet /127.0.0.1:25 inet /' -E -e 's/^([a-z0-9.:]+ +(inet|unix|fifo) +[-yn]+ +[-yn]+ +)[-y]/\1n/' /usr/share/postfix/master.cf.dist \
        >"$home/etc/master.cf"
    network 192.0.2.1/24 203.0.113.77/24
    service root postfix -c "$home/etc" start-fg
    up 25
    daemon_start 'bind = 192.0.2.1:465' 'backend = 127.0.0.1:25' 'proxy-protocol = v2'
    openssl rand 3000000 | base64 >"$T/body"
    run -0 "${inside[@]}" swaks --server 192.0.2.1:465 --local-interface 203.0.113.77 --tls-on-connect --tls-verify --tls-ca-path "$PKI/ca.pem" \
        --tls-sni www.example.test --to box@example.test --from someone@elsewhere.test --body "@$T/body" --ehlo client.example.test --hide-all
    wait_for 10 test -s "$home/mail/box" || fail "nothing was delivered"
    wait_for 10 grep -q 'status=sent' "$T/service.0.log"
    diff "$T/body" <(sed '1,/^$/d' "$home/mail/box" | grep .)
    grep -q 'connect from unknown\[203\.0\.113\.77\]' "$T/service.0.log" || fail "postfix saw another address"
    only_ends closed truncated reset
}
