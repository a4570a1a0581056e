// json_scan.js -- a JSON text as spans of its bytes (pure).
//
// JSON.parse() would round numbers and drop how things were written. Here every
// value knows where it stands, so that it can be shown, and hidden, exactly as
// it came. What is cut off or no JSON is scanned as far as it goes.

const DEPTH_MAX = 2000;
const decoder = new TextDecoder();

const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, COLON = 0x3a;
const OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b, CLOSE_ARRAY = 0x5d;

const isBlank = (b) => b === 0x20 || b === 0x0a || b === 0x0d || b === 0x09;
const isNumber = (b) => (b >= 0x30 && b <= 0x39) || b === 0x2b ||
  b === 0x2d || b === 0x2e || b === 0x45 || b === 0x65;
const isLetter = (b) => b >= 0x61 && b <= 0x7a;

export function textOf(bytes, node) {
  return decoder.decode(bytes.subarray(node.start, node.end));
}

// The text that a string's token stands for; the token if it is none.
export function stringOf(bytes, node) {
  const text = textOf(bytes, node);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

class Failed extends Error {}

class Scanner {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.stack = [];
    this.root = null;
  }

  blanks() {
    while (this.at < this.bytes.length && isBlank(this.bytes[this.at]))
      this.at++;
  }

  take(byte) {
    if (this.bytes[this.at] !== byte)
      throw new Failed();
    this.at++;
  }

  string() {
    const start = this.at;
    let i = start + 1;
    while (i < this.bytes.length && this.bytes[i] !== QUOTE)
      i += this.bytes[i] === BACKSLASH ? 2 : 1;
    if (i >= this.bytes.length)
      throw new Failed();
    this.at = i + 1;
    return { kind: 'string', start, end: this.at };
  }

  run(kind, belongs) {
    const start = this.at;
    let i = start;
    while (i < this.bytes.length && belongs(this.bytes[i]))
      i++;
    // At the very end it may be the beginning of a longer one.
    if (i === start || (i === this.bytes.length && this.stack.length > 0))
      throw new Failed();
    if (kind === 'word' && !/^(?:true|false|null)$/.test(
      textOf(this.bytes, { start, end: i })))
      throw new Failed();
    this.at = i;
    return { kind, start, end: i };
  }

  // One value; a container is only opened.
  value(key) {
    const first = this.bytes[this.at];
    let node;
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (this.stack.length >= DEPTH_MAX)
        throw new Failed();
      node = { kind: first === OPEN_OBJECT ? 'object' : 'array',
        start: this.at++, end: this.bytes.length, children: [] };
    } else if (first === QUOTE)
      node = this.string();
    else if (first !== undefined && isLetter(first))
      node = this.run('word', isLetter);
    else
      node = this.run('number', isNumber);
    node.key = key;
    const parent = this.stack.at(-1);
    if (parent === undefined)
      this.root = node;
    else
      parent.children.push(node);
    if (node.children !== undefined)
      this.stack.push(node);
  }

  key() {
    const node = this.string();
    node.text = stringOf(this.bytes, node);
    this.blanks();
    this.take(COLON);
    this.blanks();
    return node;
  }

  // After an opening, or after a value: what comes next.
  next() {
    const top = this.stack.at(-1);
    const close = top.kind === 'object' ? CLOSE_OBJECT : CLOSE_ARRAY;
    this.blanks();
    if (this.bytes[this.at] === close) {
      top.end = ++this.at;
      this.stack.pop();
      return;
    }
    if (top.children.length > 0) {
      this.take(COMMA);
      this.blanks();
    }
    this.value(top.kind === 'object' ? this.key() : null);
  }

  whole() {
    if (this.bytes[0] === 0xef && this.bytes[1] === 0xbb &&
        this.bytes[2] === 0xbf)
      this.at = 3;
    this.blanks();
    this.value(null);
    while (this.stack.length > 0)
      this.next();
    this.blanks();
    if (this.at < this.bytes.length)
      throw new Failed();
  }
}

// {root, failedAt}: root is null if not even a beginning is there; failedAt is
// where it stops being JSON, null if it never does.
export function scan(bytes) {
  const scanner = new Scanner(bytes);
  let failedAt = null;
  try {
    scanner.whole();
  } catch (e) {
    if (!(e instanceof Failed))
      throw e;
    failedAt = Math.min(scanner.at, bytes.length);
  }
  return { root: scanner.root, failedAt };
}
