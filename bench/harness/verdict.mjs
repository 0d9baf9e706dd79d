// Turns the summaries of a case into table rows: measured, ratio, target, verdict.
import { median, summarize } from './statistics.mjs';

/** Three significant digits, without exponent. */
export function figure(value) {
  if (value === undefined || value === null || !Number.isFinite(value)) return '-'; // JSON has null for the last two
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

function checkBounds(row, value) {
  const checks = [];
  if (row.atMost !== undefined)
    checks.push({ target: `≤ ${figure(row.atMost)}`, ok: value <= row.atMost, limit: row.atMost });
  if (row.atLeast !== undefined) checks.push({ target: `≥ ${figure(row.atLeast)}`, ok: value >= row.atLeast });
  if (row.between) {
    const [low, high] = row.between;
    checks.push({ target: `${figure(low)}–${figure(high)}`, ok: value >= low && value <= high });
  }
  return checks;
}

/** By how much `own` exceeds `theirs` in the same round, the median over the rounds. */
function excess(own, theirs) {
  return median(own.rounds.map((value, round) => value - theirs.rounds[round]));
}

/** By how much each contender exceeds `baseline` in the same round. */
function excesses(contenders, baseline) {
  const others = Object.entries(contenders).filter(
    ([name, summary]) => name !== baseline && summary && !summary.absent,
  );
  return Object.fromEntries(others.map(([name, summary]) => [name, excess(summary, contenders[baseline])]));
}

function withoutShares(shares, contenders) {
  const present = Object.entries(shares).filter(([contender]) => contender in contenders);
  return Object.fromEntries(
    present.map(([contender, baseline]) => {
      const summary = contenders[contender];
      return [contender, !summary || summary.absent ? summary : above(summary, contenders[baseline])];
    }),
  );
}

/** What is left of a summary without the share that `baseline` has in the same round. */
function above(summary, baseline) {
  return summarize(summary.rounds.map((value, round) => value - baseline.rounds[round]));
}

/** How many times better `own` is. What costs nothing that could be seen, or less, is better than any cost by any factor. */
function ratioOf(own, theirs, isHigherBetter) {
  if (isHigherBetter) return own / theirs;
  if (own > 0) return theirs / own;
  return theirs > 0 ? Number.POSITIVE_INFINITY : Number.NaN;
}

/** The contender that comes closest to the subject of the row, among those that are asked for and were measured. */
function fastest(among, ratios) {
  const present = among.filter((contender) => ratios[contender] !== undefined);
  return present.reduce((best, each) => (best && ratios[best] <= ratios[each] ? best : each), undefined);
}

/**
 * One table row for `row` of `benchCase`.
 *
 * `row` is `{ what, unit, metric, subject, pick?, higherIsBetter?, atMost?, atLeast?, between?, timesBetter?,
 * timesFaster?, atMostOver?, above? }`; `pick` names the statistic that is judged: 'median' unless the budget is defined
 * otherwise. `timesBetter` and `atMostOver` name contenders: a ratio to reach, and what the subject may have more than
 * they in the same round. `timesFaster` is `{ times, of }`: the ratio to reach against the fastest of those. `above`
 * names for each contender the one whose share is taken off before anything is judged.
 */
export function judge(scenario, benchCase, row, results) {
  const pick = row.pick ?? 'median';
  const measured = results[row.subject];
  const base = {
    scenario: scenario.name,
    case: benchCase.name,
    note: benchCase.note,
    what: row.what,
    unit: row.unit,
    pick,
    metric: row.metric,
    subject: row.subject,
    contenders: {},
  };
  for (const [contender, summary] of Object.entries(results)) {
    base.contenders[contender] = summary.absent ? { absent: summary.absent } : summary[row.metric];
  }
  if (row.above) base.contenders = withoutShares(row.above, base.contenders);
  const own = base.contenders[row.subject];
  const checks = [];
  const ratios = {};
  if (own && !own.absent) {
    checks.push(...checkBounds(row, own[pick]));
    for (const [contender, theirs] of Object.entries(base.contenders)) {
      if (contender === row.subject || !theirs || theirs.absent) continue;
      const ratio = ratioOf(own[pick], theirs[pick], row.higherIsBetter);
      ratios[contender] = ratio;
      const times = row.timesBetter?.[contender];
      if (times !== undefined) checks.push({ target: `≥ ${figure(times)}x ${contender}`, ok: ratio >= times });
      const most = row.atMostOver?.[contender];
      if (most !== undefined) {
        const over = excess(own, theirs);
        base.excess = excesses(base.contenders, contender);
        checks.push({ target: `≤ ${contender} + ${figure(most)}`, ok: over <= most, limit: most });
      }
    }
    const rival = row.timesFaster && fastest(row.timesFaster.of, ratios);
    if (rival) {
      base.rival = rival;
      const { times } = row.timesFaster;
      checks.push({
        target: `≥ ${figure(times)}x the faster stock exporter`,
        ok: ratios[rival] >= times,
        limit: times,
      });
    }
  } else {
    for (const [contender, times] of Object.entries(row.timesBetter ?? {})) {
      checks.push({ target: `≥ ${figure(times)}x ${contender}`, ok: null });
    }
    for (const [contender, most] of Object.entries(row.atMostOver ?? {})) {
      checks.push({ target: `≤ ${contender} + ${figure(most)}`, ok: null });
    }
    if (row.timesFaster) {
      checks.push({ target: `≥ ${figure(row.timesFaster.times)}x the faster stock exporter`, ok: null });
    }
    for (const check of checkBounds(row, Number.NaN)) checks.push({ ...check, ok: null });
  }
  const judged = checks.filter((check) => check.ok !== null);
  let verdict = 'no target';
  if (measured === undefined || measured.absent) verdict = `not measured: ${measured?.absent ?? 'no result'}`;
  else if (!own) verdict = 'not measured';
  else if (judged.length > 0) {
    const missed = judged.filter((check) => !check.ok).map((check) => check.target);
    verdict = missed.length === 0 ? 'met' : `MISSED ${missed.join(', ')}`;
  }
  const compared = Object.keys({ ...row.timesBetter, ...row.atMostOver });
  if (base.rival) compared.push(base.rival);
  const noisy = [row.subject, ...compared].some((contender) => base.contenders[contender]?.noisy);
  return { ...base, ratios, compared, checks, targets: checks.map((check) => check.target), verdict, noisy };
}
