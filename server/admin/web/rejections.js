// rejections.js -- what was refused, why, and what is probably wrong.

import { get, part } from './api.js';
import { h, button, fact, fill, notice, loading, section, setText }
  from './dom.js';
import { formatRoute } from './route.js';
import { moment, ticking } from './time.js';
import { BodyView } from './body_view.js';
import { CAUSE_NAMES, causeTitle, causeText, bytesText, countText, sentence }
  from './words.js';

const PAGE = 500;
const PAGES = 4;   // at once: of so many of the newest groups are made
const SHOWN = 100; // rows, until more are asked for
const ROWS_MAX = 20000;
const AGAIN_MS = 300; // messages come many at a time
const PATH = '/api/v1/rejections';

function diagnosisNode(r) {
  return r.diagnosis === null ? null :
    h('p', { class: 'diagnosis' }, h('span', { class: 'tag' }, 'Diagnosis'),
      sentence(r.diagnosis));
}

/** Strangers' ones are sampled: a row says how many are missing before it. */
function notKeptText(n) {
  return `${countText(n, 'other')} refused before it ` +
    `${n === 1 ? 'is' : 'are'} only counted.`;
}

// What was found, and so often, among these, the newest first: each with its
// cause, diagnosis, the newest row and how many deliveries it stands for (pure).
export function groupsOf(rows) {
  const groups = new Map();
  for (const r of rows) {
    const key = `${r.cause}\0${r.diagnosis_code ?? ''}`;
    const known = groups.get(key) ?? { cause: r.cause, code: r.diagnosis_code,
      newest: r, n: 0 };
    known.n += 1 + r.repeats + r.not_kept;
    groups.set(key, known);
  }
  return [...groups.values()].sort((a, b) => b.n - a.n);
}

function decodeBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

class RejectionView {
  constructor(id, back) {
    this.id = id;
    this.title = h('h1', { tabIndex: -1 }, `Rejection ${id}`);
    this.content = h('div');
    this.node = h('article', { class: 'page detail' },
      h('header', { class: 'page-head' }, this.title, h('span',
        { class: 'gap' }), h('a', { class: 'back', href: back, 'aria-label':
        'Back to the rejections' }, '✕')), this.content);
    fill(this.content, loading('the rejection'));
    this.load();
    setTimeout(() => this.title.focus({ preventScroll: true }));
  }

  async load() {
    try {
      this.draw(await get(`${PATH}/${part(this.id)}`));
    } catch (e) {
      fill(this.content, e.status === 404 ?
        notice('empty', 'There is no such rejection',
          'Only the newest ones are kept.') :
        notice('bad', 'The rejection could not be loaded', `${e.message}.`,
          button('Try again', { class: 'quiet' }, () => this.load())));
    }
  }

  draw(r) {
    const kept = decodeBase64(r.body_base64 ?? '');
    const body = new BodyView({ fetchBytes: async () => kept,
      name: `klikit-rejection-${this.id}.bin` });
    setText(this.title, causeTitle(r.cause));
    fill(this.content,
      h('p', { class: 'lead' }, causeText(r.cause)), diagnosisNode(r),
      h('dl', { class: 'facts' },
        fact('At', moment(r.at, true), ' ', h('span', { class: 'dim' }, '(',
          ticking(r.at, 'ago'), ')')),
        fact('From', r.peer), fact('Endpoint', r.endpoint),
        fact('Size', bytesText(r.size)),
        r.repeats > 0 && fact('Again', countText(r.repeats, 'time'),
          ', last ', moment(r.last_at, true)),
        r.not_kept > 0 && fact('Not kept', notKeptText(r.not_kept)),
        fact('Cause', h('code', null, r.cause)),
        fact('Diagnosis', r.diagnosis_code && h('code', null,
          r.diagnosis_code))),
      section('Headers', { class: 'part' }, r.headers ?
        h('pre', { class: 'raw', tabIndex: 0 }, r.headers) :
        h('p', { class: 'dim' }, 'None are kept.')),
      section('Body', { class: 'part' }, kept.length < r.size &&
        h('p', { class: 'dim' }, `The first ${bytesText(kept.length)} of ` +
          `${bytesText(r.size)} are kept.`), body.node));
  }
}

export class RejectionsView {
  constructor(app, route) {
    this.title = 'Rejections';
    this.app = app;
    this.rows = [];
    this.next = null;
    this.limit = SHOWN;
    this.detail = null;
    this.cause = h('select', { id: 'cause', on: { change: () =>
      app.go({ view: 'rejections', values: { cause: this.cause.value } }) } },
    h('option', { value: '' }, 'every cause'),
    CAUSE_NAMES.map((c) => h('option', { value: c }, causeTitle(c))));
    this.count = h('span', { class: 'count' });
    this.box = h('div');
    this.list = h('div', { class: 'page' },
      h('header', { class: 'page-head' }, h('h1', null, 'Rejections'),
        this.count, h('span', { class: 'gap' }),
        h('label', { class: 'field' }, h('span', null, 'Cause'), this.cause)),
      this.box);
    this.node = h('div', { class: 'page-place' });
    this.update(route);
  }

  update(route) {
    const asked = ({ cause = '', code = '' }) => `${cause}\0${code}`;
    const again = this.values === undefined ||
      asked(this.values) !== asked(route.values);
    this.values = route.values;
    this.cause.value = route.values.cause ?? '';
    if (again)
      this.load(true);
    if (route.id === null) {
      this.detail = null;
      fill(this.node, this.list);
    } else if (this.detail?.id !== route.id) {
      this.detail = new RejectionView(route.id, formatRoute({
        view: 'rejections', values: this.values }));
      fill(this.node, this.detail.node);
    }
  }

