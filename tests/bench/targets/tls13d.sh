# shellcheck shell=sh
# Ours: one worker, as it ships.
exec "$TLS13D" --listen "127.0.0.1:$PORT" --backend "127.0.0.1:$BACKEND" --certificate "$PEM" --workers 1 --user "" --log-connections off \
    --log "$DIR/log" --max-connections 9900 --watch off
