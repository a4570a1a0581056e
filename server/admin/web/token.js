// token.js -- asks for the operator's token, which this tab keeps.

import { get, token } from './api.js';
import { h, button } from './dom.js';

export class TokenView {
  constructor(done) {
    this.title = 'Token';
    this.done = done;
    this.input = h('input', { type: 'password', id: 'token',
      autocomplete: 'off', spellcheck: 'false', on: {
        keydown: (e) => {
          if (e.key !== 'Enter')
            return;
          e.preventDefault();
          this.enter();
        } } });
    this.wrong = h('p', { class: 'wrong', role: 'alert' });
    this.node = h('div', { class: 'card token' },
      h('h1', null, 'Token needed'),
      h('p', null, 'This server asks its operators for a token: what the ' +
        'file of ', h('code', null, 'admin.token_file'), ' holds. It stays ' +
        'in this tab and is forgotten with it.'),
      h('label', { for: 'token' }, 'Token'), this.input, this.wrong,
      h('div', { class: 'buttons' },
        button('Go on', { class: 'primary' }, () => this.enter())));
    if (token.get() !== null) {
      this.wrong.textContent = 'The server does not take that token.';
      token.drop();
    }
    setTimeout(() => this.input.focus());
  }

  async enter() {
    const value = this.input.value.trim();
    if (!/^[\x21-\x7e]+$/.test(value)) {
      this.wrong.textContent = 'A token is one word.';
      return;
    }
    token.set(value);
    try {
      await get('/api/v1/status');
    } catch (e) {
      token.drop();
      this.wrong.textContent = e.status === 401 ?
        'The server does not take that token.' : `${e.message}.`;
      this.input.select();
      return;
    }
    this.done();
  }

  update() {}
  message() {}
  reset() {}
  close() {}
}
