// Owns how rounds become one figure: median, spread, and when a figure is called noisy.

/** (max - min) / median above this marks a figure as noisy. */
export const NOISY_SPREAD = 0.3;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `{ median, min, max, noisy, rounds }` of one metric over all rounds. */
export function summarize(values) {
  const middle = median(values);
  const min = Math.min(...values);
  const max = Math.max(...values);
  return { median: middle, min, max, noisy: max - min > NOISY_SPREAD * Math.abs(middle), rounds: values };
}

/** Summaries of every numeric metric of one contender's samples; of a timeline the last round's is kept as it is. */
export function summarizeSamples(samples) {
  const summary = {};
  const { timeline } = samples.at(-1) ?? {};
  if (timeline) summary.timeline = timeline;
  for (const metric of new Set(samples.flatMap((sample) => Object.keys(sample)))) {
    const values = samples.map((sample) => sample[metric]).filter((value) => typeof value === 'number');
    if (values.length > 0) summary[metric] = summarize(values);
  }
  return summary;
}
