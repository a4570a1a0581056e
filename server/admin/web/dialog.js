// dialog.js -- questions that have to be answered first, and passing remarks.

import { h, button } from './dom.js';

const TOAST_MS = 6000;
export const NAME_KEY = 'klikitd-name'; // who sits here, if he has said so

const nameOf = (node) => node.getAttribute('aria-label') ?? node.textContent;

// Show it above all else. When it is closed the focus is back where it was: if
// that was drawn anew meanwhile, at what has its name now.
function open(dialog) {
  const from = document.activeElement;
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (from.isConnected || from === document.body)
      return;
    const main = document.getElementById('view');
    ([...main.querySelectorAll(from.localName)].find((node) =>
      nameOf(node) === nameOf(from)) ?? main).focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}

// Ask; resolves to null when it is left, else to the text that was entered
// ('' if none was asked for). field: {label, required, placeholder}; content:
// further elements, which the caller reads.
export function ask({ title, text, confirm, field = null, content = null,
  danger = false }) {
  return new Promise((resolve) => {
    const input = field === null ? null : h('input', { type: 'text',
      maxlength: 200, placeholder: field.placeholder ?? '',
      id: 'dialog-field', autocomplete: 'off' });
    const wrong = h('p', { class: 'wrong', role: 'alert' });
    const end = (value) => {
      dialog.close();
      resolve(value);
    };
    const yes = () => {
      const value = input === null ? '' : input.value.trim();
      if (field?.required && value === '') {
        wrong.textContent = 'This is needed.';
        input.focus();
        return;
      }
      end(value);
    };
    const dialog = h('dialog', { 'aria-labelledby': 'dialog-title', on: {
      cancel: (e) => {
        e.preventDefault();
        end(null);
      },
      keydown: (e) => {
        if (e.key !== 'Enter' || e.target !== input)
          return;
        e.preventDefault(); // else it presses what has the focus next
        yes();
      } } },
    h('h2', { id: 'dialog-title' }, title),
    [text].flat().map((t) => h('p', null, t)),
    content,
    input && h('label', { for: 'dialog-field' }, field.label),
    input, wrong,
    h('div', { class: 'buttons' },
      button('Cancel', { class: 'quiet' }, () => end(null)),
      button(confirm, { class: danger ? 'danger' : 'primary' }, yes)));
    open(dialog);
    (input ?? dialog.querySelector('.buttons button:last-child')).focus();
  });
}

// Show something until it is left.
export function show(title, ...content) {
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' },
  h('h2', { id: 'dialog-title' }, title), ...content,
  h('div', { class: 'buttons' },
    button('Close', { class: 'primary' }, () => dialog.close())));
  open(dialog);
}

// kind: 'ok' or 'bad'.
export function toast(kind, text) {
  const box = document.getElementById('toasts');
  const node = h('div', { class: `toast ${kind}` }, text);
  while (box.childNodes.length >= 3)
    box.firstChild.remove();
  box.append(node);
  setTimeout(() => node.remove(), TOAST_MS);
}
