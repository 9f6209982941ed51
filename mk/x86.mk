# Compiler flags of the accelerated primitives: each file of libtls13/x86/ is compiled for its CPU level only
# and entered only after the CPU was asked (libtls13/x86/).  Elsewhere than on x86-64 the files are empty.
ifneq ($(filter x86_64-%,$(TARGET)),)
X86_128 := -O2 -mssse3 -msse4.1
X86_256 := -O2 -mavx2 -mbmi -mbmi2
X86_512 := $(X86_256) -mavx512f -mavx512bw -mavx512dq -mavx512vl
$(B)/libtls13/x86/gcm_128.o: FILE_CFLAGS := $(X86_128) -maes -mpclmul
$(B)/libtls13/x86/gcm_256.o: FILE_CFLAGS := -O2 -mavx2 -maes -mpclmul -mvaes -mvpclmulqdq
$(B)/libtls13/x86/gcm_512.o: FILE_CFLAGS := $(X86_512) -maes -mpclmul -mvaes -mvpclmulqdq
$(B)/libtls13/x86/chapoly_256.o: FILE_CFLAGS := $(X86_256) -O3
$(B)/libtls13/x86/chapoly_512.o: FILE_CFLAGS := $(X86_512) -mavx512ifma -mavx512vbmi2
$(B)/libtls13/x86/sha512_bmi2.o: FILE_CFLAGS := $(X86_256)
$(B)/libtls13/x86/sha256_ni.o: FILE_CFLAGS := $(X86_128) -msha
$(addprefix $(B)/tests/tools/,ct_sym_gcm256.o ct_sym_gcm512.o ct_sym_chapoly512.o): FILE_CFLAGS := $(X86_256) -maes -mpclmul
# gcc takes minutes to optimise vectors that are emulated in plain C.
$(B)/tests/tools/ct_sym_gcm512.o $(B)/tests/tools/ct_sym_chapoly512.o: FILE_CFLAGS += -O1 -g0
$(B)/libtls13/x86/mlkem_avx2.o: FILE_CFLAGS := $(X86_256) -O3
$(B)/libtls13/x86/mlkem_avx512.o: FILE_CFLAGS := $(X86_512) -O3 -mavx512vbmi -mavx512vbmi2
endif
$(B)/libtls13/mlkem.o: FILE_CFLAGS := -O3
include mk/asym.mk
