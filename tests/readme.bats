#!/usr/bin/env bats
# The README as a newcomer follows it: its commands, its configuration and its program are taken out of it and run.

load lib

# block LANGUAGE N [FILE]: the Nth fenced block of that language.
block() {
    awk -v fence="\`\`\`$1" -v wanted="$2" '$0 == fence { n++; inside = 1; next } /^```/ { inside = 0 } inside && n == wanted' "${3:-$TOP/README.md}" |
        grep . || fail "the README has no $1 block number $2"
}
blocks() { grep -cx "\`\`\`$1" "$TOP/README.md"; }

# here BLOCK: with ports that are free and files below $T; the build under test.
here() {
    sed "s|8443|$PORT|g; s|8080|$INNER|g; s|\[::\]:443|127.0.0.1:$PORT|; s|/etc/tls13d|$T/etc|g; s|/run/tls13d|$T/run|g; s|build/tls13d|$TLS13D|g"
}

# What is installed by `make install DESTDIR=$ROOT`.
install_once() {
    ROOT=$BATS_FILE_TMPDIR/root
    [ -d "$ROOT" ] || make -s -C "$TOP" B="$B" DESTDIR="$ROOT" install >"$T/install.log"
    PATH=$ROOT/usr/local/sbin:$PATH
    export PKG_CONFIG_PATH=$ROOT/usr/local/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$ROOT
}

@test "every block is looked at here" {
    assert_equal "$(blocks sh) $(blocks ini) $(blocks c)" '7 1 1'
    [ "$(grep -c '^```' "$TOP/README.md")" = 18 ] || fail "there are blocks of another language"
}

@test "make demo" {
    assert_equal "$(block sh 1)" 'make demo'
    run -0 env B="$B" "$TOP/tools/demo.sh"
    assert_output --partial 'A page from a backend that knows no TLS at all.'
    assert_line --regexp '^ +version +TLSv1\.3$'
    assert_line --regexp '^ +suite +TLS_'
    assert_line --regexp '^ +group +x25519'
    assert_line --partial 'alert protocol version'
    refute_output --partial $'\e'
}

@test "in two minutes: build, a backend, tls13d in front of it, curl" {
    PORT=$(free_port)
    INNER=$(free_port)
    mkdir "$T/site"
    echo 'hello from the backend' >"$T/site/index.html"
    cd "$T/site" || return
    local command
    while read -r command; do
        echo "\$ $command"
        case $command in
        make) make -s -C "$TOP" B="$B" all ;;
        python3*'&')
            eval "${command%&} >$T/backend.log 2>&1 3>&- &"
            PIDS+=($!)
            wait_for 10 port_listens "$INNER"
            ;;
        *'&')
            eval "${command%&} >$LOG 2>&1 3>&- &"
            PIDS+=($!)
            wait_for 10 port_listens "$PORT"
            ;;
        curl*) run -0 bash -c "$command" ;;
        *) fail "this test does not know: $command" ;;
        esac
    done < <(block sh 2 | here)
    assert_output --partial 'hello from the backend'
    # The line that the README shows is one that is written.
    log_wait 'end=closed'
    local shown key keys
    shown=$(grep -m 1 '^    listener=main ' "$TOP/README.md")
    # shellcheck disable=SC2016 # sed's
    keys=$(grep -oE '[a-z_-]+=' <<<"$shown" | tr -d '\n')
    for key in ${keys//=/ }; do
        grep -qE " $key=[^ ]*( |\$)" "$LOG" || fail "the log has no $key="
    done
    grep -q "${shown:4:14}" "$LOG" || fail "the listener has another name"
}

