# shellcheck shell=sh
# Ours: one worker, as it ships.
exec $WRAP "$TLS13D" --listen "127.0.0.1:$PORT" --backend "127.0.0.1:$BACKEND" --certificate "$PEM" --workers "$WORKERS" --user "" --log-connections off \
    --log "$DIR/log" --max-connections 9900
