#!/usr/bin/env bats
# The manual pages against what they describe, and what make install puts where.

load lib
setup_file() { :; }

setup() { cd "$TOP"; }
teardown() { :; }

@test "the manual pages are good mdoc" {
    command -v mandoc >/dev/null || skip "no mandoc"
    run -0 mandoc -T lint -W warning docs/tls13d.8 docs/tls13d.ini.5 docs/libtls13.3
    assert_output ''
}

# Keys and their defaults; what has no default but an address or a file is compared by name only.
documented() { sed -n 's/^\.It Ic //p' docs/tls13d.ini.5 | sed -E 's/ = (ADDRESS|FILE)$/ =/' | sort; }
in_force() {
    "$TLS13D" --print-config --bind 127.0.0.1:1 --backend 127.0.0.1:2 --certificate /tmp/none.pem |
        sed -E '/^\[/d; /^$/d; s/^(bind|backend|certificate) = .*/\1 =/' | sort
}

@test "tls13d.ini(5) has the keys and the defaults that tls13d has" {
    diff <(documented) <(in_force)
    [ "$(documented | wc -l)" -gt 40 ] || fail "too few keys were found"
}

@test "conf/tls13d.ini has them too" {
    diff <(sed -nE 's/^;?([a-z0-9-]+ =.*)/\1/p' conf/tls13d.ini | sed -E '/^include/d; s/^(bind|backend|certificate) = .*/\1 =/' | sort) <(in_force)
}

@test "libtls13(3) has each function that libtls13.so exports" {
    diff <(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Fn \([a-z0-9_]*\).*/\1/p' docs/libtls13.3 | sort) \
        <(nm -D --defined-only --format=posix "$B/libtls13.so" | awk '{ print $1 }' | sort)
}

@test "the Debian package names each function in its symbols file, and the version of the sources" {
    diff <(sed -n 's/^ \(tls13_[a-z0-9_]*\)@Base .*/\1/p' debian/libtls13-0.symbols) <(nm -D --defined-only --format=posix "$B/libtls13.so" | awk '{ print $1 }' | sort)
    [ "$(sed -n '1s/^tls13d (\(.*\)) .*/\1/p' debian/changelog)" = "$(sed -n 's/^VERSION := //p' Makefile)" ]
}

# Each is also spoken of, not only declared.
@test "libtls13(3) tells what each function does" {
    local name
    while read -r name; do
        sed -n '/^\.Sh DESCRIPTION/,$p' docs/libtls13.3 | grep -qE "^\.Fn $name( |$)" || fail "$name is not described"
    done < <(nm -D --defined-only --format=posix "$B/libtls13.so" | awk '{ print $1 }')
}

# The last column of its tables; its configurations are tests/migrating.bats's.
@test "docs/migrating.md names keys that exist" {
    local key keys
    keys=$(documented | sed 's/ =.*//')
    while read -r key; do
        grep -qxF "$key" <<<"$keys" || fail "docs/migrating.md names a key $key"
    done < <(awk -F'|' '/^\|/ { print $3 }' docs/migrating.md | grep -oE '`[a-z][a-z-]*( =|`)' | tr -d '`= ' | sort -u)
}

@test "the files that docs/extending.md names are there" {
    local name
    while read -r name; do
        compgen -G "$name" >/dev/null || compgen -G "libtls13/$name" >/dev/null || compgen -G "daemon/$name" >/dev/null ||
            compgen -G "tests/bench/$name" >/dev/null || fail "there is no $name"
    done < <(grep -ohE '`[a-z0-9_/.]+\.(c|h|txt|bats|ini|5|3)`' docs/{extending,protocol,security,performance}.md CONTRIBUTING.md | tr -d '`' | sort -u)
}

@test "make install puts everything into its place, and a program builds with it" {
    local d=$BATS_TEST_TMPDIR/root prefix=/opt/tls13
    run -0 make -s B="$B" DESTDIR="$d" PREFIX=$prefix install
    run -0 bash -c 'cd "$1" && find . -type f -o -type l | sort' - "$d$prefix"
    local file
    for file in sbin/tls13d lib/libtls13.a lib/libtls13.so lib/libtls13.so.0 include/tls13.h lib/pkgconfig/libtls13.pc \
        share/man/man3/libtls13.3 share/man/man3/tls13_handshake.3 share/man/man5/tls13d.ini.5 share/man/man8/tls13d.8 share/doc/tls13d/tls13d.ini \
        lib/systemd/system/tls13d.service lib/systemd/system/tls13d@.service lib/systemd/system/tls13d.socket lib/sysusers.d/tls13d.conf lib/tmpfiles.d/tls13d.conf; do
        assert_line "./$file"
    done
    grep -q "^ExecStart=$prefix/sbin/tls13d " "$d$prefix/lib/systemd/system/tls13d.service" || fail "the unit starts another daemon"
    [ "$(stat -c %a "$d$prefix/sbin/tls13d" "$d$prefix/include/tls13.h" | xargs)" = '755 644' ] || fail "modes are wrong"
    printf '#include <stdio.h>\n#include <tls13.h>\nint main(void) { return puts(tls13_suite_name(0x1301)) < 0; }\n' >"$d/p.c"
    # shellcheck disable=SC2046 # flags are words
    gcc "$d/p.c" -o "$d/p" $(PKG_CONFIG_PATH=$d$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$d pkg-config --cflags --libs libtls13)
    run -0 env LD_LIBRARY_PATH="$d$prefix/lib" "$d/p"
    assert_output TLS_AES_128_GCM_SHA256
}

@test "make install for a systemd that follows reloads by itself" {
    local d=$BATS_TEST_TMPDIR/root unit
    run -0 make -s B="$B" DESTDIR="$d" PREFIX=/usr NOTIFY_RELOAD=yes install
    for unit in tls13d.service tls13d@.service; do
        run -0 diff <(sed '/^Type=/d; /kill -HUP/d' "systemd/$unit") <(sed '/^Type=/d' "$d/usr/lib/systemd/system/$unit")
        run -0 grep -E '^(Type|ExecReload)=' "$d/usr/lib/systemd/system/$unit"
        assert_line --index 0 Type=notify-reload
        assert_line --index 1 --regexp '^ExecReload=/usr/sbin/tls13d --test '
        [ ${#lines[@]} = 2 ]
    done
    run -0 make -s B="$B" DESTDIR="$d" PREFIX=/usr NOTIFY_RELOAD= install
    cmp systemd/tls13d.service "$d/usr/lib/systemd/system/tls13d.service"
}
