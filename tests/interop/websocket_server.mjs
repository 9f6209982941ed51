// websocket_server.mjs SOCKET: sends back each message as it came, in the kind that it came in.
import { chmodSync } from "node:fs";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const server = createServer();
new WebSocketServer({ server, maxPayload: 16 << 20 }).on("connection", (socket) => {
    socket.on("message", (message, binary) => socket.send(message, { binary }));
});
server.listen(process.argv[2], () => chmodSync(process.argv[2], 0o777));
