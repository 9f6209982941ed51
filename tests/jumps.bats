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

@test "the list of these primitives is whole" {
    # Each object that mk/ compiles for such a CPU.
    run -0 sh -c "cat '$TOP'/mk/*.mk | grep -E 'FILE_CFLAGS.*(X86_512|avx512|vaes)' | grep -o 'x86/[a-z0-9_]*\.o' | sed 's/^x86.//; s/\.o$//' | sort"
    # shellcheck disable=SC2086 # words
    assert_output "$(printf '%s\n' $PRIMITIVES | sort)"
}

@test "every jump, division and the like, as gcc and as clang compile them, stands at a line that is argued" {
    local gcc clang
    only_x86
    gcc=$(compiled gcc "$T/gcc")
    clang=$(compiled clang "$T/clang")
    # shellcheck disable=SC2086 # lists
    run -0 "$TOP/tools/jumps.py" -v --list "$TOP/tests/jumps.txt" $gcc $clang
    [[ ${lines[-1]} =~ ^([0-9]+)\ decisions,\ 0\ without ]]
    [ "${BASH_REMATCH[1]}" -gt 800 ]
    refute_output --regexp '(^|'$'\n'') +-  ' # an argument that nothing needs is one too many
}

# judged OPTIONS: a function compiled so by $CC, or gcc, with the source on standard input; $LIST argues for other lines.
judged() {
    cat >"$T/secret.c"
    "${CC:-gcc}" -gdwarf-4 "$@" -c "$T/secret.c" -o "$T/secret.o"
    run "$TOP/tools/jumps.py" --list "${LIST:-$TOP/tests/jumps.txt}" "$T/secret.o"
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
    assert_output '0 decisions, 0 without an argument'
}

@test "a jump behind the stack guard's start is found" {
    local CC
    for CC in gcc clang; do
        judged -O2 -fstack-protector-all <<'EOF'
void g(void);
void h(char *);
void f(unsigned secret)
{
    char room[64];
    if (secret & 1)
        g();
    h(room);
}
EOF
        assert_equal "$status" 1
        assert_line --regexp '^secret\.o: f: j.*: secret\.c: if \(secret & 1\)'
        assert_line '1 decisions, 1 without an argument' # the guard itself is none
    done
}

@test "a secret line's condition is found though its jump stands at an argued line" {
    local CC=clang LIST=$T/list.txt
    printf '== secret.c\nargued\n    if (odd)\n' >"$LIST"
    judged -O1 <<'EOF'
void g(void);
void f(unsigned secret)
{
    _Bool odd = (secret & 6) != 0;
    if (odd)
        g();
}
EOF
    assert_equal "$status" 1
    assert_line --partial 'secret.c: _Bool odd = (secret & 6) != 0; / secret.c: if (odd)'
}

@test "calls whose time depends on values, calls by a pointer and repeated instructions are found" {
    local CC
    for CC in gcc clang; do
        judged -O2 <<'EOF'
#include <string.h>
typedef unsigned __int128 u128;
int f(const char *a, const char *b, size_t n)
{
    return memcmp(a, b, n) == 0 ? 3 : 5;
}
u128 d(u128 a, u128 secret)
{
    return a % secret;
}
int p(int (*secret)(void))
{
    return secret() + 1;
}
void r(char *p, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}
EOF
        assert_equal "$status" 1
        assert_line --regexp '^secret\.o: f: call (mem|b)cmp: secret\.c: return memcmp'
        assert_line --regexp '^secret\.o: d: (call|jmp) __umodti3: secret\.c: return a % secret;'
        assert_line --regexp '^secret\.o: p: call \*.*: secret\.c: return secret\(\) \+ 1;'
        assert_line --regexp '^secret\.o: r: rep stos .*: secret\.c: __asm__'
    done
}
