#!/usr/bin/env bats
# The image as the Dockerfile makes it, and the examples for compose and Kubernetes run with podman: beside an application whose plaintext
# stays on a Unix socket.  Images and containers are kept apart from those of the machine, and have a network of their own.

load machine

setup_file() {
    local why
    why=$(containers_lack)
    [ -z "$why" ] || { suite_skip "$why"; return; }
    export PKI=$BATS_FILE_TMPDIR/pki CONTAINERS_STORAGE_CONF=$BATS_FILE_TMPDIR/storage.conf HOLDER
    "$TOOLS/pki.sh" "$PKI"
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$SYSTEM/containers" "$BATS_FILE_TMPDIR/run" >"$CONTAINERS_STORAGE_CONF"
    mkdir -p "$SYSTEM"
    image_build >"$BATS_FILE_TMPDIR/build.log" 2>&1 3>&- || { tail -n 60 "$BATS_FILE_TMPDIR/build.log"; return 1; }
    # crun wants nothing but version 2 of the control groups, and the containers a network in which their ports are free.
    setpriv --pdeathsig KILL unshare --mount --net --propagation private bash -c '
        ip link set lo up && umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && : >"$1" && exec sleep infinity' \
        - "$BATS_FILE_TMPDIR/held" </dev/null >"$BATS_FILE_TMPDIR/holder.log" 2>&1 3>&- &
    HOLDER=$!
    disown
    wait_for 10 test -e "$BATS_FILE_TMPDIR/held" || { cat "$BATS_FILE_TMPDIR/holder.log"; return 1; }
}
teardown_file() {
    [ -z "${HOLDER-}" ] || kill -KILL "$HOLDER"
}

containers_lack() {
    local tool
    [ "$(id -u)" = 0 ] || { echo "not root"; return; }
    for tool in podman buildah mmdebstrap nsenter; do
        command -v $tool >/dev/null || { echo "no $tool"; return; }
    done
    unshare --mount --net --propagation private bash -c 'umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup' 2>/dev/null ||
        echo "no namespaces with control groups of version 2"
}

# The Dockerfile as it stands; its Debian is the one that the other suites boot, which has all that the builder has, and systemd besides.
image_build() {
    local tar
    if ! podman image exists docker.io/library/debian:bookworm-slim; then
        tar=$(root_tar) || return 1
        podman import -q "$tar" docker.io/library/debian:bookworm-slim || return 1
    fi
    buildah bud --layers --network=host --isolation=chroot --format docker -t tls13d "$TOP"
}

setup() {
    test_setup
    net=(nsenter -t "$HOLDER" -n --)
    mkdir "$T/app-socket" "$T/tls" "$T/conf"
    ln -s app-socket "$T/socket"
    chown 65532:65532 "$T/app-socket"
    cp "$TOP/conf/examples/sidecar.ini" "$T/sidecar.ini"
    secret p256
}
teardown() {
    [ -z "${SUITE_LACKS-}" ] || return 0
    local name
    for name in tls app; do
        if [ "${BATS_TEST_COMPLETED:-}" != 1 ]; then
            pod logs $name 2>&1 | tail -n 40 || true
        fi
        pod rm -f -t 1 $name >/dev/null 2>&1 || true
    done
    [ "${BATS_TEST_COMPLETED:-}" = 1 ] || dump
    processes_end
    rm -rf -- "$T"
}

# Its control groups cannot be had on every machine, nor its default limits.
pod() { nsenter -t "$HOLDER" -m -n -- podman --log-level=fatal "$@" 3>&-; }
run_limits=(--cgroups=disabled --ulimit nofile=16384:16384 --ulimit nproc=4096:4096 --log-driver=k8s-file)

# secret NAME: the certificate as Kubernetes writes a secret: a directory of its own, a link ..data to it that is replaced by rename, and links
# through that one.  root and the pod's group may read.
secret() {
    local dir
    dir=$(mktemp -d "$T/tls/..2026_XXXXXX")
    cat "$PKI/$1.crt" "$PKI/intermediate.crt" >"$dir/tls.crt"
    cp "$PKI/$1.key" "$dir/tls.key"
    chmod 755 "$dir"
    chmod 440 "$dir"/*
    chown root:65532 "$dir"/*
    ln -s "${dir##*/}" "$T/tls/..data_tmp"
    mv -T "$T/tls/..data_tmp" "$T/tls/..data"
    ln -sf ..data/tls.crt ..data/tls.key "$T/tls/"
}

