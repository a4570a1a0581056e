// charts.test.js -- where things stand in the page's pictures.

import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './lib/modules.js';

process.env.TZ = 'UTC';
const { areaPath, between, countAges, gather, greatest, groupOf, heatLevel,
  heatPaths, linePath, middle, niceMax, stacked, thin, timeTicks } =
  await load('chart_shape.js');
const { healthText } = await load('now.js');

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const NOON = Date.UTC(2026, 5, 25, 12);

test('no more bars than there is room for, of a round number of slots', () => {
  assert.equal(groupOf(60, 200, MINUTE), 1);
  assert.equal(groupOf(1440, 200, MINUTE), 10);
  assert.equal(groupOf(1440, 60, MINUTE), 30);
  assert.equal(groupOf(168, 60, HOUR), 3);
  assert.ok(1440 / groupOf(1440, 7, MINUTE) <= 7);
});

test('slots are put together at full times, and none is lost', () => {
  const values = { a: [1, 2, 3, 4, 5, 6, 7], b: [0, 0, 1, 0, 0, 0, 0] };
  const bars = gather(values, ['a', 'b'], { from: NOON + 3 * MINUTE,
    stepMs: MINUTE, group: 5 });
  assert.deepEqual(bars.map(({ at, to, sums }) => [(at - NOON) / MINUTE,
    (to - NOON) / MINUTE, sums.a, sums.b]), [[3, 5, 3, 0], [5, 10, 25, 1]]);
  assert.deepEqual(gather({ a: [] }, ['a'], { from: NOON, stepMs: MINUTE,
    group: 5 }), []);
});

test('the scale ends at a round number', () => {
  assert.deepEqual([0, 1, 3, 7, 10, 11, 99, 101, 2500].map(niceMax),
    [1, 1, 5, 10, 10, 20, 100, 200, 5000]);
});

test('bars stand on each other, and what is there is seen', () => {
  const bars = [{ at: 0, to: 10, sums: { a: 50, b: 50 } },
    { at: 10, to: 20, sums: { a: 0, b: 0 } },
    { at: 20, to: 30, sums: { a: 1000, b: 1 } }];
  const paths = stacked(bars, ['a', 'b'], { x: (at) => at, height: 100,
    max: 1000 });
  assert.equal(paths.a, 'M0 95h9v5h-9zM20 0h9v100h-9z');
  // 5 on top of 5; and 1 of 1000 is thicker than nothing.
  assert.match(paths.b, /^M0 90h9v5h-9zM20 0h9v/);
});

test('a line has a gap where nothing is known', () => {
  const size = { width: 40, height: 10, max: 10 };
  assert.equal(linePath([10, 5, null, 0], size),
    'M0 0h10H10V5h10M30 10h10');
  assert.equal(linePath([null, null], size), '');
  assert.equal(linePath([99], size), 'M0 0h40');
  assert.equal(areaPath([0, 10], size), 'M20 10V0h20V10z');
});

test('many values are thinned, and the greatest is not lost', () => {
  assert.deepEqual(thin([1, 9, null, null, 4], 2, greatest), [9, null, 4]);
  assert.deepEqual(thin([1, 9, 3], 3, middle), [3]);
});

test('times are full ones, and no more than there is room for', () => {
  const { ticks, stepMs } = timeTicks(NOON + 7 * MINUTE, NOON + HOUR, 400);
  assert.equal(stepMs, 15 * MINUTE);
  assert.deepEqual(ticks.map((t) => (t - NOON) / MINUTE), [15, 30, 45]);
  for (const span of [HOUR, 24 * HOUR, 720 * HOUR])
    for (const width of [60, 300, 1800])
      assert.ok(timeTicks(NOON, NOON + span, width, 72).ticks.length <=
        width / 72 + 1, `${span} ${width}`);
});

test('a cell is as dark as its share, and nothing is the lightest', () => {
  assert.equal(heatLevel(0, 100), 0);
  assert.equal(heatLevel(1, 100), 1);
  assert.equal(heatLevel(100, 100), 4);
  assert.equal(heatLevel(5, 0), 0);
  assert.deepEqual(heatPaths([[0, 1], [1, 0]], 1, { cell: 4, row: 10,
    gap: 1 }), ['M0 0h3v9h-3zM4 10h3v9h-3z', '', '', '',
    'M4 0h3v9h-3zM0 10h3v9h-3z']);
});

test('each age has one column', () => {
  const counts = countAges([0, 4 * MINUTE, 5 * MINUTE, 3 * HOUR,
    400 * HOUR]);
  assert.deepEqual(counts, [2, 1, 0, 0, 0, 1, 0, 1]);
});

test('a range begins where it was left, in either direction', () => {
  assert.deepEqual(between(5, 2, 10), [2, 5]);
  assert.deepEqual(between(-3, 99, 10), [0, 9]);
});

test('one sentence says how it stands', () => {
  const urgent = { urgent: true };
  const mild = { urgent: false };
  assert.equal(healthText([]), 'All is well');
  assert.equal(healthText([mild]), 'Orders flow. 1 thing to look at');
  assert.equal(healthText([urgent, mild]), '1 thing needs you now');
  assert.equal(healthText([urgent, urgent]), '2 things need you now');
});
