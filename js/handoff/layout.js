'use strict';
// Owns the numbers of the hand-off layout, the same as in src/handoff/layout.rs. Refuses to hold any behaviour.

// Record kinds. Every record starts on an 8-byte word; all fields are float64 words unless the layout says otherwise.
const KIND_SPAN = 1;
const KIND_RESOURCE = 2;
const KIND_SCOPE = 3;
const KIND_BULK = 4;

// Value tags, the low four bits of a tag word; the rest is the interned key's id, or -1 - (units << 4 | tag) for a key
// that is defined here and whose text comes next.
const TAG_EMPTY = 0;
const TAG_TRUE = 1;
const TAG_FALSE = 2;
const TAG_NUMBER = 3;
const TAG_TEXT = 4;
const TAG_BULK = 5;
const TAG_ARRAY = 6;
const TAG_MAP = 7;
const TAG_NESTED = 8; // only the key: the value follows with a tag word of its own
const TAG_BULK_KEY = 9; // the key is a bulk string; the value follows with a tag word of its own

const ENCODING_LATIN1 = 0; // a byte per unit
const ENCODING_UTF16 = 1;
const ENCODING_BYTES = 2;
const ENCODING_KEPT = 3; // of a record's text only: it is bulk text number `encoding - ENCODING_KEPT`

const ABSENT = -1; // an undefined text; a bulk text is -2 - index

const BLOCK_HEADER_WORDS = 2; // int32 0: commit index, in words
const RECORD_HEADER_WORDS = 5;
const SPAN_HEADER_WORDS = 26;
const BULK_HEADER_WORDS = 5;
const MIN_FREE_WORDS = 256;
const COUNT_AT = 1; // int32 of a block: the spans of the open batch that begins in it; a taken one has the sign bit set

// Shorter texts of a record are joined and written by one call; measured on Node 20–26 (docs/adr/hand-off.md).
const JOINED_UNITS = 256;
// Longer texts may be kept by reference and copied in a later turn (strings are immutable).
const DEFERRED_UNITS = 4096;
// Units of ASCII that one export call copies at once, a quarter to half a millisecond; other texts count three times.
const TURN_UNITS = 1 << 20;
// Once so many of them are copied, bulk texts wait: they are copied after all spans are read, in this turn if there is time.
const BULK_TURN_UNITS = 1 << 18;
// Texts up to this length are written by one call, so many of them at the most and so many words of records.
const ONE_WRITE_UNITS = 65536;
const MOST_TEXTS = 32; // as in addon/src/text_writer.rs
const STEP_WORDS = 8192;
// The text of a record up to this length may be kept by reference.
const KEPT_UNITS = 16384;
// Texts written as UTF-16 without trying ASCII, at most, where the ones before were not ASCII either.
const MAX_WIDE_RUN = 32;
// Above this V8 keeps objects that were filled key by key as dictionaries.
const FAST_ATTRIBUTES = 19;
const CHUNK_UNITS = 65536;
const MAX_KEYS = 4096;
const MAX_DEPTH = 512;
const MAX_BLOCK_BYTES = 64 << 20;

const WRITTEN = 0;
const INVALID = 1;
const TOO_LARGE = 2;
const NO_ROOM = 3;

const FLAG_HAS_IS_REMOTE = 0x100;
const FLAG_IS_REMOTE = 0x200;

// The record writers throw these to give up a record. `span_writer.js` catches them: the application never sees one.
const OVERFLOW = { reason: 'block is full' };
const OVERSIZE = { reason: 'span is larger than limits.maxSpanBytes' };
const OVER_BUDGET = { reason: 'batch is over its budget' };
const UNREADABLE = { reason: 'value is cyclic or nested too deeply' };

module.exports = {
  KIND_SPAN,
  KIND_RESOURCE,
  KIND_SCOPE,
  KIND_BULK,
  TAG_EMPTY,
  TAG_TRUE,
  TAG_FALSE,
  TAG_NUMBER,
  TAG_TEXT,
  TAG_BULK,
  TAG_ARRAY,
  TAG_MAP,
  TAG_NESTED,
  TAG_BULK_KEY,
  ENCODING_LATIN1,
  ENCODING_UTF16,
  ENCODING_BYTES,
  ENCODING_KEPT,
  ABSENT,
  BLOCK_HEADER_WORDS,
  RECORD_HEADER_WORDS,
  SPAN_HEADER_WORDS,
  BULK_HEADER_WORDS,
  COUNT_AT,
  MIN_FREE_WORDS,
  JOINED_UNITS,
  DEFERRED_UNITS,
  TURN_UNITS,
  BULK_TURN_UNITS,
  ONE_WRITE_UNITS,
  MOST_TEXTS,
  STEP_WORDS,
  KEPT_UNITS,
  MAX_WIDE_RUN,
  FAST_ATTRIBUTES,
  CHUNK_UNITS,
  MAX_KEYS,
  MAX_DEPTH,
  MAX_BLOCK_BYTES,
  WRITTEN,
  INVALID,
  TOO_LARGE,
  NO_ROOM,
  FLAG_HAS_IS_REMOTE,
  FLAG_IS_REMOTE,
  OVERFLOW,
  OVERSIZE,
  OVER_BUDGET,
  UNREADABLE,
};
