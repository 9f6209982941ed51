# Compiler flags of the accelerated asymmetric primitives; included by x86.mk, whose rule holds here too.
$(B)/libtls13/x25519.o: FILE_CFLAGS := -O3
$(B)/libtls13/nist_p256.o $(B)/libtls13/nist_p384.o: FILE_CFLAGS := -O3 -fno-tree-vectorize
ifneq ($(filter x86_64-%,$(TARGET)),)
$(B)/libtls13/x86/x25519_x8.o: FILE_CFLAGS := $(X86_512) -mavx512ifma -mavx512vbmi2
$(B)/libtls13/x86/x25519_x2.o: FILE_CFLAGS := $(X86_512) -mavx512ifma
# gcc's vectoriser makes carry chains 40 % slower.
$(B)/libtls13/x86/modinv.o $(B)/libtls13/x86/p256.o $(B)/libtls13/x86/p256_point.o $(B)/libtls13/x86/p256_ecdsa.o: \
    FILE_CFLAGS := -O3 -fno-tree-vectorize -mavx2 -mbmi -mbmi2
$(B)/libtls13/x86/rsa.o $(B)/libtls13/x86/rsa_mont.o: FILE_CFLAGS := $(X86_512) -mavx512ifma
endif
# gcc takes minutes to optimise vectors that are emulated in plain C.
$(addprefix $(B)/tests/tools/ct_asym_,x25519.o x25519_x2.o rsa.o): FILE_CFLAGS := -O0 -g0 -U_FORTIFY_SOURCE
# The sanitizers' build asserts the bounds of limbs that the sources state.
ifdef SAN
$(B)/libtls13/nist_p256.o $(B)/libtls13/nist_p384.o $(B)/libtls13/x25519.o $(B)/libtls13/x86/x25519_x8.o $(B)/libtls13/x86/x25519_x2.o $(B)/libtls13/x86/modinv.o $(B)/libtls13/x86/p256.o \
    $(B)/libtls13/x86/p256_point.o $(B)/libtls13/x86/p256_ecdsa.o $(B)/libtls13/x86/rsa.o $(B)/libtls13/x86/rsa_mont.o: \
    ALL_CPPFLAGS += -DLIMB_CHECKS
endif
