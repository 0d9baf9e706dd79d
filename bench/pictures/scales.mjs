// Owns axes: where a value stands on one, as a share of its length, and which values are written beside it.
import { figure } from '../harness/verdict.mjs';

/** Round ends of an axis, and into how many parts they are divided. */
const ROUND = new Map([
  [1, 2],
  [1.5, 3],
  [2, 2],
  [3, 3],
  [4, 2],
  [5, 2],
  [6, 3],
  [8, 2],
  [10, 2],
]);
/** Between two words on an axis. */
const GAP = 10;

/** The first number at or above `value` that is one of `steps` times a power of ten. */
function roundUp(value, steps) {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = steps.find((each) => value <= each * power * (1 + 1e-9));
  return [step * power, step];
}

const tick = (value) => ({ value, text: figure(value) });

/** From zero to the next round number; `least` is the shortest axis that makes sense. */
export function linearScale(most, least = 0) {
  const reached = Math.max(most, least);
  const [end, step] = reached > 0 ? roundUp(reached, [...ROUND.keys()]) : [1, 1];
  const parts = ROUND.get(step);
  return {
    isLogarithmic: false,
    end,
    shareOf: (value) => Math.min(1, Math.max(0, value / end)),
    ticks: Array.from({ length: parts + 1 }, (_, nth) => tick((end * nth) / parts)),
  };
}

/** Decades; it starts clearly below the least value, whose bar would have no length otherwise. */
export function logarithmicScale(values) {
  const positive = values.filter((value) => value > 0);
  const [least, most] = positive.length > 0 ? [Math.min(...positive), Math.max(...positive)] : [1, 1];
  let exponent = Math.floor(Math.log10(least));
  if (least < 1.5 * 10 ** exponent) exponent -= 1;
  const start = 10 ** exponent;
  const [end] = roundUp(most, [1, 2, 5, 10]);
  const length = Math.log10(end / start);
  const decades = Array.from({ length: Math.floor(length + 1e-9) + 1 }, (_, nth) => 10 ** (exponent + nth));
  return {
    isLogarithmic: true,
    start,
    end,
    shareOf: (value) => (value > 0 ? Math.min(1, Math.max(0, Math.log10(value / start) / length)) : 0),
    ticks: (decades.length > 1 ? decades : [start, end]).map(tick),
  };
}

/** Every nth of the scale's ticks, so that their words do not touch on an axis of `length`. */
export function roomyTicks({ ticks, shareOf }, length, widthOf) {
  const isRoomy = (some) =>
    some.every(({ value, text }, nth) => {
      if (nth === 0) return true;
      const distance = (shareOf(value) - shareOf(some[nth - 1].value)) * length;
      return distance >= (widthOf(text) + widthOf(some[nth - 1].text)) / 2 + GAP;
    });
  for (let every = 1; every < ticks.length; every++) {
    const some = ticks.filter((_, nth) => nth % every === 0);
    if (isRoomy(some)) return some;
  }
  return ticks.slice(0, 1);
}
