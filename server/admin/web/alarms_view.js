// alarms_view.js -- the alarms that rang, one by one: what was not done, who has
// seen to it; here they are acknowledged.

import { get } from './api.js';
import { h, button, fill, loading, notice } from './dom.js';
import { formatRoute } from './route.js';
import { moment, ticking } from './time.js';
import { alarmText } from './alarms.js';
import { stateText } from './words.js';

const PAGE = 100;

export class AlarmsView {
  constructor(app, route) {
    this.title = 'Alarms';
    this.app = app;
    this.heard = h('input', { type: 'checkbox', id: 'heard', on: {
      change: () => app.go({ view: 'alarms', values: {
        all: this.heard.checked ? 'true' : '' } }) } });
    this.list = h('ul', { class: 'alarm-list' });
    this.box = h('div', null, loading('the alarms'));
    this.node = h('div', { class: 'page-place' }, h('div', { class: 'page' },
      h('header', { class: 'page-head' }, h('h1', null, 'Alarms'),
        h('span', { class: 'gap' }), h('label', { class: 'check' },
          this.heard, ' acknowledged ones too')),
      h('p', { class: 'dim small' }, 'An alarm rings when a handler has not ' +
        'done an order by its deadline. See to the order, then acknowledge ' +
        'it.'), this.box));
    this.update(route);
  }

  update({ values }) {
    this.all = values.all === 'true';
    this.heard.checked = this.all;
    this.load();
  }

  async load(before = null) {
    const turn = this.turn = Symbol('load');
    let page;
    try {
      page = await get('/api/v1/alarms', { limit: PAGE, before,
        all: this.all ? 'true' : '' });
    } catch (e) {
      if (this.turn === turn && this.alarms === undefined)
        fill(this.box, notice('bad', 'The alarms could not be loaded',
          `${e.message}.`, button('Try again', { class: 'quiet' },
            () => this.load())));
      return;
    }
    if (this.turn !== turn)
      return;
    this.alarms = [...before === null ? [] : this.alarms, ...page.alarms];
    this.next = page.next;
    this.draw();
  }

  alarmNode(alarm) {
    const open = alarm.acknowledged_at === null && alarm.state !== 'discarded';
    const values = { in: alarm.scope ?? '' };
    return h('li', { class: open ? 'alarm open' : 'alarm' },
      h('div', { class: 'alarm-words' },
        h('p', null, h('strong', null, `${alarmText(alarm)}.`)),
        h('p', { class: 'dim' }, `${alarm.handler} rang at `,
          moment(alarm.rang_at), ' (', ticking(alarm.rang_at, 'ago'), '). ',
          open ? null : alarm.acknowledged_at === null ?
            `${stateText(alarm.state)}.` : ['Acknowledged by ', h('bdi', null,
              alarm.acknowledged_by || 'nobody who is known'), ' at ',
            moment(alarm.acknowledged_at), '.'])),
      h('div', { class: 'need-acts' },
        open && button('Acknowledge', { class: 'danger', 'aria-label':
          `Acknowledge: ${alarmText(alarm)}` }, async () => {
          await this.app.alarms.acknowledge([alarm]);
          this.load();
        }),
        alarm.order_id !== null && h('a', { class: 'button', href:
          formatRoute({ view: 'orders', id: alarm.order_id, values }) },
        'Order'),
        h('a', { class: 'button', href: formatRoute({ view: 'events',
          id: alarm.event_id, values }) }, 'Event')));
  }

  draw() {
    if (this.alarms.length === 0) {
      fill(this.box, notice('good', this.all ? 'No alarm has rung' :
        'No alarm waits for anybody'));
      return;
    }
    fill(this.list, this.alarms.map((a) => this.alarmNode(a)));
    fill(this.box, this.list, this.next !== null && button('Load older ones',
      { class: 'quiet more' }, () => this.load(this.next)));
  }

  // The newest are in each status: what is told here goes with them.
  setStatus({ alarms }) {
    const key = JSON.stringify(alarms.map((a) => [a.id, a.state]));
    if (this.key !== undefined && this.key !== key)
      this.load();
    this.key = key;
  }

  message() {}

  reset() {
    this.load();
  }

  close() {
    this.turn = null;
  }
}
