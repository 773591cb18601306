// Puts the parts of the page together.

import { Badge } from './badge.js';
import { Catalogue, loadCatalogue, priorities } from './catalogue.js';
import { Charts } from './charts.js';
import { CopyBlock } from './copy.js';
import { Detail } from './detail.js';
import { announce, byId, element, setText } from './dom.js';
import { EventList } from './events.js';
import { watch } from './figures.js';
import { Filter, parseNames } from './filter.js';
import { MessageLog } from './messages.js';
import { SlowClient } from './slow.js';
import { snippets } from './snippets.js';
import { describeLoss, Stream } from './stream.js';
import { TokenForm } from './token.js';

const catalogue = await loadCatalogue().catch((error) => {
  announce(error.message);
  return new Catalogue([]);
});
const badge = new Badge(byId('badge'));
const log = new MessageLog(byId('messages'));
const charts = new Charts();
const token = new TokenForm((text) => {
  stream.token = text;
  stream.connect();
});

const stream = new Stream(new Filter(), {
  state(state, text) {
    badge.show(state, text);
    if (state === 'trying') list.begin();
    if (state !== 'live') log.note(text);
    setText(byId('connect'), state === 'off' || state === 'refused' ? 'Connect' : 'Disconnect');
    schedule();
  },
  filter: showFilter,
  message(message, fresh) {
    log.received(message);
    if (message.type === 'Event') {
      list.add(message, fresh);
      if (fresh) charts.count(catalogue.priority(message.event.type));
    }
    if (message.type === 'Lagged') announce(`Lost: ${describeLoss(message.dropped)}`);
    if (message.type === 'Error') complain(message.message);
    schedule();
  },
  sent(message) {
    log.sent(message);
    schedule();
  },
  refused(status, reason) {
    if (status !== 401 && status !== 403) {
      complain(reason);
      return;
    }
    token.ask(reason);
    showFilter(); // the code shows where a token goes
  },
  resumed(text) {
    setText(byId('resumed'), text);
    log.note(text);
    announce(text);
    schedule();
  },
});

// Documents are touched once a frame, and not at all while nobody looks.
let scheduled = false;
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    list.flush();
    log.flush();
  });
}

// The list and one event of it.
const detail = new Detail(catalogue, {
  only: (type) => refilter(stream.filter.withTypes([type])),
  without: (type) => change('unsubscribe', [type]),
});
const list = new EventList(catalogue, (event, row) => detail.open(event, row));
byId('clear').addEventListener('click', () => list.clear());
byId('pause').addEventListener('click', () => {
  list.pause(!list.paused);
  byId('pause').setAttribute('aria-pressed', String(list.paused));
  setText(byId('pause'), list.paused ? 'Go on' : 'Pause');
});
byId('retained').addEventListener('click', () => {
  list.clear();
  stream.cursor = 'earliest';
  stream.connect();
});

// The filter: types, priorities, and a search in what is there.
function match() {
  const text = byId('search').value.toLowerCase();
  const { filter } = stream;
  list.setMatch((e) => filter.takes(e.event.type, e.priority) && (text === '' || e.raw.toLowerCase().includes(text)));
}

function complain(text) {
  byId('types').setCustomValidity(text);
  byId('types').setAttribute('aria-invalid', String(text !== ''));
  setText(byId('types-error'), text);
}

function change(method, names) {
  try {
    stream[method](names, catalogue);
    complain('');
    byId('types').value = '';
  } catch (error) {
    complain(error.message);
  }
}

function refilter(filter) {
  complain('');
  stream.refilter(filter);
}

byId('filter').addEventListener('submit', (e) => {
  e.preventDefault();
  change('subscribe', parseNames(byId('types').value));
});
byId('unsubscribe').addEventListener('click', () => change('unsubscribe', parseNames(byId('types').value)));
byId('types').addEventListener('input', () => complain(''));
byId('search').addEventListener('input', match);
for (const box of document.querySelectorAll('input[name=priority]')) {
  box.addEventListener('change', () => {
    const wanted = priorities.filter((p) => document.querySelector(`input[name=priority][value=${p}]`).checked);
    if (wanted.length > 0) refilter(stream.filter.withPriorities(wanted));
    else box.checked = true; // nothing at all is what Disconnect is for
  });
}
byId('type-names').append(...[...catalogue.prefixes(), ...catalogue.types.flatMap(({ name, alias }) => [name, alias])]
  .map((value) => element('option', { value })));

const code = { curl: new CopyBlock('curl'), JavaScript: new CopyBlock('JavaScript') };
byId('snippets').append(...Object.values(code).map((block) => block.root));

function showFilter() {
  const { filter } = stream;
  byId('chips').replaceChildren(...filter.all ? [element('li', { class: 'chip' }, 'all types')] : filter.types.map((name) => {
    const remove = element('button', { type: 'button', 'aria-label': `Unsubscribe ${name}` }, '×');
    remove.addEventListener('click', () => {
      change('unsubscribe', [name]);
      byId('chips').focus(); // the button goes
    });
    return element('li', { class: 'chip' }, element('span', { class: `mark ${catalogue.priority(name)}`, 'aria-hidden': 'true' }), name, remove);
  }));
  if (!filter.all) {
    const all = element('button', { type: 'button' }, 'All types');
    all.addEventListener('click', () => change('subscribe', ['all']));
    byId('chips').append(element('li', {}, all));
  }
  for (const [name, text] of Object.entries(snippets(filter, stream.preferred, token.needed))) code[name].set(text);
  match();
}

// The connection.
byId('connect').addEventListener('click', () => {
  if (byId('connect').textContent === 'Connect') stream.connect();
  else stream.disconnect();
});
byId('cut').addEventListener('click', () => stream.connect());
for (const choice of document.querySelectorAll('input[name=transport]')) {
  choice.addEventListener('change', () => {
    stream.preferred = choice.value;
    showFilter();
    stream.connect();
  });
}
addEventListener('online', () => stream.hurry());

// Figures.
const slow = new SlowClient(() => stream.token);
watch((figures) => {
  charts.tick(figures);
  slow.tick(figures);
});

stream.token = token.kept;
showFilter();
stream.connect();
