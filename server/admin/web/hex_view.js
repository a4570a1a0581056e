// hex_view.js -- a body byte for byte.

import { h } from './dom.js';

const ROWS = 64; // of one block; the browser lays out those in sight only

const hexByte = Array.from({ length: 256 },
  (_, i) => i.toString(16).padStart(2, '0'));

function printable(byte) {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}

// Which bytes are hidden: a copy of spans as one flag a byte.
function hiddenBytes(length, spans) {
  const hidden = new Uint8Array(length);
  for (const { start, end } of spans)
    hidden.fill(1, start, end);
  return hidden;
}

// Text of the rows [from, to) of width bytes each (pure).
export function hexRows(bytes, hidden, width, from, to) {
  const lines = [];
  for (let row = from; row < to; row++) {
    const end = Math.min(bytes.length, (row + 1) * width);
    let hex = '', text = '';
    for (let i = row * width; i < end; i++) {
      hex += `${i % 8 === 0 && i % width !== 0 ? ' ' : ''}` +
        `${hidden[i] ? '••' : hexByte[bytes[i]]} `;
      text += hidden[i] ? '•' : printable(bytes[i]);
    }
    const room = width * 3 + (width > 8 ? 1 : 0);
    lines.push(`${(row * width).toString(16).padStart(6, '0')}  ` +
      `${hex.padEnd(room)} ${text}`);
  }
  return lines.join('\n');
}

export function hexView(bytes, spans, shown, width) {
  const hidden = hiddenBytes(bytes.length, shown ? [] : spans);
  const rows = Math.ceil(bytes.length / width);
  const view = h('div', { class: 'hex', tabIndex: 0, translate: 'no' });
  for (let row = 0; row < rows; row += ROWS)
    view.append(h('pre', null, hexRows(bytes, hidden, width, row,
      Math.min(rows, row + ROWS))));
  return view;
}
