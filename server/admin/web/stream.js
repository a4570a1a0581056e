// stream.js -- the live stream: a parser of text/event-stream, and a reader
// that goes on for ever. fetch() and not EventSource, which sends no token.

import { authorization } from './api.js';

const LINE_MAX = 4 * 1024 * 1024; // of one line: no server of ours sends more
const SILENCE_MS = 45000;         // three heartbeats
const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 15000;

// Text in, messages out: {event, data, id}. Keeps what is incomplete.
export class StreamParser {
  constructor() {
    this.rest = '';
    this.begin();
  }

  begin() {
    this.event = '';
    this.data = [];
    this.id = null;
  }

  line(line) {
    if (line.startsWith(':'))
      return;
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value.startsWith(' '))
      value = value.slice(1);
    if (name === 'event')
      this.event = value;
    else if (name === 'data')
      this.data.push(value);
    else if (name === 'id' && !value.includes('\0'))
      this.id = value;
  }

  push(text) {
    const messages = [];
    this.rest += text;
    // A CR at the very end may be the first half of CR LF.
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    if (this.rest.length > LINE_MAX)
      throw new Error('a line of the stream is too long');
    for (const line of lines) {
      if (line !== '') {
        this.line(line);
        continue;
      }
      if (this.data.length > 0 || this.event !== '')
        messages.push({ event: this.event || 'message',
          data: this.data.join('\n'), id: this.id });
      this.begin();
    }
    return messages;
  }
}

// How long to wait before the nth try (from 0), spread so that many readers
// do not come back at once. random: 0 to 1.
export function waitMs(n, random) {
  const most = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** Math.min(n, 10));
  return Math.round(most * (0.5 + random / 2));
}

// States passed to the listener: 'connecting', 'live', 'reconnecting' with {at:
// when the next try is due, why}, and 'token' when it has given up for want of
// one.
export class Stream {
  constructor({ path, message, state }) {
    this.path = path;
    this.message = message;
    this.state = state;
    this.lastId = null;
    this.tries = 0;
    this.wake = () => {};
    this.turn = null; // of the run that is under way
  }

  start() {
    if (this.turn !== null)
      return;
    this.turn = Symbol('run');
    this.tries = 0;
    this.run(this.turn);
  }

  stop() {
    this.turn = null;
    this.abort?.abort();
    this.wake();
  }

  // Try now, whatever the wait.
  poke() {
    this.tries = 0;
    this.wake();
  }

  async run(turn) {
    while (this.turn === turn) {
      const why = await this.once();
      if (this.turn !== turn)
        return;
      if (why === 'token') {
        this.turn = null;
        this.state('token', {});
        return;
      }
      const wait = waitMs(this.tries++, Math.random());
      this.state('reconnecting', { at: Date.now() + wait, why });
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  // One connection, to its end. Returns why it ended.
  async once() {
    const abort = new AbortController();
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), SILENCE_MS);
    };
    this.abort = abort;
    try {
      alive();
      if (this.lastId === null)
        this.state('connecting', {});
      const resume = this.lastId === null ? {} :
        { 'Last-Event-ID': this.lastId };
      const response = await fetch(this.path, {
        headers: { Accept: 'text/event-stream', ...authorization(),
          ...resume },
        cache: 'no-store', credentials: 'omit', redirect: 'error',
        signal: abort.signal,
      });
      if (response.status === 401)
        return 'token';
      if (!response.ok)
        return response.status === 503 ?
          'the server has as many live readers as it takes' :
          `the server answered ${response.status}`;
      this.state('live', {});
      // Nothing to resume from: what was loaded before this may lack what
      // happened since.
      if (this.lastId === null)
        this.message('reset', null);
      await this.read(response.body, alive);
      return 'the server closed the stream';
    } catch {
      return 'the server cannot be reached';
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }

  async read(body, alive) {
    const parser = new StreamParser();
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done)
        return;
      alive();
      this.tries = 0;
      for (const m of parser.push(value))
        this.take(m);
    }
  }

  take({ event, data, id }) {
    let value = null;
    if (id !== null)
      this.lastId = id;
    try {
      value = data === '' ? null : JSON.parse(data);
    } catch {
      return; // not of our server
    }
    this.message(event, value);
  }
}
