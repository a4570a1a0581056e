// charts.js -- pictures of numbers: SVG made of chart_shape.js's paths, in the
// colours of app.css. Each says in words what it shows.

import { fill, h, setText, svg } from './dom.js';
import { AGES, areaPath, between, countAges, gather, greatest, groupOf,
  heatPaths, linePath, middle, niceMax, stacked, thin, timeTicks }
  from './chart_shape.js';
import { clockText, dayText, spanText, tookText } from './time.js';
import { countText } from './words.js';

const HOUR = 3600000;
const DAY = 24 * HOUR;
const number = (n) => n.toLocaleString('en');

// "14:05", and the day before it where a picture shows more than one.
export function whenText(at, stepMs = 0) {
  const date = new Date(at);
  const clock = clockText(date).slice(0, 5);
  if (stepMs >= DAY)
    return dayText(date).slice(5);
  return stepMs >= 6 * HOUR ? `${dayText(date).slice(5)} ${clock}` : clock;
}

// Draw again when the width has changed: text must not be stretched.
class Sized {
  constructor(height, attributes = {}) {
    this.height = height;
    this.width = 0;
    this.node = h('div', { class: 'chart-box' });
    this.picture = svg('svg', { height, 'aria-hidden': 'true', ...attributes });
    this.node.append(this.picture);
    this.observer = new ResizeObserver(([{ contentRect }]) => {
      const width = Math.floor(contentRect.width);
      if (width === this.width || width === 0)
        return;
      this.width = width;
      this.picture.setAttribute('width', width);
      this.picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
      this.draw();
    });
    this.observer.observe(this.node);
  }

  close() {
    this.observer.disconnect();
  }
}

// -- Received, duplicate, refused --

const INTAKE = [['received', 'received'], ['duplicates', 'duplicate'],
  ['refused', 'refused']];
const NAMES = INTAKE.map(([name]) => name);
const AXIS = 22;  // below the bars
const LEFT = 36;  // before them, for numbers

const sumsText = (sums) => INTAKE.map(([name, word]) =>
  `${number(sums[name])} ${word}`).join(', ');

// What happened when. pick(from, to) is called with a range that was chosen by
// dragging, or by the arrow keys and Enter.
export class IntakeChart extends Sized {
  constructor(pick) {
    super(200);
    this.pick = pick;
    this.data = null;
    this.at = null; // the bars that are chosen: [first, last]
    this.said = h('p', { class: 'chart-said' });
    this.legend = h('ul', { class: 'legend' }, INTAKE.map(([name, word]) =>
      h('li', { class: `of-${name}` }, word)));
    this.chosen = svg('rect', { class: 'chosen', y: 0,
      height: this.height - AXIS });
    this.chosen.toggleAttribute('hidden', true);
    this.drawn = svg('g');
    this.picture.append(this.drawn, this.chosen);
    Object.entries({ tabindex: '0', role: 'slider', 'aria-label':
      'Deliveries over time: arrow keys move, Shift with them chooses a ' +
      'range, Enter shows its events', 'aria-valuemin': 0 })
      .forEach(([name, value]) => this.node.setAttribute(name, value));
    this.node.classList.add('intake');
    this.listen();
  }

  listen() {
    const barAt = (e) => this.barAt(e.clientX -
      this.picture.getBoundingClientRect().left);
    this.node.addEventListener('pointerdown', (e) => {
      if (e.button !== 0 || this.bars === undefined)
        return;
      this.anchor = barAt(e);
      this.moved = false;
      this.node.setPointerCapture(e.pointerId);
      this.choose(this.anchor, this.anchor);
    });
    this.node.addEventListener('pointermove', (e) => {
      if (this.bars === undefined)
        return;
      if (this.anchor === undefined) {
        if (e.pointerType === 'mouse')
          this.choose(barAt(e), barAt(e));
        return;
      }
      this.moved = this.moved || barAt(e) !== this.anchor;
      this.choose(this.anchor, barAt(e));
    });
    this.node.addEventListener('pointerup', () => {
      const done = this.anchor !== undefined && this.moved;
      this.anchor = undefined;
      if (done)
        this.pickChosen();
    });
    this.node.addEventListener('pointercancel', () => this.leave());
    this.node.addEventListener('pointerleave', () => this.anchor ===
      undefined && document.activeElement !== this.node && this.leave());
    this.node.addEventListener('dblclick', () => this.pickChosen());
    this.node.addEventListener('blur', () => this.leave());
    this.node.addEventListener('keydown', (e) => this.key(e));
  }

