#!/usr/bin/env bats
# The primitives for CPUs that valgrind does not know (AVX-512, VAES): what their compiled code decides by, jump for jump.

load watched

PRIMITIVES="gcm_256 gcm_512 chapoly_512 x25519_x2 x25519_x8 rsa rsa_mont mlkem_avx512"

only_x86() {
    [ "$(uname -m)" = x86_64 ] || skip "these primitives are for x86-64"
    T=$BATS_TEST_TMPDIR
}

# compiled COMPILER DIR: their objects as they are shipped, with the debug information that addr2line reads best.
compiled() {
    local name objects=()
    for name in $PRIMITIVES; do
        objects+=("$2/libtls13/x86/$name.o")
    done
    make -s -C "$TOP" CC="$1" CFLAGS=-gdwarf-4 B="$2" "${objects[@]}" >/dev/null
    echo "${objects[@]}"
}

@test "every conditional jump and division, as gcc and as clang compile them, stands at a line that is argued" {
    local gcc clang
    only_x86
    gcc=$(compiled gcc "$T/gcc")
    clang=$(compiled clang "$T/clang")
    # shellcheck disable=SC2086 # lists
    run -0 "$TOP/tools/jumps.py" -v --list "$TOP/tests/jumps.txt" $gcc $clang
    [[ ${lines[-1]} =~ ^([0-9]+)\ jumps\ and\ divisions,\ 0\ without ]]
    [ "${BASH_REMATCH[1]}" -gt 800 ]
    refute_output --regexp '(^|'$'\n'') +-  ' # an argument that nothing needs is one too many
}

# judged OPTIONS: a function compiled so, with the source on standard input.
judged() {
    cat >"$T/secret.c"
    gcc -gdwarf-4 "$@" -c "$T/secret.c" -o "$T/secret.o"
    run "$TOP/tools/jumps.py" --list "$TOP/tests/jumps.txt" "$T/secret.o"
}

@test "a jump on a secret is found, and a selection that the compiler makes one of; none is found where there is none" {
    only_x86
    judged -O2 <<'EOF'
void g(void);
void f(unsigned secret)
{
    if (secret & 1)
        g();
}
EOF
    assert_equal "$status" 1
    assert_line --regexp '^secret\.o: f: j.*: secret\.c: if \(secret & 1\)'
    judged -O0 <<'EOF'
unsigned f(unsigned secret, unsigned a, unsigned b)
{
    return secret ? a : b;
}
EOF
    assert_equal "$status" 1
    assert_line --partial 'secret.c: return secret ? a : b;'
    judged -O2 <<'EOF'
unsigned f(unsigned secret, unsigned a)
{
    return a / secret;
}
EOF
    assert_equal "$status" 1
    assert_line --regexp '^secret\.o: f: div.*: secret\.c: return a / secret;'
    judged -O2 <<'EOF'
unsigned f(unsigned secret, unsigned a, unsigned b)
{
    return a ^ ((a ^ b) & -(secret & 1));
}
EOF
    assert_success
    assert_output '0 jumps and divisions, 0 without an argument'
}
