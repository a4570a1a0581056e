// chart_shape.js -- where things stand in a picture: scales, ticks, bars,
// lines. Pure: numbers in, numbers and paths out.

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// So many slots of one step may stand together, lest a bar be thinner than a
// line.
const GROUPS = [1, 2, 5, 10, 15, 30, 60];
const GROUPS_OF_HOURS = [1, 2, 3, 6, 12, 24];

// The least number of slots that stand together so that at most `most' bars
// are drawn.
export function groupOf(slots, most, stepMs) {
  const groups = stepMs === HOUR ? GROUPS_OF_HOURS : GROUPS;
  return groups.find((g) => Math.ceil(slots / g) <= most) ??
    Math.ceil(slots / Math.max(1, most));
}

const offset = (at, stepMs) => {
  // Bars begin at full hours of the viewer's zone, and so do days.
  const zone = new Date(at).getTimezoneOffset() * MINUTE;
  return (((at - zone) % stepMs) + stepMs) % stepMs;
};

// Slots of a series put together: [{at, to, sums}], in order. names: which
// arrays of values are added up. The first and the last may be shorter.
export function gather(values, names, { from, stepMs, group }) {
  const width = group * stepMs;
  const slots = values[names[0]]?.length ?? 0;
  const all = [];
  for (let i = 0; i < slots; i++) {
    const at = from + i * stepMs;
    const begin = at - offset(at, width);
    let last = all[all.length - 1];
    if (last === undefined || last.begin !== begin) {
      last = { begin, at, to: at + stepMs,
        sums: Object.fromEntries(names.map((n) => [n, 0])) };
      all.push(last);
    }
    last.to = at + stepMs;
    for (const name of names)
      last.sums[name] += values[name][i] ?? 0;
  }
  return all;
}

// A round number that is at least so large: 1, 2 or 5 times a power of ten.
export function niceMax(max) {
  if (!(max > 0))
    return 1;
  const unit = 10 ** Math.floor(Math.log10(max));
  for (const factor of [1, 2, 5, 10]) {
    if (max <= factor * unit * (1 + 1e-9))
      return factor * unit;
  }
  return 10 * unit;
}

// One decimal at most, so that a path is short.
const round = (n) => Math.round(n * 10) / 10;

// Bars that stand on each other, as one path for each name, from the bottom:
// {name: path}. bars as of gather(); x(at) is where a time stands.
export function stacked(bars, names, { x, height, max }) {
  const paths = Object.fromEntries(names.map((n) => [n, '']));
  for (const { at, to, sums } of bars) {
    const left = x(at);
    const width = Math.max(1, x(to) - left - 1);
    let below = 0;
    for (const name of names) {
      if (sums[name] <= 0)
        continue;
      // What is there is seen, however small it is beside the rest.
      const size = Math.max(1.5, sums[name] / max * height);
      const top = Math.max(0, height - below - size);
      paths[name] += `M${round(left)} ${round(top)}h${round(width)}` +
        `v${round(Math.min(size, height - below))}h${-round(width)}z`;
      below += size;
    }
  }
  return paths;
}

// Values of which many have no room, put together: of each group what pick()
// makes of those that are not null; null, where all are.
export function thin(values, group, pick) {
  const all = [];
  for (let i = 0; i < values.length; i += group) {
    const known = values.slice(i, i + group).filter((n) => n !== null);
    all.push(known.length === 0 ? null : pick(known));
  }
  return all;
}

export const greatest = (values) => Math.max(...values);
export const middle = (values) => [...values].sort((a, b) => a - b)[
  Math.floor(values.length / 2)];

// A line through values, with a gap where one is null; a lone one is a dot's
// width. '' if there is none.
export function linePath(values, { width, height, max }) {
  const step = width / Math.max(1, values.length);
  let path = '';
  let open = false;
  values.forEach((value, i) => {
    if (value === null) {
      open = false;
      return;
    }
    const y = round(height - Math.min(1, value / max) * height);
    path += open ? `H${round(i * step)}V${y}h${round(step)}` :
      `M${round(i * step)} ${y}h${round(step)}`;
    open = true;
  });
  return path;
}

// The same as an area that stands on the bottom.
export function areaPath(values, { width, height, max }) {
  const step = width / Math.max(1, values.length);
  return values.map((value, i) => value > 0 ?
    `M${round(i * step)} ${height}` +
    `V${round(height - Math.max(1.5, Math.min(1, value / max) * height))}` +
    `h${round(step)}V${height}z` : '').join('');
}

const TICKS = [5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
  2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY];

// Times to be named below a picture, full ones of the viewer's zone, at most
// one for each `apart' pixels.
export function timeTicks(from, to, width, apart = 72) {
  const most = Math.max(1, Math.floor(width / apart));
  const stepMs = TICKS.find((t) => (to - from) / t <= most) ??
    TICKS[TICKS.length - 1];
  const ticks = [];
  for (let at = from - offset(from, stepMs); at < to; at += stepMs) {
    if (at >= from)
      ticks.push(at);
  }
  return { ticks, stepMs };
}

// How dark a cell is: 0 (nothing) to 4, by the share of the busiest one.
export function heatLevel(value, max) {
  if (!(value > 0) || !(max > 0))
    return 0;
  return Math.min(4, 1 + Math.floor(Math.sqrt(value / max) * 3.999));
}

// Cells of a heat map as one path for each level: rows of values, each cell of
// that size.
export function heatPaths(rows, max, { cell, row, gap }) {
  const paths = ['', '', '', '', ''];
  rows.forEach((values, y) => values.forEach((value, x) => {
    paths[heatLevel(value, max)] += `M${round(x * cell)} ${y * row}` +
      `h${round(cell - gap)}v${row - gap}h${-round(cell - gap)}z`;
  }));
  return paths;
}

export const AGES = [
  [5 * MINUTE, '<5m'], [15 * MINUTE, '<15m'], [30 * MINUTE, '<30m'],
  [HOUR, '<1h'], [2 * HOUR, '<2h'], [6 * HOUR, '<6h'], [DAY, '<1d'],
  [Infinity, '>1d']];

// How many of these ages (ms) are up to each of AGES, and over the one before.
export function countAges(ages) {
  const counts = AGES.map(() => 0);
  for (const age of ages)
    counts[AGES.findIndex(([upTo]) => age < upTo)]++;
  return counts;
}

// The slots from one to the other, whichever comes first, within [0, n).
export function between(a, b, n) {
  const clamp = (i) => Math.min(n - 1, Math.max(0, i));
  return [Math.min(clamp(a), clamp(b)), Math.max(clamp(a), clamp(b))];
}
