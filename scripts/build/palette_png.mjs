// Owns making a picture of the page smaller: its pixels with the 256 most frequent colours, and the others as the nearest of these.
// A page of text has about a thousand colours, which differ at the edges of letters only.

import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE_BYTES = 8;
const MOST_COLOURS = 256;

/** A PNG of 8 bits for each of red, green and blue, with a palette. @param {Buffer} png */
export function withPalette(png) {
  const { width, height, bytesPerPixel, pixels } = decoded(png);
  const colourAt = (at) => (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += bytesPerPixel)
    counts.set(colourAt(at), (counts.get(colourAt(at)) ?? 0) + 1);
  const byCount = [...counts].sort(([one, a], [other, b]) => b - a || one - other).map(([colour]) => colour);
  const palette = byCount.slice(0, MOST_COLOURS);
  const numbers = new Map(byCount.map((colour) => [colour, nearest(palette, colour)]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let nth = 0; nth < width * height; nth++)
    rows[nth + Math.floor(nth / width) + 1] = numbers.get(colourAt(nth * bytesPerPixel));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    png.subarray(0, SIGNATURE_BYTES),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function nearest(palette, colour) {
  const distance = (other) =>
    [16, 8, 0].reduce((sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
  let best = 0;
  for (let nth = 1; nth < palette.length; nth++) if (distance(palette[nth]) < distance(palette[best])) best = nth;
  return best;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** Pixels without the filters of their rows. */
function decoded(png) {
  const parts = [];
  let header;
  for (let at = SIGNATURE_BYTES; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = data;
    if (type === 'IDAT') parts.push(data);
    at += length + 12;
  }
  const [width, height, bytesPerPixel] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  const stride = width * bytesPerPixel;
  const raw = inflateSync(Buffer.concat(parts));
  const pixels = Buffer.alloc(stride * height);
  for (let at = 0; at < pixels.length; at++) {
    const row = Math.floor(at / stride);
    const isFirst = at % stride < bytesPerPixel;
    const left = isFirst ? 0 : pixels[at - bytesPerPixel];
    const above = row === 0 ? 0 : pixels[at - stride];
    const corner = isFirst || row === 0 ? 0 : pixels[at - stride - bytesPerPixel];
    pixels[at] = raw[at + row + 1] + predicted(raw[row * (stride + 1)], left, above, corner);
  }
  return { width, height, bytesPerPixel, pixels };
}

/** What a filter of PNG adds to a byte. */
function predicted(filter, left, above, corner) {
  if (filter < 4) return [0, left, above, (left + above) >> 1][filter];
  const [toLeft, toAbove, toCorner] = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
