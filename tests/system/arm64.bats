#!/usr/bin/env bats
# The project on AArch64: built by a cross compiler against Debian's packages for it, and the library's unit tests under qemu.
# make check-arm64 runs it alone.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    command -v aarch64-linux-gnu-gcc >/dev/null || skip "no cross compiler"
    command -v qemu-aarch64 >/dev/null || skip "no qemu-user"
    export M=build/arm64 ROOT
    ROOT=$PWD/$M/root
    # Only unpacked: nothing of it runs before the tests do.
    if [ ! -e "$ROOT.whole" ]; then
        rm -rf "$ROOT"
        mkdir -p "$M"
        mmdebstrap --quiet --variant=extract --architectures=arm64 \
            --include=libc6-dev,linux-libc-dev,libbearssl-dev,libssl-dev,libev-dev,libinih-dev,libseccomp-dev bookworm "$ROOT" >&2 3>&- 4>&- || return
        touch "$ROOT.whole"
    fi
}
setup() { cd "$BATS_TEST_DIRNAME/../.." || return; }

# arm64 MAKE-ARGUMENTS...
arm64() {
    make -s -j"$(nproc)" B="$M" CC="aarch64-linux-gnu-gcc --sysroot=$ROOT" AR=aarch64-linux-gnu-ar "$@"
}

@test "daemon, libraries and example build without a warning" {
    run arm64 all
    assert_success
    refute_output --partial warning
    run aarch64-linux-gnu-readelf -h "$M/tls13d"
    assert_output --partial AArch64
}

@test "the daemon passes its self-test and makes itself a certificate" {
    run qemu-aarch64 -L "$ROOT" "$M/tls13d" --test --self-signed --listen 127.0.0.1:4433 --backend 127.0.0.1:80
    assert_success
}

@test "the library's unit tests" {
    arm64 units >&2
    find "$M/unit" -name 'test_*' -type f -executable | sort >"$BATS_TEST_TMPDIR/tests"
    assert [ "$(wc -l <"$BATS_TEST_TMPDIR/tests")" -gt 30 ]
    # shellcheck disable=SC2016 # for the inner shell
    run xargs -a "$BATS_TEST_TMPDIR/tests" -P "$(nproc)" -I TEST sh -c '
        out=$(timeout 500 qemu-aarch64 -L "$ROOT" TEST 2>&1) || { echo "TEST failed"; echo "$out" | grep -v "^ok" | head -n 20; exit 1; }'
    assert_success
}

@test "own code serves where BearSSL would: X25519, P-256 and P-384 on 64-bit integers" {
    run -0 qemu-aarch64 -L "$ROOT" "$M/unit/test_curve"
    assert_output --partial '# x25519-scalar'
    assert_output --partial '# p256-64'
}
