// SHA-256 (FIPS 180-4) without node:crypto, which browsers lack; theirs is asynchronous. Only for names: it hides nothing.

type State = readonly [number, number, number, number, number, number, number, number];

const initial: State = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

// prettier-ignore
const roundConstants: readonly number[] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/** The SHA-256 of the text in UTF-8, as 64 hexadecimal digits. */
export function sha256Hex(text: string): string {
  const blocks = padded(new TextEncoder().encode(text));
  let state = initial;
  for (let at = 0; at < blocks.byteLength; at += 64) state = compress(state, blocks, at);
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** Whole blocks of 64 bytes: the message, one set bit, zeros, and the length in bits. */
function padded(message: Uint8Array): DataView {
  const bytes = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const blocks = new DataView(bytes.buffer);
  blocks.setUint32(bytes.length - 8, Math.floor(message.length / 2 ** 29));
  blocks.setUint32(bytes.length - 4, message.length << 3);
  return blocks;
}

function compress(state: State, blocks: DataView, at: number): State {
  const schedule: number[] = [];
  let [a, b, c, d, e, f, g, h] = state;
  for (const [round, constant] of roundConstants.entries()) {
    const word = round < 16 ? blocks.getUint32(at + round * 4) : nextWord(schedule);
    schedule.push(word);
    const choice = (e & f) ^ (~e & g);
    const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + constant + word) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  const [s0, s1, s2, s3, s4, s5, s6, s7] = state;
  return [
    (s0 + a) | 0,
    (s1 + b) | 0,
    (s2 + c) | 0,
    (s3 + d) | 0,
    (s4 + e) | 0,
    (s5 + f) | 0,
    (s6 + g) | 0,
    (s7 + h) | 0,
  ];
}

function nextWord(schedule: readonly number[]): number {
  const before = (count: number) => schedule[schedule.length - count] ?? 0;
  const [x, y] = [before(15), before(2)];
  const small0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
  const small1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
  return (before(16) + small0 + before(7) + small1) | 0;
}

/** Rotates the 32 bits to the right. */
function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
