'use strict';
// Owns writing one long text in steps, as Latin-1 for as long as that will do, else as UTF-16.
// Refuses to know why it is written now (record_writer.js, deferred_texts.js).

const { ENCODING_LATIN1, ENCODING_UTF16, BULK_HEADER_WORDS, CHUNK_UNITS } = require('./layout.js');
const { isKeptNarrow, isNarrow } = require('./narrow_text.js');

/** Copies one long text in steps of at most 64 Ki units, so that no step takes longer than some ten microseconds. */
class TextCopy {
  constructor() {
    this.index = -1;
    this.text = '';
    this.offset = 0;
    this.encoding = ENCODING_LATIN1;
    this.base = -1; // first word of the open record
    this.units = 0; // units in the open record
  }

  start(index, text) {
    this.index = index;
    this.text = text;
    this.offset = 0;
    this.encoding = ENCODING_LATIN1;
    this.base = -1;
    this.units = 0;
  }

  /** @returns {boolean} true when the whole text has been written */
  step(stream) {
    const { text } = this;
    const left = text.length - this.offset;
    if (this.base === -1) {
      const isFirst = this.offset === 0 && this.encoding === ENCODING_LATIN1;
      if (isFirst && !isKeptNarrow(text) && !stream.wide.mayBeNarrow()) this.encoding = ENCODING_UTF16;
      this.open(stream, left);
    }
    const unitBytes = this.encoding === ENCODING_LATIN1 ? 1 : 2;
    const at = ((this.base + BULK_HEADER_WORDS) << 3) + this.units * unitBytes;
    let units = Math.min(left, CHUNK_UNITS, Math.floor((stream.bytes.length - at) / unitBytes));
    if (this.encoding === ENCODING_LATIN1) {
      const part = this.part(units);
      const fits = isKeptNarrow(part) || isNarrow(part);
      if (this.offset === 0 || !fits) stream.wide.note(fits);
      if (!fits) {
        this.close(stream);
        this.encoding = ENCODING_UTF16;
        return false;
      }
      stream.bytes.latin1Write(part, at);
    } else {
      if (units < left && isHighSurrogate(text.charCodeAt(this.offset + units - 1))) units -= 1;
      stream.bytes.ucs2Write(this.part(units), at);
    }
    stream.noteCopied(units, this.encoding);
    this.offset += units;
    this.units += units;
    if (this.offset === text.length) {
      this.close(stream);
      this.text = ''; // holds no user's text longer than needed
      return true;
    }
    if ((stream.bytes.length - at) / unitBytes - units < 64) this.close(stream);
    return false;
  }

  part(units) {
    return units === this.text.length ? this.text : this.text.substring(this.offset, this.offset + units);
  }

  open(stream, left) {
    const wanted = Math.min(left, CHUNK_UNITS) * (this.encoding === ENCODING_LATIN1 ? 1 : 2);
    stream.ensure(BULK_HEADER_WORDS + ((wanted + 15) >>> 3));
    this.base = stream.position;
    this.units = 0;
  }

  close(stream) {
    if (this.units > 0) {
      const bytes = this.encoding === ENCODING_LATIN1 ? this.units : this.units * 2;
      const words = BULK_HEADER_WORDS + ((bytes + 7) >>> 3);
      stream.bulkHeader(this.base, words, this.index, this.encoding, this.units);
    }
    this.base = -1;
  }
}

function isHighSurrogate(unit) {
  return (unit & 0xfc00) === 0xd800;
}

module.exports = { TextCopy };
