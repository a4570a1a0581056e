// kitchen_screen.js -- the screen itself: it stays on, is used whole, has large
// type, and can be heard; each as far as the browser lets it.

import { button, setText } from './dom.js';
import { isAwake, play, wakeSound } from './sound.js';
import { toast } from './dialog.js';

const SOUND_KEY = 'klikitd-kitchen-sound'; // "on": asked for on this screen
const TYPE_KEY = 'klikitd-kitchen-type';
const NEW_ORDER = [660, 990, 660, 990]; // Hz
const TYPES = [['normal', 'Type: normal'], ['large', 'Type: large'],
  ['larger', 'Type: larger']];

// Keeps the screen from going dark. Browsers take that back when the page is
// out of sight; then it is asked for again when it is seen.
export class StayOn {
  constructor(changed) {
    this.changed = changed;
    this.lock = null;
    this.seen = () => this.take();
    document.addEventListener('visibilitychange', this.seen);
    this.take();
  }

  get possible() {
    return globalThis.isSecureContext === true && 'wakeLock' in navigator;
  }

  get text() {
    if (!this.possible)
      return 'The screen may go dark: no HTTPS.';
    return this.lock !== null ? 'The screen stays on.' :
      'The screen may go dark.';
  }

  async take() {
    if (!this.possible || document.hidden || this.lock !== null ||
        this.closed)
      return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      if (this.closed) {
        lock.release();
        return;
      }
      this.lock = lock;
      lock.addEventListener('release', () => {
        this.lock = null;
        this.changed();
      });
    } catch { /* a low battery, say: it is said */ }
    this.changed();
  }

  close() {
    this.closed = true;
    document.removeEventListener('visibilitychange', this.seen);
    this.lock?.release();
  }
}

// A button that makes the page fill the screen; null where that cannot be.
export function fullScreenButton() {
  if (!document.fullscreenEnabled)
    return null;
  const is = () => document.fullscreenElement !== null;
  const node = button('', { class: 'quiet', id: 'full-screen' }, () => {
    (is() ? document.exitFullscreen() :
      document.documentElement.requestFullscreen()).catch(() =>
      toast('bad', 'The browser does not let this page fill the screen.'));
  });
  const draw = () => {
    if (node.isConnected || node.textContent === '')
      setText(node, is() ? 'Leave full screen' : 'Full screen');
    else
      document.removeEventListener('fullscreenchange', draw);
  };
  document.addEventListener('fullscreenchange', draw);
  draw();
  return node;
}

// How large the type is: one choice of this screen, remembered.
export function typeButton(apply) {
  let at = Math.max(1, TYPES.findIndex(([id]) =>
    id === localStorage.getItem(TYPE_KEY)) + 1) - 1;
  const node = button('', { class: 'quiet', id: 'type-size' }, () => {
    at = (at + 1) % TYPES.length;
    localStorage.setItem(TYPE_KEY, TYPES[at][0]);
    draw();
  });
  const draw = () => {
    setText(node, TYPES[at][1]);
    apply(TYPES[at][0]);
  };
  draw();
  return node;
}

// The sound of a new order, if it was asked for on this screen.
export class Bell {
  constructor() {
    this.node = button('', { class: 'quiet', id: 'kitchen-sound' },
      () => this.toggle());
    this.draw();
  }

  get on() {
    return localStorage.getItem(SOUND_KEY) === 'on';
  }

  toggle() {
    const silent = this.on && !isAwake();
    if (!silent)
      localStorage.setItem(SOUND_KEY, this.on ? 'off' : 'on');
    this.draw();
    if (!this.on)
      return;
    play(NEW_ORDER);
    wakeSound().then(() => this.draw());
  }

  // Any touch will do for the browser; one of the button does more.
  touched({ target }) {
    if (this.on && !isAwake() && target !== this.node)
      wakeSound().then(() => this.draw());
  }

  ring() {
    if (this.on)
      play(NEW_ORDER);
  }

  // After a reload nothing is heard until somebody has touched the screen.
  draw() {
    const silent = this.on && !isAwake();
    setText(this.node, silent ? 'Touch for sound' : this.on ? 'Sound is on' :
      'Sound is off');
    this.node.classList.toggle('warned', silent);
    this.node.setAttribute('aria-pressed', String(this.on));
  }
}