  key(e) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity,
      End: Infinity };
    if (this.bars === undefined || this.bars.length === 0)
      return;
    if (e.key === 'Enter' && this.at !== null)
      this.pickChosen();
    else if (e.key === 'Escape' && this.at !== null)
      this.leave();
    else if (moves[e.key] !== undefined) {
      const n = this.bars.length;
      const to = (this.focus ?? n) + moves[e.key];
      this.focus = Math.min(n - 1, Math.max(0, to));
      if (!e.shiftKey || this.start === undefined)
        this.start = this.focus;
      this.choose(this.start, this.focus);
    } else
      return;
    e.preventDefault();
    e.stopPropagation();
  }

  leave() {
    this.anchor = this.focus = this.start = undefined;
    this.at = null;
    this.chosen.toggleAttribute('hidden', true);
    this.say();
  }

  barAt(x) {
    const at = this.data.from + (x - LEFT) / (this.width - LEFT) *
      (this.data.to - this.data.from);
    const i = this.bars.findIndex((bar) => at < bar.to);
    return i === -1 ? this.bars.length - 1 : i;
  }

  choose(a, b) {
    this.at = between(a, b, this.bars.length);
    const left = this.x(this.bars[this.at[0]].at);
    this.chosen.setAttribute('x', left);
    this.chosen.setAttribute('width',
      Math.max(2, this.x(this.bars[this.at[1]].to) - left));
    this.chosen.toggleAttribute('hidden', false);
    this.say();
  }

  pickChosen() {
    if (this.at !== null)
      this.pick(this.bars[this.at[0]].at, this.bars[this.at[1]].to);
  }

  x(at) {
    const { from, to } = this.data;
    return LEFT + (at - from) / (to - from) * (this.width - LEFT);
  }

  // data: {from, to, stepMs, values: {received, duplicates, refused, ran_s}}
  set(data) {
    this.data = data;
    if (this.width > 0)
      this.draw();
  }

  draw() {
    if (this.data === null)
      return;
    const { from, to, stepMs, values } = this.data;
    const slots = values.received.length;
    const group = groupOf(slots, (this.width - LEFT) / 5, stepMs);
    this.bars = gather(values, [...NAMES, 'ran_s'], { from, stepMs, group });
    this.max = niceMax(Math.max(4, ...this.bars.map(({ sums }) =>
      NAMES.reduce((n, name) => n + sums[name], 0))));
    const height = this.height - AXIS;
    const paths = stacked(this.bars, NAMES,
      { x: (at) => this.x(at), height: height - 6, max: this.max });
    const { ticks, stepMs: tickMs } = timeTicks(from, to, this.width - LEFT);
    fill(this.drawn,
      this.gaps(height),
      [0, 0.5, 1].flatMap((part) => this.line(part, height)),
      svg('g', { class: 'bars', transform: 'translate(0 6)' },
        NAMES.map((name) => svg('path', { class: `of-${name}`,
          d: paths[name] }))),
      ticks.map((at) => svg('text', { class: 'axis', y: this.height - 6,
        x: this.x(at) }, whenText(at, tickMs))));
    this.node.setAttribute('aria-valuemax', this.bars.length - 1);
    if (this.at !== null && this.anchor === undefined)
      this.choose(...this.at);
    else
      this.say();
  }

  line(part, height) {
    const y = Math.round(height - part * (height - 6)) + 0.5;
    return [svg('line', { class: 'grid', x1: LEFT, x2: this.width, y1: y,
      y2: y }), svg('text', { class: 'scale', x: LEFT - 6, y: y + 4 },
      part * this.max % 1 === 0 ? number(part * this.max) : '')];
  }

  // Where no server ran nothing could come: that is no zero.
  gaps(height) {
    let d = '';
    for (const { at, to, sums } of this.bars) {
      if (sums.ran_s === 0 && to <= this.data.now)
        d += `M${this.x(at)} 6H${this.x(to)}V${height}H${this.x(at)}z`;
    }
    return svg('path', { class: 'gap-path', d });
  }

  // In words: of what is chosen, else of all.
  say() {
    if (this.data === null)
      return;
    const bars = this.bars ?? [];
    const chosen = this.at === null ? bars :
      bars.slice(this.at[0], this.at[1] + 1);
    const sums = Object.fromEntries(NAMES.map((name) => [name,
      chosen.reduce((n, bar) => n + bar.sums[name], 0)]));
    const wide = this.data.to - this.data.from > DAY ? 6 * HOUR : 0;
    const text = this.at === null ? `${sumsText(sums)}.` :
      `${whenText(chosen[0].at, wide)} to ` +
      `${whenText(chosen[chosen.length - 1].to, wide)}: ${sumsText(sums)}.`;
    const how = this.at === null ? ' Drag over a range to see its events.' :
      '';
    setText(this.said, text + how);
    this.node.setAttribute('aria-valuenow', this.at?.[1] ??
      Math.max(0, bars.length - 1));
    this.node.setAttribute('aria-valuetext', text);
  }
}

