#!/usr/bin/env bats
# The keys that tls13_ktls_info() hands over, in the hands of a kernel that has TLS: Debian's cloud kernel in an emulated machine, since the one
# that runs here need not have it.

load machine

setup_file() {
    local tool
    [ "$(uname -m)" = x86_64 ] || { suite_skip "not x86-64"; return; }
    for tool in qemu-system-x86_64 cpio mknod; do
        command -v $tool >/dev/null || { suite_skip "no $tool"; return; }
    done
    [ "$(id -u)" = 0 ] || suite_skip "not root: a device cannot be made"
}

# kernel: unpacks Debian's cloud kernel, fetched once; sets VMLINUZ and MODULES.
kernel() {
    local name
    name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    [ -n "$name" ] || skip "apt knows no linux-image-cloud-amd64"
    mkdir -p "$SYSTEM/kernel"
    [ -n "$(compgen -G "$SYSTEM/kernel/${name}_*.deb")" ] || (cd "$SYSTEM/kernel" && apt-get -qq download "$name" >&2)
    mkdir "$T/kernel"
    dpkg-deb --fsys-tarfile "$(compgen -G "$SYSTEM/kernel/${name}_*.deb" | tail -n 1)" |
        tar -x -C "$T/kernel" --wildcards './boot/vmlinuz*' './lib/modules/*/kernel/net/tls/*' './lib/modules/*crypto/*'
    VMLINUZ=$(compgen -G "$T/kernel/boot/vmlinuz*")
    MODULES=$T/kernel/lib/modules
}

# module NAME: copies it, behind what it needs, under the number of its turn.
declare -gA loaded
module() {
    local file need
    [ -z "${loaded[$1]-}" ] || return 0
    # Built into the kernel, perhaps.
    file=$(find "$MODULES" -name "$1.ko" -o -name "${1//_/-}.ko" | head -n 1)
    [ -n "$file" ] || return 0
    for need in $(strings -a "$file" | sed -n 's/^depends=//p' | tr ',' ' '); do
        module "$need"
    done
    loaded[$1]=1
    cp "$file" "$T/guest/modules/$(printf %02d ${#loaded[@]})-$1.ko"
}

# guest MODULE...: the files of the emulated machine, whose process 1 is ktls_guest.c.
guest() {
    local name
    mkdir -p "$T/guest/modules" "$T/guest/dev"
    gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -O1 -static -s -I "$TOP/libtls13" "$TOP/tests/system/ktls_guest.c" "$B/libtls13.a" \
        -lbearssl -lssl -lcrypto -Wl,--no-warnings -o "$T/guest/init" 2>"$T/gcc.log" || { cat "$T/gcc.log"; return 1; }
    "$TOOLS/pki.sh" "$T/pki"
    cp "$T/pki/p256.pem" "$T/guest/site.pem"
    mknod "$T/guest/dev/console" c 5 1
    for name; do
        module "$name"
    done
}

# boot DIRECTORY: runs it as an initramfs, without a network, for two minutes at most; what it says is $output.
boot() {
    (cd "$1" && find . | cpio --quiet -o -H newc) >"$T/initrd"
    run -0 bash -c 'timeout 120 qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 512 -nic none -display none -no-reboot -serial stdio \
        -kernel "$1" -initrd "$2" -append "console=ttyS0 quiet panic=-1" </dev/null 2>"$3" | tr -d "\r"' - "$VMLINUZ" "$T/initrd" "$T/qemu.log"
}

@test "the kernel carries on with our keys, each suite, both ways, to the close_notify" {
    kernel
    guest ghash_generic ctr gcm chacha_generic poly1305_generic chacha20poly1305 tls
    boot "$T/guest"
    assert_line 'ok 1 - TLS_AES_128_GCM_SHA256 in the kernel'
    assert_line 'ok 2 - TLS_AES_256_GCM_SHA384 in the kernel'
    assert_line 'ok 3 - TLS_CHACHA20_POLY1305_SHA256 in the kernel'
    refute_output --partial 'not ok'
    # The kernel's word for it: three sockets each way, and nothing that it could not open.
    assert_line --regexp '^# TlsTxSw\s+3$'
    assert_line --regexp '^# TlsRxSw\s+3$'
    assert_line --regexp '^# TlsDecryptError\s+0$'
    assert_line '# all well'
}

@test "without a kernel that has TLS the guest fails" {
    kernel
    guest ghash_generic ctr gcm chacha_generic poly1305_generic chacha20poly1305
    boot "$T/guest"
    assert_line --partial 'not ok 1'
    assert_line '# it failed'
}
