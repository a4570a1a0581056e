// rejections.js -- what was refused, why, and what is probably wrong.

import { get, part } from './api.js';
import { h, button, fact, fill, notice, loading, section, setText }
  from './dom.js';
import { formatRoute } from './route.js';
import { moment, ticking } from './time.js';
import { BodyView } from './body_view.js';
import { CAUSE_NAMES, causeTitle, causeText, bytesText, countText, sentence }
  from './words.js';

const PAGE = 100;
const AGAIN_MS = 1000; // messages come many at a time
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
      r.cause !== 'id_conflict' && h('p', { class: 'dim' }, 'It became no ' +
        'event, and cannot be replayed here: once the cause is mended, ' +
        'klikit has to send it again.'),
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
    this.groups = [];
    this.rows = [];
    this.next = null;
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

  // The groups, and of them, or of the one that is open, the newest rows.
  async load(anew) {
    const turn = Symbol('load');
    const { cause, code } = this.values;
    this.turn = turn;
    if (anew) {
      this.rows = null;
      fill(this.box, loading('rejections'));
    }
    try {
      const [{ groups }, page] = await Promise.all([
        get(`${PATH}/groups`, { cause, code }),
        get(PATH, { limit: PAGE, cause, code })]);
      if (this.turn !== turn)
        return;
      this.groups = groups;
      this.take(page);
      this.draw();
    } catch (e) {
      if (this.turn === turn && this.rows === null)
        fill(this.box, notice('bad', 'The rejections could not be loaded',
          `${e.message}.`, button('Try again', { class: 'quiet' },
            () => this.load(true))));
    }
  }

  // The newest rows; older ones that were loaded stay, if none lacks between.
  take({ rejections, next }) {
    const at = next === null ? -1 : (this.rows ?? []).findIndex((r) =>
      r.id === rejections.at(-1).id);
    this.rows = at === -1 ? rejections :
      [...rejections, ...this.rows.slice(at + 1)];
    if (this.rows.length === rejections.length)
      this.next = next;
  }

  async loadMore(e) {
    const { cause, code } = this.values;
    const { turn } = this;
    e.target.disabled = true;
    try {
      const page = await get(PATH, { limit: PAGE, cause, code,
        before: this.next });
      if (this.turn !== turn)
        return;
      this.rows = [...this.rows, ...page.rejections];
      this.next = page.next;
    } catch { /* the button stays, to be tried again */ }
    this.draw();
  }

  groupNode({ cause, diagnosis_code: code, diagnosis, deliveries: n,
    first_at: first, last_at: last }) {
    return h('li', { class: 'group' },
      h('a', { href: formatRoute({ view: 'rejections', values: { cause,
        code: code ?? 'none' } }) },
      h('span', { class: 'rejection-head' },
        h('strong', null, causeTitle(cause)),
        h('span', { class: 'group-count' }, countText(n, 'delivery',
          'deliveries'))),
      h('span', { class: 'group-why' }, diagnosis === null ?
        causeText(cause) : sentence(diagnosis)),
      h('span', { class: 'dim small' }, 'last seen ', ticking(last, 'ago'),
        first !== last && [', first ', moment(first)])));
  }

  // One group that is open: what it is, and the way back to all.
  openNode() {
    const { code } = this.values;
    const group = this.groups[0];
    return [h('p', { class: 'group-open' }, 'Only ', code === 'none' ?
      'those without a diagnosis' : h('code', null, code), '. ',
    h('a', { href: '#/rejections' }, 'Show all')),
    group && h('p', { class: 'lead' }, group.diagnosis === null ?
      causeText(group.cause) : sentence(group.diagnosis)),
    group && h('p', { class: 'dim group-said' },
      countText(group.deliveries, 'delivery', 'deliveries'), ', the first ',
      moment(group.first_at), ', the last ', ticking(group.last_at, 'ago'))];
  }

  // What is refused most, first; then one by one, the newest first.
  groupsNode() {
    if (this.values.code !== undefined)
      return this.openNode();
    return [h('h2', null, 'What was refused'),
      h('ul', { class: 'rejections groups' }, this.groups.map((g) =>
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
    const n = this.groups.reduce((sum, g) => sum + g.deliveries, 0);
    setText(this.count, n === 0 ? '' : countText(n, 'rejection'));
    fill(this.box, this.rows.length === 0 ? notice('good',
      'Nothing was refused', this.values.cause ? 'For this cause.' :
        'Every delivery so far had a right signature.') :
      [this.groupsNode(),
      h('ul', { class: 'rejections' }, this.rows.map((r) => this.rowNode(r))),
      this.next !== null && button('Load older ones', { class: 'quiet more' },
        (e) => this.loadMore(e))].flat());
  }

  // A diagnosis may follow its rejection; several come together.
  message(kind, data) {
    if (kind !== 'rejection' ||
        (this.values.cause && this.values.cause !== data.cause))
      return;
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      this.load(false);
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
