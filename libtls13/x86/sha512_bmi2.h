/* SHA-384 and SHA-512 behind BearSSL's class type; only where cpu_has(CPU_AVX2 | CPU_BMI2). */
#ifndef TLS13_X86_SHA512_BMI2_H
#define TLS13_X86_SHA512_BMI2_H

#include <bearssl.h>

extern const br_hash_class sha384_bmi2_class, sha512_bmi2_class;

#endif
