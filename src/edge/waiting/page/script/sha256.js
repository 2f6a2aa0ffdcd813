// SHA-256 (FIPS 180-4): crypto.subtle is not there on plain http. The first 32 bits of the fractional parts of the
// square and cube roots of the first primes.
const roots = [], cubes = [];
for (let n = 2; cubes.length < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
  if (!prime) continue;
  const bits = root => (root - Math.floor(root)) * 4294967296 | 0;
  if (roots.length < 8) roots.push(bits(Math.sqrt(n)));
  cubes.push(bits(Math.cbrt(n)));
}
const schedule = new Int32Array(64);
const compress = (state, bytes, from) => {
  const w = schedule;
  for (let i = 0; i < 16; i++, from += 4) {
    w[i] = bytes[from] << 24 | bytes[from + 1] << 16 | bytes[from + 2] << 8 | bytes[from + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15], y = w[i - 2];
    w[i] = w[i - 16] + w[i - 7]
      + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
      + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + cubes[i] + w[i];
    const two = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c);
    h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => word + state[i] | 0);
};
// A state after the whole blocks of some bytes, and what is left of them; more bytes can follow.
const begin = bytes => {
  let state = roots, from = 0;
  for (; from + 64 <= bytes.length; from += 64) state = compress(state, bytes, from);
  return { state, rest: bytes.slice(from), length: bytes.length };
};
const finish = (begun, more) => {
  const used = begun.rest.length + more.length;
  const block = new Uint8Array(used < 56 ? 64 : 128);
  block.set(begun.rest);
  block.set(more, begun.rest.length);
  block[used] = 128;
  new DataView(block.buffer).setUint32(block.length - 4, (begun.length + more.length) * 8);
  let state = begun.state;
  for (let from = 0; from < block.length; from += 64) state = compress(state, block, from);
  return state;
};

