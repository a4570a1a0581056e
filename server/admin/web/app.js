// app.js -- puts the page together: the view that the address names, the live
// stream that feeds it, the server's status, keys, and the token.

import { get, onTokenRefused } from './api.js';
import { fill } from './dom.js';
import { Stream } from './stream.js';
import { parseRoute, formatRoute } from './route.js';
import { setServerNow, startTicking } from './time.js';
import { countAll } from './receivers.js';
import { Shell } from './shell.js';
import { Alarms } from './alarms.js';
import { AlarmsView } from './alarms_view.js';
import { TokenView } from './token.js';
import { NowView } from './now.js';
import { EventsView } from './events.js';
import { OrdersView } from './orders.js';
import { RejectionsView } from './rejections.js';
import { HandlersView } from './handlers.js';
import { KitchenView } from './kitchen.js';
import { StartView } from './first_run.js';
import { keysAreOn, showHelp } from './help.js';

const VIEWS = {
  now: NowView,
  events: EventsView,
  orders: OrdersView,
  rejections: RejectionsView,
  handlers: HandlersView,
  kitchen: KitchenView,
  alarms: AlarmsView,
  start: StartView,
};
const ORDER = ['now', 'events', 'orders', 'rejections', 'handlers'];

const STATUS_MS = 15000;      // between two looks at the status
const STATUS_SOON_MS = 1000;  // after something has happened
const HIDDEN_MS = 60000;      // a tab nobody sees gives its connection back
const ANNOUNCE_MS = 10000;    // between two remarks to readers of the screen

class App {
  constructor() {
    this.main = document.getElementById('view');
    this.announcer = document.getElementById('announcer');
    this.status = null;
    this.view = null;
    this.news = 0;
    this.shell = new Shell(this);
    this.alarms = new Alarms(this);
    this.stream = new Stream({
      path: '/api/v1/stream',
      message: (kind, data) => this.message(kind, data),
      state: (state, detail) => this.setStream(state, detail),
    });
    onTokenRefused(() => this.askToken());
    addEventListener('hashchange', () => this.follow());
    document.addEventListener('keydown', (e) => this.key(e));
    document.addEventListener('visibilitychange', () => this.seen());
    setInterval(() => document.hidden || this.loadStatus(), STATUS_MS);
    startTicking();
  }

  start() {
    this.follow();
    this.loadStatus();
    this.stream.start();
  }

  go(route) {
    location.hash = formatRoute(route);
  }

  // To the field that finds events and orders, from anywhere.
  find() {
    if (!(this.view instanceof EventsView) || this.route.id !== null) {
      this.go({ view: 'events' });
      this.follow();
    }
    document.getElementById('filter-text')?.focus();
  }

  // As go(), but the back button does not come by here.
  replace(route) {
    history.replaceState(null, '', formatRoute(route));
    this.route = route;
  }

  // Show what the address says.
  follow() {
    if (this.view instanceof TokenView)
      return;
    const route = parseRoute(location.hash);
    if (VIEWS[route.view] === undefined) {
      this.replace({ view: 'now' });
      this.follow();
      return;
    }
    this.route = route;
    if (this.view?.constructor === VIEWS[route.view])
      this.view.update(route);
    else
      this.mount(new VIEWS[route.view](this, route));
    this.shell.setRoute(route);
    this.alarms.setView(route.view);
    this.setTitle();
  }

  // A tab that is not looked at says it, too: an alarm before all.
  setTitle() {
    const n = this.status?.needs.length ?? 0;
    const mark = this.alarms.count > 0 ? '(!) ' : n > 0 ? `(${n}) ` : '';
    document.title = `${mark}${this.view?.title ?? ''} – klikitd`;
  }

  mount(view) {
    this.view?.close();
    this.view = view;
    fill(this.main, view.node);
    this.main.className = `view-${view.title.toLowerCase()}`;
  }

  // The server wants a token: nothing else can be shown.
  askToken() {
    if (this.view instanceof TokenView)
      return;
    this.stream.stop();
    this.mount(new TokenView(() => {
      this.view = null;
      this.start();
    }));
    this.shell.setStream('token', {});
  }

  setStream(state, detail) {
    if (state === 'token') {
      this.askToken();
      return;
    }
    this.shell.setStream(state, detail);
    this.view?.setStream?.(state);
  }

  message(kind, data) {
    if (kind === 'reset') {
      this.view?.reset();
      this.loadStatus();
      return;
    }
    this.view?.message(kind, data);
    this.statusSoon();
    if (kind === 'event')
      this.announceNews();
  }

  async loadStatus() {
    clearTimeout(this.soon);
    this.soon = undefined;
    if (this.view instanceof TokenView)
      return;
    try {
      const status = await get('/api/v1/status');
      if (status.receivers > 1)
        status.counts = countAll(status.counts,
          (await get('/api/v1/receivers')).receivers);
      this.status = status;
    } catch {
      return; // the stream says that nobody answers
    }
    setServerNow(this.status.now);
    this.shell.setStatus(this.status);
    this.alarms.setStatus(this.status);
    this.setTitle();
    this.view?.setStatus?.(this.status);
  }

  statusSoon() {
    this.soon ??= setTimeout(() => this.loadStatus(), STATUS_SOON_MS);
  }

  announce(text) {
    this.announcer.textContent = text;
  }

  // New events are announced seldom: a screen reader would talk without end.
  announceNews() {
    this.news++;
    this.newsTimer ??= setTimeout(() => {
      this.announce(this.news === 1 ? 'One new event.' :
        `${this.news} new events.`);
      this.news = 0;
      this.newsTimer = undefined;
    }, this.news === 1 ? 500 : ANNOUNCE_MS);
  }

  // Browsers open few connections to one server, over all tabs.
  seen() {
    clearTimeout(this.hiding);
    if (document.hidden)
      this.hiding = setTimeout(() => this.stream.stop(), HIDDEN_MS);
    else if (!(this.view instanceof TokenView)) {
      this.stream.start();
      this.loadStatus();
    }
  }

  key(e) {
    const typing = e.target.closest('input, select, textarea, dialog');
    if (e.ctrlKey || e.altKey || e.metaKey || e.defaultPrevented ||
        document.querySelector('dialog[open]') !== null)
      return;
    const single = e.key.length === 1;
    if ((typing && e.key !== 'Escape') || (single && !keysAreOn()))
      return;
    if (this.view?.key?.(e))
      e.preventDefault();
    else if (e.key === '/') {
      this.find();
      e.preventDefault();
    }
    else if (e.key === '?')
      showHelp();
    else if (single && e.key >= '1' && e.key <= String(ORDER.length))
      this.go({ view: ORDER[Number(e.key) - 1] });
  }
}

new App().start();