@test "installed, with a configuration: --test, a request, status" {
    PORT=$(free_port)
    INNER=$(free_port)
    assert_equal "$(block sh 3)" 'sudo make install'
    install_once
    mkdir -m 750 "$T/etc" "$T/run"
    cp "$PKI/p256.pem" "$T/etc/example.pem"
    block ini 1 | here >"$T/etc/tls13d.ini"
    backend_start tcp http
    sed -i "s|^backend = .*|backend = $BACKEND|" "$T/etc/tls13d.ini"
    assert_equal "$(block sh 4 | sed 's/ *#.*//')" $'tls13d --test\ntls13d'
    assert_equal "$(block sh 5 | sed 's/ *#.*//')" 'tls13d status'
    # The commands have the path of the configuration by default.
    run -0 tls13d --help
    assert_output --partial '/etc/tls13d/tls13d.ini'
    run -0 tls13d --test --config "$T/etc/tls13d.ini"
    assert_output --partial 'the configuration is good'
    cp "$T/etc/tls13d.ini" "$T/tls13d.ini"
    TLS13D=$(command -v tls13d) daemon_run || fail "it does not start"
    run -0 curl -sS --noproxy '*' --max-time 20 --cacert "$PKI/ca.pem" "https://localhost:$PORT/"
    assert_output --partial 'a page from the backend'
    run -0 tls13d status --config "$T/etc/tls13d.ini"
    assert_output --partial web
}

@test "TLS in three calls: the program builds against the installed library, shared and static, and serves openssl" {
    install_once
    block c 1 >"$T/serve.c"
    cat >"$T/main.c" <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void serve(int fd, const void *pem, size_t pem_len);

/* main PEM: serves one client on a port that it writes. */
int main(int argc, char **argv)
{
    static char pem[1 << 16];
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (f == NULL || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 1) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 1;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    size_t n = fread(pem, 1, sizeof pem, f);
    fd = accept(fd, NULL, NULL);
    serve(fd, pem, n);
    return close(fd);
}
C
    cd "$T" || return
    run -0 bash -ec "$(block sh 6 | sed 's/^cc /cc -Wall -Wextra -Werror /')"
    local kind
    for kind in shared static; do
        # shellcheck disable=SC2046 # flags are words
        case $kind in
        shared) cc -Wall -Wextra -Werror main.c serve.o $(pkg-config --libs libtls13) -o shared ;;
        static) cc -Wall -Wextra -Werror main.c serve.o -static $(pkg-config --static --libs libtls13) -o static ;;
        esac
        LD_LIBRARY_PATH=$ROOT/usr/local/lib ./$kind "$PKI/p256.pem" >"$T/port" 2>"$T/$kind.log" 3>&- &
        PIDS+=($!)
        wait_for 10 test -s "$T/port" || fail "$kind does not listen"
        # Digits: openssl takes some letters for commands.
        head -c 200000 /dev/urandom | od -An -v -tu1 | tr -d ' \n' >"$T/said"
        # openssl is let go when all has come back.
        run -0 timeout 30 bash -c '{ cat "$1"; until [ "$(wc -c <"$2")" -ge "$(wc -c <"$1")" ]; do sleep 0.05; done; } |
            timeout 20 openssl s_client -connect "127.0.0.1:$3" -servername localhost -CAfile "$4" -verify_return_error -quiet -no_ign_eof >"$2" 2>"$2.log"' - \
            "$T/said" "$T/heard" "$(<"$T/port")" "$PKI/ca.pem"
        cmp "$T/said" "$T/heard"
        rm "$T/port" "$T/heard"
    done
    ! readelf -lW static | grep -q INTERP || fail "static is not"
    ldd shared | grep -q libtls13.so.0 || fail "shared is not"
}

@test "the commands for developers are there" {
    local command
    run -0 make -s -C "$TOP" help
    while read -r _ command _; do
        [ "$command" = help ] || grep -qE "^$command " <<<"$output" || fail "make help knows no $command"
        make -n -C "$TOP" "$command" >"$T/make.log" 2>&1 || fail "there is no make $command"
    done < <(block sh 7)
    # Each target is either told of there or one of the parts named here.
    local parts=' units tools dev-tools lint-tidy lint-cppcheck lint-analyzer lint-shell tidy fuzz-build msan-build bench-tools help '
    # shellcheck disable=SC2013 # words
    for command in $(sed -n 's/^\.PHONY: //p' "$TOP/Makefile" "$TOP"/mk/*.mk); do
        [[ $parts == *" $command "* || $command == '$(B)'* ]] || grep -qE "^$command " <<<"$output" || fail "make help knows no $command"
    done
}