// -- One handler --

const spark = (height, ...parts) => svg('svg', { class: 'spark', height,
  viewBox: `0 0 240 ${height}`, preserveAspectRatio: 'none',
  'aria-hidden': 'true' }, ...parts);

const sparkRow = (label, value, picture, text) => h('div',
  { class: 'spark-row' }, h('dt', null, label), h('dd', null,
    h('span', { class: 'spark-value' }, value), picture,
    h('span', { class: 'unseen' }, text)));

function attemptsRow({ done, failed, dead, total }, frame) {
  const bad = failed.map((n, i) => n + dead[i]);
  const bars = gather({ done, bad }, ['done', 'bad'], frame);
  const max = Math.max(1, ...bars.map(({ sums }) => sums.done + sums.bad));
  const span = frame.stepMs * done.length;
  const paths = stacked(bars, ['done', 'bad'], { height: 32, max,
    x: (at) => (at - frame.from) / span * 240 });
  const lost = total.failed + total.dead;
  return sparkRow('attempts', [`${number(total.done)} done`, lost > 0 &&
    h('span', { class: 'bad' }, `, ${number(lost)} failed`)],
  spark(32, svg('path', { class: 'of-received', d: paths.done }),
    svg('path', { class: 'of-refused', d: paths.bad })),
  `${countText(total.dead, 'job')} died.`);
}

function timeRow({ p50_ms: p50, p95_ms: p95, total }, { group }) {
  if (total.p95_ms === null)
    return null; // it calls nobody
  const slow = thin(p95, group, greatest);
  const size = { width: 240, height: 28,
    max: Math.max(1, ...slow.filter((n) => n !== null)) };
  const ms = (n) => tookText(Math.ceil(n));
  return sparkRow('calls', `half in ${ms(total.p50_ms)}, 95 % in ${
    ms(total.p95_ms)}`,
  spark(28, svg('path', { class: 'line-p95', d: linePath(slow, size) }),
    svg('path', { class: 'line-p50',
      d: linePath(thin(p50, group, middle), size) })), '');
}

function backlogRow({ pending }, { group }) {
  const most = Math.max(0, ...pending);
  const last = pending[pending.length - 1] ?? 0;
  return sparkRow('waiting', most === 0 ? 'none' :
    `${number(last)} now, ${number(most)} at most`,
  spark(20, svg('path', { class: 'area-pending', d: areaPath(thin(pending,
    group, greatest), { width: 240, height: 20, max: Math.max(1, most) }) })),
  '');
}

// What a handler did, as rows of a list.
export function handlerRows(handler, { from, stepMs }) {
  const frame = { from, stepMs,
    group: groupOf(handler.done.length, 60, stepMs) };
  return [attemptsRow(handler, frame), timeRow(handler, frame),
    backlogRow(handler, frame)];
}

// -- Branches by hours --

const ROW = 18;
const BRANCHES_MAX = 25;

// branches: [{branch, events}], by the hour from `from' on; silent: a set of
// branches. Rows are sorted by how much came.
export class HeatMap extends Sized {
  constructor() {
    super(ROW);
    this.labels = h('ul', { class: 'heat-labels' });
    this.node.classList.add('heat');
    this.said = h('p', { class: 'chart-said' });
    this.whole = h('div', { class: 'heat-whole' }, this.labels, this.node);
    this.node.addEventListener('pointermove', (e) => this.point(e));
    this.node.addEventListener('pointerleave', () => this.say());
  }

