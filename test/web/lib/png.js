// png.js -- a picture that a browser has made, with a palette: a third of the
// bytes, and nobody sees a difference on a page of few colours.

import zlib from 'node:zlib';

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++)
    n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function chunk(kind, data) {
  const bytes = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  let crc = 0xffffffff;
  for (const byte of bytes)
    crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 4);
  return Buffer.concat([ends.subarray(0, 4), bytes, ends.subarray(4)]);
}

// What a filter of PNG foretells of a byte: left, above, both (PNG, 9.2).
function foretold(filter, a, b, c) {
  if (filter < 4)
    return [0, a, b, (a + b) >> 1][filter];
  const [da, db, dc] = [b - c, a - c, a + b - 2 * c].map(Math.abs);
  if (da <= db && da <= dc)
    return a;
  return db <= dc ? b : c;
}

// Width, height, and the colour of each pixel as a number.
function read(png) {
  const parts = [];
  let head;
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const kind = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    if (kind === 'IHDR')
      head = data;
    else if (kind === 'IDAT')
      parts.push(data);
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const size = { 2: 3, 6: 4 }[head[9]]; // RGB, RGBA
  if (head[8] !== 8 || size === undefined || head[12] !== 0)
    throw new Error('not a picture as Chromium makes them');
  const row = width * size;
  const raw = zlib.inflateSync(Buffer.concat(parts));
  const bytes = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)];
    for (let x = 0; x < row; x++) {
      const at = y * row + x;
      const a = x < size ? 0 : bytes[at - size];
      const b = y === 0 ? 0 : bytes[at - row];
      const c = x < size || y === 0 ? 0 : bytes[at - row - size];
      bytes[at] = raw[y * (row + 1) + 1 + x] + foretold(filter, a, b, c);
    }
  }
  const pixels = new Uint32Array(width * height);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = bytes.readUIntBE(i * size, 3);
  return { width, height, pixels };
}

const apart = (a, b) => [16, 8, 0].reduce((sum, shift) =>
  sum + (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2, 0);

// The same picture in its 256 most frequent colours, others as the nearest.
export function shrink(png) {
  const { width, height, pixels } = read(png);
  const often = new Map();
  for (const pixel of pixels)
    often.set(pixel, (often.get(pixel) ?? 0) + 1);
  const palette = [...often].sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, 256).map(([colour]) => colour);
  const place = new Map([...often.keys()].map((colour) => [colour,
    palette.reduce((best, one, i) => apart(colour, one) <
      apart(colour, palette[best]) ? i : best, 0)]));
  const rows = Buffer.alloc(height * (width + 1));
  pixels.forEach((pixel, i) => {
    rows[Math.floor(i / width) * (width + 1) + 1 + i % width] =
      place.get(pixel);
  });
  const head = Buffer.from(png.subarray(16, 29));
  head[9] = 3; // a palette
  return Buffer.concat([png.subarray(0, 8), chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) =>
      [colour >> 16, (colour >> 8) & 255, colour & 255]))),
    chunk('IDAT', zlib.deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0))]);
}
