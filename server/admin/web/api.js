// api.js -- the admin API: one place that speaks to the server.

const TOKEN_KEY = 'klikitd-token';

export class ApiError extends Error {
  // status 0: no answer at all.
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The token lives as long as this tab, and is sent to this server only.
export const token = {
  get: () => sessionStorage.getItem(TOKEN_KEY),
  set: (value) => sessionStorage.setItem(TOKEN_KEY, value),
  drop: () => sessionStorage.removeItem(TOKEN_KEY),
};

// What is called when the server wants a token, or another one.
let refused = () => {};
export function onTokenRefused(listener) {
  refused = listener;
}

export function authorization() {
  const value = token.get();
  return value === null ? {} : { Authorization: `Bearer ${value}` };
}

async function errorOf(response) {
  let text = `the server answered ${response.status}`;
  try {
    const body = await response.json();
    if (typeof body.error === 'string')
      text = body.error;
  } catch { /* no JSON: the status has to do */ }
  return new ApiError(response.status, text);
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, {
      ...options,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      headers: { ...options.headers, ...authorization() },
    });
  } catch (e) {
    if (e.name === 'AbortError')
      throw e;
    throw new ApiError(0, 'the server cannot be reached');
  }
  if (response.ok)
    return response;
  const error = await errorOf(response);
  if (error.status === 401)
    refused();
  throw error;
}

// A query of what is set.
export function query(values) {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '')
      q.set(name, value);
  }
  const text = q.toString();
  return text === '' ? '' : `?${text}`;
}

export async function get(path, values = {}, signal = undefined) {
  const response = await request(path + query(values), { signal });
  return response.json();
}

export async function bytes(path, signal = undefined) {
  const response = await request(path, { signal });
  return new Uint8Array(await response.arrayBuffer());
}

export async function post(path, body = {}) {
  const response = await request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}

export const part = encodeURIComponent;

// The path of what has that id, in a scope if one is named (pure).
export const inScope = (path, scope) => scope ?
  `${path}?scope=${part(scope)}` : path;
