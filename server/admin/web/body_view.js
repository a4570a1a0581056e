// body_view.js -- a body as pretty, raw or hex, with customers' data hidden
// until it is asked for.

import { h, button, fill, notice, loading } from './dom.js';
import { scan } from './json_scan.js';
import { markPersonal } from './personal.js';
import { jsonTree, rawText } from './json_view.js';
import { hexView } from './hex_view.js';

const MODES = [['pretty', 'Pretty'], ['raw', 'Raw'], ['hex', 'Hex']];
const WIDE_PX = 620; // from here on 16 bytes a line
let mode = 'pretty'; // of the last body looked at: the next one opens alike

export function download(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes],
    { type: 'application/octet-stream' }));
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// A name for a file, of an id that came from outside.
export function fileName(id) {
  return `klikit-${id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 60)}.json`;
}

export class BodyView {
  // fetchBytes() gives the bytes; actions are further buttons.
  constructor({ fetchBytes, name, actions = [], gone = null }) {
    this.fetchBytes = fetchBytes;
    this.name = name;
    this.gone = gone;
    this.shown = false;
    this.modes = MODES.map(([id, text]) => button(text,
      { class: 'segment', 'data-mode': id }, () => this.choose(id)));
    this.reveal = button('', { class: 'quiet reveal', hidden: true },
      () => this.toggle());
    this.save = button('Download', { class: 'quiet', disabled: true },
      () => download(this.bytes, this.name));
    this.box = h('div', { class: 'body-box' });
    this.node = h('div', { class: 'body-view' },
      h('div', { class: 'tools' },
        h('div', { class: 'segments', role: 'group',
          'aria-label': 'How to show the body' }, this.modes),
        this.reveal, h('span', { class: 'gap' }), this.save, actions),
      this.box);
    this.load();
  }

  async load() {
    if (this.gone !== null) {
      fill(this.box, notice('empty', 'The body is no longer kept', this.gone));
      this.modes.forEach((m) => { m.disabled = true; });
      return;
    }
    fill(this.box, loading('the body'));
    try {
      this.bytes = await this.fetchBytes();
    } catch (e) {
      fill(this.box, e.status === 410 ?
        notice('empty', 'The body is no longer kept',
          'It was removed by retention or by a purge.') :
        notice('bad', 'The body could not be loaded', e.message));
      return;
    }
    this.save.disabled = false;
    this.scanned = scan(this.bytes);
    this.spans = markPersonal(this.scanned, this.bytes.length);
    this.reveal.hidden = this.spans.length === 0;
    this.draw();
  }

  choose(id) {
    mode = id;
    this.draw();
  }

  toggle() {
    this.shown = !this.shown;
    this.draw();
  }

  draw() {
    for (const m of this.modes)
      m.setAttribute('aria-pressed', String(m.dataset.mode === mode));
    this.reveal.textContent = this.shown ? 'Hide customer data' :
      'Show customer data';
    this.reveal.setAttribute('aria-pressed', String(this.shown));
    if (this.bytes === undefined)
      return;
    if (this.bytes.length === 0) {
      fill(this.box, notice('empty', 'The body is empty'));
      return;
    }
    if (mode === 'pretty')
      fill(this.box, jsonTree(this.bytes, this.scanned, this.shown));
    else if (mode === 'raw')
      fill(this.box, rawText(this.bytes, this.spans, this.shown));
    else
      fill(this.box, hexView(this.bytes, this.spans, this.shown,
        this.box.clientWidth >= WIDE_PX ? 16 : 8));
  }
}
