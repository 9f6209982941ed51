#!/usr/bin/env python3
"""One port, a server for each connection: switch.py PORT...

Prints the port it listens on; the first connection goes to the first PORT, the second to the next, and so on.  After each it prints how many
bytes the client sent.
"""
import socket
import sys
import threading


def pipe(source, sink, count):
    try:
        while data := source.recv(65536):
            count[0] += len(data)
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        print(listener.getsockname()[1], flush=True)
        for port in sys.argv[1:]:
            client, _ = listener.accept()
            with client, socket.create_connection(("127.0.0.1", int(port))) as server:
                sent = [0]
                back = threading.Thread(target=pipe, args=(server, client, [0]), daemon=True)
                back.start()
                pipe(client, server, sent)
                back.join(60)
                print(sent[0], flush=True)


if __name__ == "__main__":
    main()
