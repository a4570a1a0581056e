// personal.js -- which parts of a body are about a person (pure).
//
// klikit's fields are not all documented, so this goes by the words of a name,
// wherever it stands. It would rather hide too much: one button shows it.

const WORDS = new Set(['customer', 'customers', 'buyer', 'consumer', 'guest',
  'recipient', 'receiver', 'contact', 'phone', 'phones', 'mobile', 'tel',
  'telephone', 'msisdn', 'whatsapp', 'email', 'emails', 'mail', 'address',
  'addresses', 'street', 'postcode', 'zip', 'latitude', 'longitude', 'lat',
  'lng', 'lon', 'rider', 'riders', 'driver', 'drivers', 'courier', 'firstname',
  'lastname', 'surname', 'fullname', 'nickname', 'username', 'comment',
  'comments', 'note', 'notes', 'instruction', 'instructions', 'remark',
  'remarks', 'plate', 'passport']);

// What has a name and is nobody: things of the menu and of the business.
const THINGS = new Set(['klikit', 'provider', 'brand', 'branch', 'item',
  'category', 'section', 'business', 'product', 'menu', 'group', 'modifier',
  'event', 'type', 'restaurant', 'store', 'shop', 'outlet', 'sku', 'campaign',
  'promo', 'payment', 'channel', 'method', 'country', 'currency', 'handler']);

// Below these, a bare "name" is a dish or the like.
const MENU = new Set(['cart', 'cart_v2', 'items', 'brand', 'brands', 'branch',
  'groups', 'group', 'modifiers', 'modifier_groups', 'campaigns', 'menu',
  'provider', 'category', 'section']);

function wordsOf(name) {
  return name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()
    .split(/[^a-z]+/).filter((w) => w !== '');
}

function isPersonalName(name, inMenu) {
  const words = wordsOf(name);
  if (words.some((w) => WORDS.has(w)))
    return true;
  if (words.at(-1) !== 'name')
    return false;
  return words.length === 1 ? !inMenu : !words.some((w) => THINGS.has(w));
}

// Only texts and numbers say something; what is empty says nothing.
function saysSomething(node) {
  return node.kind === 'number' ||
    (node.kind === 'string' && node.end - node.start > 2);
}

// Sets node.personal where it belongs, and returns the spans to hide, in
// order: [{start, end}]. From where it is no JSON all is hidden.
export function markPersonal({ root, failedAt }, length) {
  const spans = [];
  const verdicts = new Map(); // of names, which repeat
  const todo = root === null ? [] :
    [{ node: root, personal: false, inMenu: false }];
  while (todo.length > 0) {
    const { node, personal, inMenu } = todo.pop();
    node.personal = personal && saysSomething(node);
    if (node.personal)
      spans.push({ start: node.start, end: node.end });
    for (const child of node.children ?? []) {
      let hit = personal, menu = inMenu;
      if (child.key !== null) {
        const name = child.key.text;
        const known = `${inMenu ? '+' : '-'}${name}`;
        if (!verdicts.has(known))
          verdicts.set(known, isPersonalName(name, inMenu));
        hit ||= verdicts.get(known);
        menu ||= MENU.has(name.toLowerCase());
      }
      todo.push({ node: child, personal: hit, inMenu: menu });
    }
  }
  if (failedAt !== null && failedAt < length)
    spans.push({ start: failedAt, end: length });
  return spans.sort((a, b) => a.start - b.start);
}
