// Owns what whoever is compared is called and drawn with: in the benchmark, in the in-situ benchmark and in `npm start`, one
// name and one colour each. The colours can be told apart without seeing red, green or blue, and stand out from both pages.

export const OURS = 'offloop';
/** Offloop's exporter behind the SDK's processor: what changing the import alone brings. */
export const IMPORT_ALONE = 'SDK processor + offloop';
export const STOCK = 'stock 0.223.1';
export const STOCK_PROTOBUFJS = 'stock 0.57.2';

/** A program that records spans which nobody takes: what the application costs by itself. */
export const NO_EXPORTER = 'no exporter';

/** Another build of Offloop, as `run.mjs --against <checkout>` names it. */
export const OTHER = 'other build';

/** What the charts stand on. */
export const PAGES = { light: '#ffffff', dark: '#12161c' };

/** `inDemo` is the name in `npm start`, where one stock exporter runs and Offloop runs twice. */
export const CONTENDERS = [
  { id: 'none', name: NO_EXPORTER, inDemo: 'no exporter', light: '#5b6471', dark: '#98a6b8' },
  { id: 'stock', name: STOCK, inDemo: 'stock exporter', light: '#a63e02', dark: '#ee8f3a' },
  { id: 'stock-protobufjs', name: STOCK_PROTOBUFJS, light: '#a834d2', dark: '#a568ab' },
  { id: 'offloop', name: OURS, inDemo: 'Offloop, HTTP', light: '#1f9688', dark: '#7fe0da' },
  { id: 'offloop-import', name: IMPORT_ALONE, light: '#8a901e', dark: '#f4e663' },
  { id: 'offloop-file', inDemo: 'Offloop, files', light: '#22309c', dark: '#4a6df7' },
  { id: 'other', name: OTHER, light: '#770333', dark: '#d62f35' },
];

/** For names that only one run knows. */
export const SPARE = [
  { id: 'spare-1', light: '#0b0e12', dark: '#ffffff' },
  { id: 'spare-2', light: '#12016c', dark: '#fab787' },
];

/** `{ id, light, dark }` by name, for all that stand in one picture. Throws rather than give two of them one colour. */
export function coloursOf(names) {
  const spare = [...SPARE];
  return new Map(
    names.map((name) => {
      const colour = CONTENDERS.find((each) => each.name === name || each.inDemo === name) ?? spare.shift();
      if (colour === undefined)
        throw new Error(`no colour is left for '${name}': give it one in bench/pictures/palette.mjs`);
      return [name, colour];
    }),
  );
}

/** The names in `npm start`, by id. */
export function demoName(id) {
  return CONTENDERS.find((each) => each.id === id).inDemo;
}
