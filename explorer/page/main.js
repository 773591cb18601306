// Puts the parts together.

import { address, addresses, validators } from './accounts.js';
import { Badge } from './badge.js';
import { Catalogue, loadCatalogue } from './catalogue.js';
import { NodeConnection } from './connection.js';
import { identifier } from './details.js';
import { announce, byId } from './dom.js';
import { event, events } from './events.js';
import { Filter } from './filter.js';
import { parseExactly } from './json.js';
import { message, messages } from './messages.js';
import { Navigation } from './navigation.js';
import { overview } from './overview.js';
import { proposal, proposals } from './proposals.js';
import { missing, results, searchBox } from './search.js';
import { Stream } from './stream.js';

const routes = [
  ['', overview],
  ['messages', messages],
  ['messages/{id}', message],
  ['addresses', addresses],
  ['addresses/{id}', address],
  ['validators', validators],
  ['proposals', proposals],
  ['proposals/{id}', proposal],
  ['timeline/{id}', identifier],
  ['events', events],
  ['events/{id}', event],
  ['search', results],
];

const node = new NodeConnection(() => schedule());
const context = {
  catalogue: await loadCatalogue().catch(() => new Catalogue([])),
  node,
  go: (path, how) => navigation.go(path, how),
  title: (text) => navigation.title(text),
};
const navigation = new Navigation(routes, missing, context);
searchBox(context.go);
byId('skip').addEventListener('click', (e) => {
  e.preventDefault();
  byId('main').focus();
});

// What comes is for the page that shows. It touches the document once a frame at most,
// and not at all while nobody looks.
const badge = new Badge(byId('badge'));
let held = false; // whether there was a connection before
const stream = new Stream(new Filter(), {
  state(state, text) {
    badge.show(state, text.replace(/, \d+ ms$| in [\d.]+ s$/, '')); // numbers would move what is beside it
  },
  filter() {},
  message(m, fresh) {
    if (m.type === 'Event' && (fresh || !held)) navigation.view?.event?.({ ...m, event: parseExactly(m.raw) });
    if (m.type === 'Lagged') navigation.view?.resumed?.();
    schedule();
  },
  sent() {},
  refused: (status, reason) => announce(`The live stream was refused: ${reason}`),
  resumed() {
    if (held) navigation.view?.resumed?.(); // what was missed is in the index
    held = true;
  },
});
addEventListener('online', () => stream.hurry());

let scheduled = false;
let ticked = 0;
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    if (performance.now() - ticked < 900) return; // once a second is enough for eyes
    ticked = performance.now();
    navigation.view?.tick?.();
  });
}
setInterval(() => { if (!document.hidden) schedule(); }, 1000);

stream.cursor = ''; // what was before is in the index
navigation.start();
node.watch();
stream.connect();
