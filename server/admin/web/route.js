// route.js -- the view as the address says it: #/VIEW[/ID][?name=value...].
// A reload, a bookmark and the back button all find the same view.

export function parseRoute(hash) {
  const text = hash.replace(/^#\/?/, '');
  const cut = text.indexOf('?');
  const path = cut === -1 ? text : text.slice(0, cut);
  const [view, id] = path.split('/');
  const values = {};
  for (const [name, value] of new URLSearchParams(
    cut === -1 ? '' : text.slice(cut + 1)))
    values[name] = value;
  let decoded = null;
  try {
    decoded = id === undefined || id === '' ? null : decodeURIComponent(id);
  } catch { /* no id of ours */ }
  return { view: view === '' ? 'now' : view, id: decoded, values };
}

export function formatRoute({ view, id = null, values = {} }) {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '')
      q.set(name, value);
  }
  const text = q.toString();
  return `#/${view}` + (id === null ? '' : `/${encodeURIComponent(id)}`) +
    (text === '' ? '' : `?${text}`);
}