  async load(anew) {
    const turn = Symbol('load');
    this.turn = turn;
    if (anew) {
      this.rows = null;
      fill(this.box, loading('rejections'));
    }
    try {
      const found = await this.fetchRows();
      if (this.turn !== turn)
        return;
      this.rows = found.rows;
      this.next = found.next;
      this.limit = SHOWN;
      this.draw();
    } catch (e) {
      if (this.turn === turn && this.rows === null)
        fill(this.box, notice('bad', 'The rejections could not be loaded',
          `${e.message}.`, button('Try again', { class: 'quiet' },
            () => this.load(true))));
    }
  }

  // The newest before that one.
  async fetchRows(before = undefined) {
    const rows = [];
    let next = before;
    for (let i = 0; i < PAGES && next !== null; i++) {
      const page = await get(PATH, { limit: PAGE, cause: this.values.cause,
        before: next });
      rows.push(...page.rejections);
      next = page.next;
    }
    return { rows, next };
  }

  async loadMore(e) {
    e.target.disabled = true;
    this.limit += SHOWN;
    try {
      if (this.limit > this.fitting().length && this.next !== null) {
        const found = await this.fetchRows(this.next);
        this.rows = [...this.rows, ...found.rows];
        this.next = found.next;
      }
    } catch { /* the button stays, to be tried again */ }
    this.draw();
  }

  // Those of the group that is open; of all groups if none is.
  fitting() {
    const { code } = this.values;
    return code === undefined ? this.rows : this.rows.filter((r) =>
      (r.diagnosis_code ?? 'none') === code);
  }

  groupNode({ cause, code, newest, n }) {
    return h('li', { class: 'group' },
      h('a', { href: formatRoute({ view: 'rejections', values: { cause,
        code: code ?? 'none' } }) },
      h('span', { class: 'rejection-head' },
        h('strong', null, causeTitle(cause)),
        h('span', { class: 'group-count' }, countText(n, 'delivery',
          'deliveries'))),
      h('span', { class: 'group-why' }, newest.diagnosis === null ?
        causeText(cause) : sentence(newest.diagnosis)),
      h('span', { class: 'dim small' }, 'last seen ',
        ticking(newest.last_at ?? newest.at, 'ago'))));
  }

  // What is refused most, and the way back from one of these to all.
  groupsNode() {
    if (this.values.code !== undefined)
      return h('p', { class: 'group-open' }, 'Only ',
        this.values.code === 'none' ? 'those without a diagnosis' :
          h('code', null, this.values.code), '. ',
        h('a', { href: '#/rejections' }, 'Show all'));
    const groups = groupsOf(this.rows);
    return groups.length < 2 ? null : [
      h('h2', null, this.next === null ? 'What was refused' :
        `What was refused, of the newest ${countText(this.rows.length,
          'rejection')}`),
      h('ul', { class: 'rejections groups' }, groups.map((g) =>
        this.groupNode(g))), h('h2', null, 'One by one')];
  }

  rowNode(r) {
    return h('li', { class: 'rejection' },
      h('a', { href: formatRoute({ view: 'rejections', id: String(r.id),
        values: this.values }) },
      h('span', { class: 'rejection-head' },
        h('strong', null, causeTitle(r.cause)),
        h('span', { class: 'dim' }, ticking(r.at, 'ago'))),
      h('span', { class: 'rejection-why' }, r.diagnosis === null ?
        causeText(r.cause) : sentence(r.diagnosis)),
      h('span', { class: 'dim small' }, moment(r.at), ' · ', r.peer, ' · ',
        bytesText(r.size), r.repeats > 0 &&
          ` · came again ${countText(r.repeats, 'time')}`),
      r.not_kept > 0 && h('span', { class: 'dim small' },
        notKeptText(r.not_kept))));
  }

  draw() {
    const rows = this.fitting();
    const more = this.next !== null || rows.length > this.limit;
    setText(this.count, rows.length === 0 ? '' :
      countText(rows.length, 'rejection') +
      (this.next === null ? '' : ' loaded'));
    fill(this.box, rows.length === 0 && !more ? notice('good',
      'Nothing was refused', this.values.cause ? 'For this cause.' :
        'Every delivery so far had a right signature.') :
      [this.groupsNode(),
      h('ul', { class: 'rejections' }, rows.slice(0, this.limit).map((r) =>
        this.rowNode(r))),
      more && button('Load older ones', { class: 'quiet more' },
        (e) => this.loadMore(e))].flat());
  }

  message(kind, data) {
    if (kind !== 'rejection' || this.rows === null ||
        (this.values.cause && this.values.cause !== data.cause))
      return;
    // A diagnosis may follow its rejection.
    this.rows = [data, ...this.rows.filter((r) => r.id !== data.id)]
      .sort((a, b) => b.id - a.id);
    if (this.rows.length > ROWS_MAX) {
      this.rows.length = ROWS_MAX;
      this.next = this.rows.at(-1).id; // they can be loaded again
    }
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      this.rows !== null && this.draw();
    }, AGAIN_MS);
    if (this.detail?.id === String(data.id))
      this.detail.load();
  }

  reset() {
    this.load(false);
  }

  key(e) {
    if (e.key !== 'Escape' || this.detail === null)
      return false;
    this.app.go({ view: 'rejections', values: this.values });
    return true;
  }

  close() {
    clearTimeout(this.soon);
    this.turn = null;
  }
}
