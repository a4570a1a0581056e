// curl.js -- a delivery as commands to paste into a shell (pure).

// A word that a shell reads as it is.
export function shellWord(text) {
  return `'${String(text).replaceAll("'", "'\\''")}'`;
}

// event: {event_id, scope, type}; file: a name that is safe; admin, webhook: URLs;
// sign: the command that signs a file, up to its name. What signs is klikitd
// itself: no secret and no signature stand here.
export function curlOf({ event, file, admin, webhook, sign, token }) {
  const body = `${admin}/api/v1/events/` +
    `${encodeURIComponent(event.event_id)}/body` +
    (event.scope ? `?scope=${encodeURIComponent(event.scope)}` : '');
  const key = token ?
    ' \\\n  -H "Authorization: Bearer $(cat ADMIN_TOKEN_FILE)"' : '';
  return `curl -fsS ${shellWord(body)} -o ${shellWord(file)}${key} &&\n` +
    `curl -i ${shellWord(webhook)} \\\n` +
    "  -H 'Content-Type: application/json' \\\n" +
    `  -H ${shellWord(`x-klikit-event-id: ${event.event_id}`)} \\\n` +
    `  -H ${shellWord(`x-klikit-event-type: ${event.type}`)} \\\n` +
    `  -H "$(${sign} ${shellWord(file)})" \\\n` +
    `  --data-binary @${shellWord(file)}\n`;
}
