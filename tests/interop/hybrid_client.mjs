// A TLS 1.3 client for one request, its key exchange X25519MLKEM768: ML-KEM from @noble/post-quantum, all else from node:crypto and
// from RFC 8446 and draft-ietf-tls-ecdhe-mlkem as read here.  It shares no line with libtls13.
//
//   node tests/interop/hybrid_client.mjs PORT CA.pem [SUITE [retry]]     SUITE: 1301 or 1302; retry: sends no key share at first
//
// Prints what was agreed, then the reply.  Without the package it says so and ends with status 77.

import {
  X509Certificate, createCipheriv, createDecipheriv, createHash, createHmac, createPublicKey, diffieHellman, generateKeyPairSync,
  randomBytes, timingSafeEqual, verify,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

let kem;
try {
  kem = (await import('@noble/post-quantum/ml-kem.js')).ml_kem768;
} catch {
  console.log('SKIP: @noble/post-quantum is not installed (npm install in tests/)');
  process.exit(77);
}

const [port, caFile, suiteName = '1301', retry] = process.argv.slice(2);
const SUITES = {
  1301: { cipher: 'aes-128-gcm', key: 16, hash: 'sha256' },
  1302: { cipher: 'aes-256-gcm', key: 32, hash: 'sha384' },
};
const suite = SUITES[suiteName];
const HYBRID = 0x11ec;
const RETRY_RANDOM = createHash('sha256').update('HelloRetryRequest').digest(); // RFC 8446 4.1.3
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');

function demand(ok, what) {
  if (!ok) throw new Error(what);
}

// --- bytes -----------------------------------------------------------------------------------------------------

const u8 = (n) => Buffer.from([n]);
const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const u24 = (n) => Buffer.from([n >> 16, (n >> 8) & 255, n & 255]);
const cat = (...parts) => Buffer.concat(parts);
const vec8 = (...p) => cat(u8(cat(...p).length), ...p);
const vec16 = (...p) => cat(u16(cat(...p).length), ...p);
const extension = (id, ...body) => cat(u16(id), vec16(...body));
const message = (type, ...body) => cat(u8(type), u24(cat(...body).length), ...body);

class Reader {
  constructor(b) {
    this.b = b;
  }
  take(n) {
    demand(this.b.length >= n, 'a message ends too early');
    const r = this.b.subarray(0, n);
    this.b = this.b.subarray(n);
    return r;
  }
  number(bytes) {
    return this.take(bytes).readUIntBE(0, bytes);
  }
  vector(bytes) {
    return new Reader(this.take(this.number(bytes)));
  }
  get left() {
    return this.b.length;
  }
}

// --- keys (RFC 8446 7.1) ---------------------------------------------------------------------------------------

const hashOf = (...parts) => createHash(suite.hash).update(cat(...parts)).digest();
const hmac = (key, ...parts) => createHmac(suite.hash, key).update(cat(...parts)).digest();
const size = hashOf().length;

function expand(secret, label, context, length) {
  const info = cat(u16(length), vec8(Buffer.from(`tls13 ${label}`)), vec8(context));
  let out = Buffer.alloc(0);
  for (let t = Buffer.alloc(0), i = 1; out.length < length; i++) {
    t = hmac(secret, t, info, u8(i));
    out = cat(out, t);
  }
  return out.subarray(0, length);
}
const none = Buffer.alloc(0);
const derive = (secret, label, hash) => expand(secret, label, hash, size);

class Direction {
  constructor(secret) {
    this.secret = secret;
    this.key = expand(secret, 'key', none, suite.key);
    this.iv = expand(secret, 'iv', none, 12);
    this.seq = 0n;
  }
  nonce() {
    const n = Buffer.from(this.iv);
    const s = Buffer.alloc(12);
    s.writeBigUInt64BE(this.seq++, 4);
    return n.map((b, i) => b ^ s[i]);
  }
  seal(type, plain) {
    const head = cat(u8(23), u16(0x0303), u16(plain.length + 17));
    const c = createCipheriv(suite.cipher, this.key, this.nonce());
    c.setAAD(head);
    return cat(head, c.update(cat(plain, u8(type))), c.final(), c.getAuthTag());
  }
  open(head, body) {
    const d = createDecipheriv(suite.cipher, this.key, this.nonce());
    d.setAAD(head);
    d.setAuthTag(body.subarray(-16));
    const inner = cat(d.update(body.subarray(0, -16)), d.final());
    const end = inner.findLastIndex((b) => b !== 0);
    return { type: inner[end], body: inner.subarray(0, end) };
  }
}

// --- records ---------------------------------------------------------------------------------------------------

const socket = connect({ host: '127.0.0.1', port: Number(port) });
socket.setTimeout(15000, () => socket.destroy(new Error('the server is silent')));
const chunks = socket[Symbol.asyncIterator]();
let input = Buffer.alloc(0);
let reading = null; // a Direction, or null: in the clear

async function bytes(n) {
  while (input.length < n) {
    const { value, done } = await chunks.next();
    if (done) return null;
    input = cat(input, value);
  }
  const b = input.subarray(0, n);
  input = input.subarray(n);
  return b;
}

// => { type, body }, or null at the end of the stream.
async function record() {
  for (;;) {
    const head = await bytes(5);
    if (head === null) return null;
    const body = await bytes(head.readUInt16BE(3));
    demand(body !== null, 'a record is cut');
    if (head[0] === 20) continue; // change_cipher_spec of middlebox compatibility
    const r = reading && head[0] === 23 ? reading.open(head, body) : { type: head[0], body };
    if (r.type === 21 && r.body[1] !== 0) throw new Error(`alert ${r.body[1]}`);
    return r;
  }
}

let waiting = Buffer.alloc(0);
async function handshakeMessage() {
  while (waiting.length < 4 || waiting.length < 4 + waiting.readUIntBE(1, 3)) {
    const r = await record();
    demand(r !== null && r.type === 22, `a record of type ${r?.type} in the handshake`);
    waiting = cat(waiting, r.body);
  }
  const n = 4 + waiting.readUIntBE(1, 3);
  const whole = waiting.subarray(0, n);
  waiting = waiting.subarray(n);
  return { whole, type: whole[0], body: new Reader(whole.subarray(4)) };
}

// --- the handshake ---------------------------------------------------------------------------------------------

const random = randomBytes(32);
const session = randomBytes(32);
const lattice = kem.keygen();
const curve = generateKeyPairSync('x25519');
const curvePublic = curve.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
const share = cat(u16(HYBRID), vec16(lattice.publicKey, curvePublic));

const clientHello = (shares) =>
  message(1, u16(0x0303), random, vec8(session), vec16(u16(parseInt(suiteName, 16))), vec8(u8(0)), vec16(
    extension(0, vec16(u8(0), vec16(Buffer.from('localhost')))),
    extension(10, vec16(u16(HYBRID))),
    extension(13, vec16(u16(0x0403))),
    extension(43, vec8(u16(0x0304))),
    extension(51, vec16(shares)),
  ));
const plainRecord = (msg) => cat(u8(22), u16(0x0301), vec16(msg));

// => { retry, extensions: id to bytes }
function serverHello(m) {
  demand(m.type === 2, `message ${m.type} instead of ServerHello`);
  demand(m.body.number(2) === 0x0303, 'legacy_version');
  const again = m.body.take(32).equals(RETRY_RANDOM);
  demand(m.body.vector(1).b.equals(session), 'the session id is not ours');
  demand(m.body.number(2) === parseInt(suiteName, 16), 'another suite');
  demand(m.body.number(1) === 0, 'compression');
  const extensions = {};
  for (const list = m.body.vector(2); list.left; ) extensions[list.number(2)] = list.vector(2).b;
  demand(m.body.left === 0 && extensions[43]?.equals(u16(0x0304)), 'not TLS 1.3');
  return { again, extensions };
}

let hello = clientHello(retry ? none : share);
let transcript = hello;
socket.write(plainRecord(hello));
let reply = await handshakeMessage();
let said = serverHello(reply);
demand(said.again === Boolean(retry), said.again ? 'an unasked HelloRetryRequest' : 'no HelloRetryRequest');
if (said.again) {
  demand(said.extensions[51].equals(u16(HYBRID)), 'HelloRetryRequest names another group');
  hello = clientHello(share);
  transcript = cat(message(254, hashOf(transcript)), reply.whole, hello); // 4.4.1
  socket.write(plainRecord(hello));
  reply = await handshakeMessage();
  said = serverHello(reply);
  demand(!said.again, 'a second HelloRetryRequest');
}
transcript = cat(transcript, reply.whole);

const theirs = new Reader(said.extensions[51]);
demand(theirs.number(2) === HYBRID && theirs.number(2) === 1088 + 32 && theirs.left === 1120, 'the server share is not the hybrid one');
const lattices = kem.decapsulate(theirs.take(1088), lattice.secretKey);
const curves = diffieHellman({
  privateKey: curve.privateKey,
  publicKey: createPublicKey({ key: cat(X25519_SPKI, theirs.take(32)), format: 'der', type: 'spki' }),
});
const zeros = Buffer.alloc(size);
const early = hmac(zeros, zeros);
const handshake = hmac(derive(early, 'derived', hashOf()), lattices, curves); // ML-KEM's secret comes first
const clientSecret = derive(handshake, 'c hs traffic', hashOf(transcript));
const serverSecret = derive(handshake, 's hs traffic', hashOf(transcript));
reading = new Direction(serverSecret);

const finished = (secret) => hmac(expand(secret, 'finished', none, size), hashOf(transcript));
let leaf;
for (const want of [8, 11, 15, 20]) {
  const m = await handshakeMessage();
  demand(m.type === want, `message ${m.type} instead of ${want}`);
  if (want === 11) {
    demand(m.body.vector(1).left === 0, 'a certificate context');
    const list = m.body.vector(3);
    const chain = [];
    for (; list.left; list.vector(2)) chain.push(new X509Certificate(list.vector(3).b));
    chain.push(new X509Certificate(readFileSync(caFile)));
    chain.slice(1).forEach((above, i) => demand(chain[i].verify(above.publicKey), 'the chain does not verify'));
    leaf = chain[0];
    demand(leaf.checkHost('localhost'), 'a certificate for another name');
  } else if (want === 15) {
    demand(m.body.number(2) === 0x0403, 'another signature scheme');
    const signed = cat(Buffer.alloc(64, 0x20), Buffer.from('TLS 1.3, server CertificateVerify\0'), hashOf(transcript));
    demand(verify('sha256', signed, leaf.publicKey, m.body.vector(2).b), 'CertificateVerify is wrong');
  } else if (want === 20) {
    demand(m.whole.length === 4 + size && timingSafeEqual(m.body.b, finished(serverSecret)), 'Finished is wrong');
  }
  transcript = cat(transcript, m.whole);
}
demand(waiting.length === 0, 'bytes behind Finished');

const master = hmac(derive(handshake, 'derived', hashOf()), zeros);
const writing = new Direction(derive(master, 'c ap traffic', hashOf(transcript)));
reading = new Direction(derive(master, 's ap traffic', hashOf(transcript)));
socket.write(cat(
  new Direction(clientSecret).seal(22, message(20, finished(clientSecret))),
  writing.seal(23, Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')),
  writing.seal(21, Buffer.from([1, 0])), // close_notify
));
console.log(`agreed suite=${suiteName} group=X25519MLKEM768 retry=${said.again || Boolean(retry)}`);

let closed = false;
for (let r; !closed && (r = await record()) !== null; ) {
  if (r.type === 23) process.stdout.write(r.body);
  closed = r.type === 21;
}
demand(closed, 'the end without close_notify');
console.log('\nclosed');
socket.end();
