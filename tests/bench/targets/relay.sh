# shellcheck shell=sh
# The floor: no TLS.  The client speaks plain TCP to it (PLAIN below is read by bench.py).
# PLAIN
exec $WRAP "$BENCH/relay" "$PORT" "$BACKEND" 65536
