// websocket_client.mjs URL CA: ten connections at once, each of which sends six messages and wants each back, then closes.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import WebSocket from "ws";

const [url, ca] = process.argv.slice(2);
const sizes = [0, 1, 125, 65_536, 300_000, 8 << 20];
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
let messages = 0;

// All are sent before the first has come back.
function connection() {
    return new Promise((resolve, reject) => {
        const sent = sizes.map((size) => randomBytes(size));
        const socket = new WebSocket(url, { ca: readFileSync(ca), minVersion: "TLSv1.3", maxPayload: 16 << 20 });
        let next = 0;
        socket.on("open", () => sent.forEach((message) => socket.send(message)));
        socket.on("message", (message) => {
            if (digest(message) !== digest(sent[next])) {
                reject(new Error(`message ${next} came back as something else`));
            }
            messages += 1;
            next += 1;
            if (next === sent.length) {
                socket.close(1000);
            }
        });
        socket.on("close", (code) => (next === sent.length ? resolve(code) : reject(new Error(`closed ${code} after ${next} messages`))));
        socket.on("error", reject);
    });
}

const codes = await Promise.all(Array.from({ length: 10 }, connection));
console.log(`closed ${[...new Set(codes)].join()}, ${codes.length} connections, ${messages} messages`);