# example KIND FILE SERVICE: the options that the example says, and what comes behind the image's name.
example() {
    local words at
    python3 "$TOOLS/container_args.py" "$1" "$TOP/conf/examples/$2" "$3" "$T" >"$T/args" || fail "$(<"$T/args")"
    mapfile -t words <"$T/args"
    for at in "${!words[@]}"; do
        [ "${words[at]}" != -- ] || break
    done
    example_options=("${words[@]:0:at}")
    example_args=("${words[@]:at+1}")
}

# The application: a plaintext echo on /run/app/app.sock, in the volume; it has no network.
app_start() {
    pod run -d --name app "${run_limits[@]}" --network=none --user=65532:65532 --volume="$T/app-socket:/run/app" \
        docker.io/library/debian:bookworm-slim perl -MIO::Socket::UNIX -e '
            $SIG{CHLD} = "IGNORE"; $SIG{TERM} = sub { exit 0 };
            my $s = IO::Socket::UNIX->new(Local => "/run/app/app.sock", Listen => 64) or die $!;
            while (my $c = $s->accept) { next if fork; while (sysread $c, my $b, 65536) { syswrite $c, $b } exit 0 }' >/dev/null
    wait_for 10 test -S "$T/app-socket/app.sock"
}
# tls_start OPTION...: the options of the example, the network of the test.
tls_start() {
    pod run -d --name tls "${run_limits[@]}" --network=host "${example_options[@]}" "$@" tls13d "${example_args[@]}" >/dev/null
    wait_for 10 healthy
}
healthy() { "${net[@]}" curl -sf --noproxy '*' -o /dev/null http://127.0.0.1:9113/healthz; }
state() { pod inspect -f "{{.State.$1}}" tls; }
echoes() {
    PORT=8443 client text:ping end drain
    result_is text ping
    result_is end close_notify
}
served() { "${net[@]}" openssl s_client -connect 127.0.0.1:8443 </dev/null 2>/dev/null | openssl x509 -noout -serial; }
served_is() { [ "$(served)" = "$(openssl x509 -noout -serial -in "$PKI/$1.crt")" ]; }

@test "the image: one static file of less than 5 MB, another user than root, a health check" {
    local image
    image=$(podman image mount tls13d)
    run -0 find "$image" -type f
    assert_output "$image/tls13d"
    [ "$(stat -c %s "$image/tls13d")" -lt 5000000 ]
    run readelf -lW "$image/tls13d"
    refute_output --partial INTERP
    podman image umount tls13d >/dev/null
    [ "$(podman image inspect -f '{{.Size}}' tls13d)" -lt 5000000 ]
    run -0 podman image inspect -f '{{.User}} {{.Config.StopSignal}} {{.Config.Entrypoint}} {{.HealthCheck.Test}}' tls13d
    assert_output '65532:65532 SIGTERM [/tls13d] [CMD /tls13d status]'
}

@test "the compose example: read-only, no capabilities, an application on a Unix socket; healthy; SIGTERM ends it with 0" {
    example compose docker-compose.yml tls
    app_start
    tls_start
    echoes
    run -0 pod exec tls /tls13d status
    assert_output --partial 'unix:/run/app/app.sock'
    run -0 pod healthcheck run tls
    # What it may do, seen from here.
    run -0 cat "/proc/$(state Pid)/status"
    assert_line --regexp '^Uid:\s+65532\s+65532\s+65532\s+65532$'
    assert_line --regexp '^CapBnd:\s+0+$'
    assert_line --regexp '^NoNewPrivs:\s+1$'
    run -0 pod inspect -f '{{.HostConfig.ReadonlyRootfs}}' tls
    assert_output true
    pod stop tls >/dev/null
    assert_equal "$(state ExitCode)" 0
}

@test "without its application the container stays healthy, and serves as soon as that is there" {
    example compose docker-compose.yml tls
    tls_start
    PORT=8443 client text:ping end drain
    refute [ "$(result text)" = ping ]
    run -0 pod healthcheck run tls
    app_start
    wait_for 20 echoes_at_last
}
echoes_at_last() { "${net[@]}" python3 -S "$TOOLS/client.py" 8443 --ca "$PKI/ca.pem" text:ping end drain 2>/dev/null | jq -e '.in == 5' >/dev/null; }

@test "SIGTERM: a connection goes on to its end, nobody else gets in" {
    example compose docker-compose.yml tls
    "${net[@]}" python3 -S "$TOOLS/backend.py" "unix:$T/app-socket/app.sock" late:300000 --delay 8 --events "$EVENTS" --ready "$T/app.ready" 3>&- &
    PIDS+=($!)
    disown
    wait_for 10 test -s "$T/app.ready"
    chmod 666 "$T/app-socket/app.sock"
    tls_start
    timeout 60 "${net[@]}" python3 -S "$TOOLS/client.py" 8443 --ca "$PKI/ca.pem" send:100000 end drain >"$T/client.out" 2>&1 3>&- &
    local client=$! stop
    wait_for 20 backend_has_all
    pod stop tls >/dev/null &
    stop=$!
    wait_for 5 closed
    kill -0 $client 2>/dev/null || fail "the connection ended before the stop"
    wait $client
    wait $stop
    run -0 jq -r '"\(.in) \(.out) \(.end)"' "$T/client.out"
    assert_output '300000 100000 close_notify'
    assert_equal "$(state ExitCode)" 0
}
backend_has_all() { [ "$("${net[@]}" curl -s --noproxy '*' http://127.0.0.1:9113/metrics | sed -n 's/^tls13d_listener_received_bytes_total[^ ]* //p')" = 100000 ]; }
closed() { ! "${net[@]}" bash -c '</dev/tcp/127.0.0.1/8443' 2>/dev/null; }

@test "the Kubernetes example: probes answer, a renewed secret is served without a signal, a broken one is not" {
    example kubernetes kubernetes-sidecar.yaml tls13d
    python3 -c '
import sys, yaml
print([d for d in yaml.safe_load_all(open(sys.argv[1])) if d["kind"] == "ConfigMap"][0]["data"]["tls13d.ini"])' \
        "$TOP/conf/examples/kubernetes-sidecar.yaml" >"$T/conf/tls13d.ini"
    app_start
    tls_start
    echoes
    served_is p256
    local before
    before=$(state Pid)
    secret rsa
    wait_for 10 served_is rsa
    echoes
    # A secret whose key is another one's.
    cp "$PKI/p384.key" "$PKI/wrong.key"
    cp "$PKI/p256.crt" "$PKI/wrong.crt"
    secret wrong
    wait_for 10 complained
    served_is rsa
    secret p384
    wait_for 10 served_is p384
    assert_equal "$(state Pid)" "$before"
    [ "$(pod inspect -f '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.SecurityOpt}}' tls)" = 'true [no-new-privileges]' ]
}
complained() { pod logs tls 2>&1 | grep -qE 'level=(error|warning) .*tls\.(crt|key)'; }

@test "a configuration that is refused: the container ends with 1 and says why" {
    example compose docker-compose.yml tls
    echo 'nonsense = 1' >>"$T/sidecar.ini"
    run -1 pod run --name tls "${run_limits[@]}" --network=host "${example_options[@]}" tls13d
    assert_output --partial '/etc/tls13d/tls13d.ini:'
    assert_output --partial nonsense
}

@test "docker-compose has nothing against the compose example" {
    command -v docker-compose >/dev/null || skip "no docker-compose"
    run -0 docker-compose -f "$TOP/conf/examples/docker-compose.yml" config --quiet
    assert_output ''
    sed 's/read_only: true/read_only: perhaps/' "$TOP/conf/examples/docker-compose.yml" >"$T/bad.yml"
    run ! docker-compose -f "$T/bad.yml" config --quiet
    assert_output --partial read_only
}

@test "an option of an example that nobody has run is refused" {
    sed 's/^    read_only: true/    privileged: true/' "$TOP/conf/examples/docker-compose.yml" >"$T/bad.yml"
    run -1 python3 "$TOOLS/container_args.py" compose "$T/bad.yml" tls "$T"
    assert_output --partial 'privileged'
}
