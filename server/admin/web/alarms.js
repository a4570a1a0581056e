// alarms.js -- kitchen alarms that rang: red above every view, until somebody
// says that he has seen them; with a sound and a notice of the browser, if
// asked for.

import { post } from './api.js';
import { h, button, fill } from './dom.js';
import { formatRoute } from './route.js';
import { ticking } from './time.js';
import { NAME_KEY, ask, toast } from './dialog.js';
import { play } from './sound.js';
import { countText } from './words.js';

const SOUND_KEY = 'klikitd-sound'; // "on": asked for on this screen
const SHOWN_MAX = 3;
// Where there is little room for it, or it is told as well.
const SHOWN = { kitchen: 1, now: 1, alarms: 0 };
const TONES = [880, 660, 880]; // Hz

// What happened, in one sentence (pure).
export function alarmText(alarm) {
  const what = alarm.order_id === null ? `event ${alarm.event_id}` :
    `order ${alarm.order_id}`;
  return `${alarm.guarded ?? 'The handler'} has not done ${what} in time`;
}

export class Alarms {
  constructor(app) {
    this.app = app;
    this.seen = null; // ids that were there before; null: nothing was asked
    this.count = 0;
    this.max = SHOWN_MAX;
    this.list = h('ul');
    this.sound = button('', { class: 'quiet' }, () => this.switchSound());
    this.node = h('section', { id: 'alarms', hidden: true,
      'aria-label': 'Kitchen alarms that rang' },
    this.list, h('div', { class: 'alarm-tools' },
      this.all = button('Acknowledge all', { class: 'danger' },
        () => this.acknowledge(this.alarms)), this.sound));
    this.said = h('p', { class: 'unseen', role: 'alert' });
    // One row of the page for all that stands above a view.
    const banner = document.getElementById('banner');
    const top = h('div');
    banner.replaceWith(top);
    top.append(banner, this.node, this.said);
    this.phone = matchMedia('(max-width: 640px)');
    this.phone.addEventListener('change', () => this.alarms && this.draw());
    this.drawSound();
  }

  // The newest alarms of the status, and how many there are.
  setStatus({ alarms = [], counts }) {
    const fresh = this.seen === null ? [] :
      alarms.filter((a) => !this.seen.has(a.id));
    this.seen = new Set([...this.seen ?? [], ...alarms.map((a) => a.id)]);
    const key = JSON.stringify([alarms, counts.alarms]);
    if (key !== this.key) {
      this.key = key;
      this.alarms = alarms;
      this.count = counts.alarms;
      this.draw();
    }
    if (fresh.length > 0)
      this.ring(fresh);
  }

  // The view that it stands above.
  setView(view) {
    this.max = SHOWN[view] ?? SHOWN_MAX;
    if (this.alarms !== undefined)
      this.draw();
  }

  draw() {
    const shown = this.alarms.slice(0, this.phone.matches ? Math.min(this.max, 1) :
      this.max);
    this.node.hidden = this.count === 0;
    this.all.hidden = this.alarms.length < 2;
    fill(this.list, shown.map((alarm) => h('li', null,
      h('span', null, h('strong', null, 'Alarm: '), h('a', {
        href: formatRoute({ view: 'events', id: alarm.event_id,
          values: { in: alarm.scope ?? '' } }) }, alarmText(alarm)),
      '; rang ', ticking(alarm.rang_at, 'ago'), '.'),
      button('Acknowledge', { class: 'danger' },
        () => this.acknowledge([alarm])))),
    this.max === 0 ? h('li', null, h('strong', null,
      countText(this.count, 'alarm has rung', 'alarms have rung'))) :
      this.count > shown.length && h('li', null, h('a', { href: '#/alarms' },
        `and ${this.count - shown.length} more`)));
    this.app.setTitle();
  }

  async acknowledge(alarms) {
    let name = localStorage.getItem(NAME_KEY);
    if (name === null) {
      name = await ask({ title: 'Who has seen it?',
        text: ['It is kept with the alarm. This screen remembers it.'],
        field: { label: 'Your name', required: true, placeholder: 'Rina' },
        confirm: 'Acknowledge' });
      if (name === null)
        return;
      name = name.slice(0, 48);
      localStorage.setItem(NAME_KEY, name);
    }
    try {
      const { jobs } = await post('/api/v1/alarms/acknowledge',
        { ids: alarms.map((a) => a.id), by: name });
      const refused = jobs.find((j) => j.error !== undefined);
      toast(refused === undefined ? 'ok' : 'bad', refused === undefined ?
        `Acknowledged by ${name}.` : `Not done: ${refused.error}.`);
    } catch (e) {
      toast('bad', `Not done: ${e.message}.`);
    }
    this.app.loadStatus();
  }

  // -- Heard --

  ring(fresh) {
    this.said.textContent = `Alarm: ${alarmText(fresh[0])}.`;
    if (localStorage.getItem(SOUND_KEY) !== 'on')
      return;
    play(TONES);
    if (globalThis.isSecureContext && globalThis.Notification !== undefined &&
        Notification.permission === 'granted')
      new Notification('klikitd: alarm', { body: alarmText(fresh[0]),
        tag: `klikitd-alarm-${fresh[0].id}` });
  }

  // Only on a click: browsers ask for that, and so do people.
  switchSound() {
    const on = localStorage.getItem(SOUND_KEY) !== 'on';
    localStorage.setItem(SOUND_KEY, on ? 'on' : 'off');
    this.drawSound();
    if (!on)
      return;
    play(TONES);
    if (globalThis.isSecureContext && globalThis.Notification !== undefined &&
        Notification.permission === 'default')
      Notification.requestPermission();
  }

  drawSound() {
    this.sound.textContent = localStorage.getItem(SOUND_KEY) === 'on' ?
      'Sound is on' : 'Ring here, too';
  }
}
