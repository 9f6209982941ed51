// ML-KEM-768 against @noble/post-quantum, an implementation that shares no line and no author with ours.
//
//   node tests/interop/mlkem_noble.mjs build/tools/mlkem_tool [LEVEL [ROUNDS]]   compares; random inputs
//   node tests/interop/mlkem_noble.mjs --vectors > tests/vectors/mlkem768.h     writes the known answers
//
// Without the package (npm install in tests/) it says so and ends with status 77.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';

let kem;
try {
  kem = (await import('@noble/post-quantum/ml-kem.js')).ml_kem768;
} catch {
  console.log('SKIP: @noble/post-quantum is not installed (npm install in tests/)');
  process.exit(77);
}

const hex = (b) => Buffer.from(b).toString('hex');
const sha3 = (b) => createHash('sha3-256').update(b).digest();
const flip = (b, bit) => {
  const c = Uint8Array.from(b);
  c[bit >> 3] ^= 1 << (bit & 7);
  return c;
};

// --- known answers ---------------------------------------------------------------------------------------------

// Round i takes d, z and m from SHAKE256("mlkem768 " i, 96); bit 97 i mod 8704 of the ciphertext is the one to flip.
function round(i) {
  const seed = createHash('shake256', { outputLength: 96 }).update(`mlkem768 ${i}`).digest();
  const { publicKey: ek, secretKey: dk } = kem.keygen(seed.subarray(0, 64));
  const { cipherText: ct, sharedSecret: ss } = kem.encapsulate(ek, seed.subarray(64));
  if (hex(kem.decapsulate(ct, dk)) !== hex(ss)) throw new Error(`round ${i} does not come back`);
  return { ek, dk, ct, ss, rejected: kem.decapsulate(flip(ct, (97 * i) % 8704), dk) };
}

function writeVectors() {
  const rows = [];
  const all = createHash('sha3-256');
  for (let i = 0; i < 1000; i++) {
    const r = round(i);
    for (const b of [r.ek, r.dk, r.ct, r.ss, r.rejected]) all.update(b);
    if (i < 5) rows.push([sha3(r.ek), sha3(r.dk), sha3(r.ct), r.ss, r.rejected].map(hex));
  }
  console.log(`/*
 * Known answers of ML-KEM-768, from @noble/post-quantum 0.7.1: tests/interop/mlkem_noble.mjs --vectors writes this file.
 *
 * Round i takes d, z and m from SHAKE256("mlkem768 " i, 96), i in decimal.  The last secret is that of the ciphertext with bit
 * 97 i mod 8704 flipped (bit 0 is the lowest of byte 0).
 */
static const struct {
    const char *ek, *dk, *ct; /* SHA3-256 of each */
    const char *ss, *rejected;
} mlkem768_vectors[] = {`);
  for (const [ek, dk, ct, ss, rejected] of rows)
    console.log(`    { "${ek}", "${dk}",\n      "${ct}", "${ss}",\n      "${rejected}" },`);
  console.log(`};

/* SHA3-256 over ek, dk, ct, ss and rejected of the rounds 0 to 999. */
static const char mlkem768_thousand[] = "${all.digest('hex')}";`);
}

// --- comparison ------------------------------------------------------------------------------------------------

async function compare(tool, level, rounds) {
  const child = spawn(tool, level ? [level] : [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (...words) => {
    child.stdin.write(words.map((w) => (typeof w === 'string' ? w : hex(w))).join(' ') + '\n');
    const { value, done } = await lines.next();
    if (done) throw new Error('the tool ended');
    return value;
  };
  const same = (what, ours, theirs) => {
    if (ours !== theirs) throw new Error(`${what}: ours ${ours}\ntheirs ${theirs}`);
  };
  for (let i = 0; i < rounds; i++) {
    const [d, z, m] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const { publicKey: ek, secretKey: dk } = kem.keygen(Buffer.concat([d, z]));
    same(`keygen ${hex(d)} ${hex(z)}`, await ask('keygen', d, z), `${hex(ek)} ${hex(dk)}`);
    const { cipherText: ct, sharedSecret: ss } = kem.encapsulate(ek, m);
    same(`encaps ${hex(ek)} ${hex(m)}`, await ask('encaps', ek, m), `${hex(ct)} ${hex(ss)}`);
    for (const c of [ct, flip(ct, randomBytes(4).readUInt32BE() % (8 * ct.length)), randomBytes(ct.length)])
      same(`decaps ${hex(c)} ${hex(dk)}`, await ask('decaps', c, dk), hex(kem.decapsulate(c, dk)));
    // A coefficient at or above q: both must refuse the key.
    const bad = Uint8Array.from(ek);
    const at = 3 * (randomBytes(2).readUInt16BE() % 384);
    bad[at] = 0x01 + (randomBytes(1)[0] % 0xff);
    bad[at + 1] = (bad[at + 1] & 0xf0) | 0x0d;
    let refused = false;
    try {
      kem.encapsulate(bad, m);
    } catch {
      refused = true;
    }
    same(`encaps ${hex(bad)} ${hex(m)}`, await ask('encaps', bad, m), refused ? 'illegal' : 'accepted');
  }
  child.stdin.end();
  console.log(`ok: ${rounds} rounds of ML-KEM-768 (${level ?? 'default'}) agree with @noble/post-quantum`);
}

const [what, level, rounds] = process.argv.slice(2);
if (what === '--vectors') writeVectors();
else if (what) await compare(what, level, Number(rounds ?? 200));
else {
  console.error('usage: mlkem_noble.mjs TOOL [LEVEL [ROUNDS]] | --vectors');
  process.exit(2);
}