  set({ from, now, branches, silent }) {
    const total = (b) => b.events.reduce((sum, n) => sum + n, 0);
    const all = branches.map((b) => ({ ...b, total: total(b) }))
      .sort((a, b) => silent.has(b.branch) - silent.has(a.branch) ||
        b.total - a.total);
    this.data = { from, now, all, rows: all.slice(0, BRANCHES_MAX), silent };
    this.height = this.data.rows.length * ROW + AXIS;
    this.picture.setAttribute('height', this.height);
    fill(this.labels, this.data.rows.map(({ branch }) => h('li',
      { class: silent.has(branch) ? 'warn' : null }, h('bdi', null,
        branch === '' ? 'no branch' : branch === '*' ? 'others' : branch),
      silent.has(branch) && h('span', { class: 'silent' }, ' silent'))));
    if (this.width > 0)
      this.draw();
    this.say();
  }

  draw() {
    if (this.data === undefined)
      return;
    const { from, rows } = this.data;
    const hours = rows[0]?.events.length ?? 0;
    // On a phone an hour would be thinner than a pixel or two.
    this.group = groupOf(hours, this.width / 4, HOUR);
    const to = from + hours * HOUR;
    const cells = rows.map(({ events }) => gather({ events }, ['events'],
      { from, stepMs: HOUR, group: this.group }));
    this.bars = cells[0] ?? [];
    const max = Math.max(1, ...cells.flat().map(({ sums }) => sums.events));
    const cell = this.width / Math.max(1, this.bars.length);
    const paths = heatPaths(cells.map((row) => row.map(({ sums }) =>
      sums.events)), max, { cell, row: ROW, gap: cell > 5 ? 1 : 0.5 });
    const { ticks, stepMs } = timeTicks(from, to, this.width, 90);
    this.picture.setAttribute('viewBox', `0 0 ${this.width} ${this.height}`);
    fill(this.picture,
      paths.map((d, i) => svg('path', { class: `heat-${i}`, d })),
      ticks.map((at) => svg('text', { class: 'axis', y: this.height - 6,
        x: (at - from) / (to - from) * this.width }, whenText(at, stepMs))));
  }

  point(e) {
    const box = this.picture.getBoundingClientRect();
    const row = this.data?.rows[Math.floor((e.clientY - box.top) / ROW)];
    const i = Math.floor((e.clientX - box.left) / box.width *
      (this.bars?.length ?? 0));
    const bar = this.bars?.[i];
    if (row === undefined || bar === undefined) {
      this.say();
      return;
    }
    const first = Math.round((bar.at - this.data.from) / HOUR);
    const last = Math.round((bar.to - this.data.from) / HOUR);
    const n = row.events.slice(first, last).reduce((sum, k) => sum + k, 0);
    setText(this.said, `${row.branch || 'No branch'}, ` +
      `${whenText(bar.at, 6 * HOUR)} to ${whenText(bar.to)}: ` +
      `${countText(n, 'event')}.`);
  }

  say() {
    const { all, rows, silent } = this.data;
    const events = all.reduce((sum, b) => sum + b.total, 0);
    const names = all.filter((b) => silent.has(b.branch))
      .map((b) => b.branch);
    setText(this.said, `${countText(events, 'event')} of ` +
      `${countText(all.length, 'branch', 'branches')} in 7 days.` +
      (names.length > 0 ? ` Silent: ${names.join(', ')}.` : '') +
      (all.length > rows.length ? ` The busiest ${rows.length} are shown.` :
        ''));
  }
}

// -- Open orders --

// How long ago open orders came in: columns of HTML, which wrap nowhere.
export function ageColumns(ages) {
  const counts = countAges(ages);
  const max = Math.max(1, ...counts);
  return h('ol', { class: 'ages' }, counts.map((n, i) => h('li', null,
    h('span', { class: 'age-count' }, n === 0 ? '' : number(n)),
    svg('svg', { class: 'age-bar', viewBox: '0 0 10 100',
      preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('rect', { class: 'of-received', x: 0, width: 10,
      y: 100 - n / max * 100, height: n / max * 100 })),
    h('span', { class: 'age-name' }, AGES[i][1]))));
}

export function agesText(ages, more) {
  if (ages.length === 0)
    return 'No order is open.';
  return `${countText(ages.length, 'open order')}${more ? ' and more' : ''}` +
    `, the oldest for ${spanText(Math.max(...ages))}.`;
}
