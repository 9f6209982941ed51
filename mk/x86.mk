# Compiler flags of the accelerated primitives: each file of libtls13/x86/ is compiled for its CPU level only
# and entered only after the CPU was asked (libtls13/x86/).
