// Owns the part of a trace that is in sight: zooming, moving, ticks of the axis, and offsets to pixels and back.

/** @typedef {{ from: number, to: number }} Range nanoseconds since the start of the trace */

/** Closer than this nothing can be told apart. */
const NARROWEST_NANOS = 100;

/** The range inside a trace of `total` nanoseconds. @param {Range} range  @param {number} total  @returns {Range} */
export function inside({ from, to }, total) {
  const width = Math.min(Math.max(to - from, NARROWEST_NANOS), Math.max(total, NARROWEST_NANOS));
  const start = Math.max(0, Math.min(from, Math.max(total, NARROWEST_NANOS) - width));
  return { from: start, to: start + width };
}

/** Closer (`factor` below 1) or farther, with `centre` staying where it is. @param {Range} range  @param {number} factor  @param {number} centre  @param {number} total */
export function scaled({ from, to }, factor, centre, total) {
  return inside({ from: centre - (centre - from) * factor, to: centre + (to - centre) * factor }, total);
}

/** @param {Range} range  @param {number} by  @param {number} total */
export function moved({ from, to }, by, total) {
  return inside({ from: from + by, to: to + by }, total);
}

/** A span with some room on both sides. @param {number} start  @param {number} duration  @param {number} total */
export function around(start, duration, total) {
  const room = Math.max(duration * 0.05, NARROWEST_NANOS / 2);
  return inside({ from: start - room, to: start + duration + room }, total);
}

/** @param {number} offset  @param {Range} range  @param {number} width in pixels */
export const toPixels = (offset, { from, to }, width) => ((offset - from) / (to - from)) * width;

/** @param {number} pixels  @param {Range} range  @param {number} width in pixels */
export const toOffset = (pixels, { from, to }, width) => from + (pixels / width) * (to - from);

/**
 * Round offsets in the range, at most one each `spacing` pixels.
 * @param {Range} range
 * @param {number} width in pixels
 * @param {number} [spacing]
 */
export function ticks({ from, to }, width, spacing = 110) {
  const wanted = (to - from) / Math.max(1, Math.floor(width / spacing));
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= wanted * 0.999) ?? 10 * power;
  const list = [];
  for (let nth = Math.ceil(from / step - 1e-9); nth * step <= to; nth++) list.push(nth * step);
  return list;
}
