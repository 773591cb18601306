// The overview: totals, charts, and what is new.

import { get } from './api.js';
import { Charts, spans } from './charts.js';
import { element, resource, setText } from './dom.js';
import { eventRow } from './rows.js';
import { loading, problem } from './states.js';
import { describeLoss } from './stream.js';
import { compact, count, link, number, pill, time, words } from './text.js';

const shown = 10; // of each list
const settle = 1000; // ms between two changes of the lists, so that they can be read
const refresh = 30_000; // ms, after which totals and charts are asked for again

export function overview({ query, state }, { catalogue, node, go }) {
  const span = query.get('span') in spans ? query.get('span') : Object.keys(spans)[0];
  const totals = new Totals();
  const losses = element('div');
  const charts = new Charts(span);
  const messages = new Newest('messages', 'Newest messages', 'messages');
  const events = new Newest('events', 'Newest events', 'events');
  const facts = element('dl', { class: 'facts' });
  const status = element('div', {}, loading('the overview'));
  const pause = element('button', { type: 'button', id: 'pause', 'aria-pressed': 'false' }, 'Pause');
  pause.addEventListener('click', () => {
    const paused = pause.getAttribute('aria-pressed') !== 'true';
    pause.setAttribute('aria-pressed', String(paused));
    setText(pause, paused ? 'Go on' : 'Pause');
  });
  const root = element('div', { class: 'page' },
    element('div', { class: 'head' }, element('h1', {}, 'Overview'),
      element('div', { class: 'tools' }, chooser(span, go), pause)),
    status, losses, totals.root, charts.root,
    element('div', { class: 'halves' }, messages.root, events.root),
    element('section', { class: 'card', 'aria-labelledby': 'node-title' }, element('h2', { id: 'node-title' }, 'The index and its node'), facts));

  let signal;
  let asked = 0;
  let stats;
  let shownHealth;
  const paused = () => pause.getAttribute('aria-pressed') === 'true';

  async function load(s) {
    signal = s;
    asked = Date.now();
    try {
      const [answer, newMessages, newEvents] = await Promise.all([
        get('api/v1/stats', s), get(`api/v1/messages?limit=${shown}`, s), get(`api/v1/events?limit=${shown}`, s), charts.load(s)]);
      stats = answer;
      status.replaceChildren();
      showTotals();
      if (!paused()) {
        messages.set(newMessages.items, messageRow);
        events.set(newEvents.items.map((e) => ({ ...e, key: e.id || e.seq })), eventRow);
      }
      showFacts();
    } catch (error) {
      if (!s.aborted) status.replaceChildren(problem(error, () => load(s)));
    }
  }

  function showTotals() {
    totals.set(stats);
    losses.replaceChildren(...stats.gaps > 0 ? [element('p', { class: 'notice' }, lossText(stats))] : []);
  }

  function showFacts() {
    shownHealth = node.health;
    const { connection, events: indexed } = node.health ?? {};
    const entries = [
      ['Node', connection?.node ?? '–'],
      ['Connection', connection ? `${words(connection.mode)}, ${connection.status}${connection.reconnects ? `, ${count(connection.reconnects, 'reconnect')}` : ''}` : 'the explorer does not answer'],
      ['Last event', time(connection?.last_event)],
      ...connection?.error && connection.status !== 'connected' ? [['Error', connection.error]] : [],
      ['Behind', indexed?.behind_seconds === undefined || indexed.behind_seconds === null ? '–' : `${number(Math.round(indexed.behind_seconds * 10) / 10)} s`],
      ['Oldest event stored', time(stats?.oldest)],
    ];
    facts.replaceChildren(...entries.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
  }

  function tick() {
    charts.draw();
    if (!paused()) {
      messages.flush(messageRow);
      events.flush(eventRow);
    }
    if (stats) totals.set(stats);
    if (shownHealth !== node.health) showFacts();
    if (signal && !signal.aborted && Date.now() - asked > refresh) load(signal);
  }

  function event(message) {
    const { event: e } = message;
    const priority = catalogue.priority(e.type);
    charts.take(e, priority);
    events.add({ key: message.id, id: message.id, type: e.type, priority, time: e.timestamp, event: e, raw: message.raw });
    if (e.type === 'MessageAdded') messages.add({ key: e.message_id, id: e.message_id, state: 'added', depth: e.depth, added: e.timestamp, updated: e.timestamp });
    if (e.type === 'MessageFinalized') messages.change(e.message_id, { state: 'finalized', finality_type: e.finality_type });
    if (e.type === 'MessageRejected') messages.change(e.message_id, { state: 'rejected', rejection_type: e.rejection_type });
    if (!stats) return;
    stats.events++;
    stats.stored++;
    if (e.type === 'MessageAdded') stats.messages.added = (stats.messages.added ?? 0) + 1;
    if (e.type === 'TipsUpdated') stats.tips = e.count;
  }

  return { title: 'Overview', root, load, tick, event, resumed: () => load(signal), state: () => state };
}

function lossText({ gaps, lost }) {
  const counts = describeLoss(lost);
  const counted = counts === 'none' ? 'of events that could not be counted' : `of these events by priority: ${counts}`;
  return `The node reported ${count(gaps, 'loss', 'losses')}, ${counted}. What is shown here lacks them.`;
}

// What there is in total: a figure each, and a few words on it.
class Totals {
  root = element('dl', { class: 'totals' });
  #shown = new Map(); // name to the elements that change

  set({ events, stored, messages, tips, addresses, validators: validating, proposals, last }) {
    const all = Object.values(messages).reduce((sum, n) => sum + n, 0);
    this.#put('Events', 'events', events, `${number(stored)} stored`);
    this.#put('Messages', 'messages', all, ['finalized', 'rejected'].filter((s) => messages[s]).map((s) => `${number(messages[s])} ${s}`).join(', '));
    this.#put('Tips', '', tips, 'not approved yet');
    this.#put('Addresses', 'addresses', addresses, count(validating, 'validator'));
    this.#put('Proposals', 'proposals', proposals, '');
    this.#put('Supply', '', last['economics.total'], last['economics.total'] === undefined ? ''
      : `${compact(last['economics.circulating'])} in circulation`);
  }

  #put(name, path, value, more) {
    let shown = this.#shown.get(name);
    if (!shown) {
      shown = { value: element('dd'), more: element('dd', { class: 'quiet small' }) };
      this.#shown.set(name, shown);
      this.root.append(element('div', { class: 'total card' },
        element('dt', {}, path === '' ? name : element('a', { href: resource(path).href }, name)), shown.value, shown.more));
    }
    setText(shown.value, compact(value));
    shown.value.title = number(value);
    setText(shown.more, more);
  }
}

function chooser(span, go) {
  const choose = element('select', { id: 'span', 'aria-label': 'Span of the charts' }, ...Object.keys(spans).map((name) => {
    const option = element('option', { value: name }, name);
    option.selected = name === span;
    return option;
  }));
  choose.addEventListener('change', () => go(choose.value === Object.keys(spans)[0] ? '' : `?span=${encodeURIComponent(choose.value)}`));
  return choose;
}

function messageRow(m) {
  return element('li', { class: 'newest-message' },
    time(m.added ?? m.updated, { date: false }), link('message', m.id),
    element('span', { class: 'quiet depth' }, m.depth === undefined ? '' : `depth ${number(m.depth)}`), pill(m.state));
}

// A short list of what is new. It is changed once a second, and not while somebody
// points at it or has the focus in it.
class Newest {
  #items = []; // the newest first
  #rows = new Map(); // key to row
  #list;
  #changed = false;
  #at = 0;

  constructor(id, title, path) {
    this.#list = element('ol', { class: id === 'events' ? 'events' : 'newest' });
    this.root = element('section', { class: 'card', 'aria-labelledby': `${id}-title` },
      element('div', { class: 'head' }, element('h2', { id: `${id}-title` }, title),
        element('a', { class: 'tools small', href: resource(path).href }, 'All ', element('span', { class: 'hidden' }, path))),
      this.#list);
  }

  set(items, row) {
    this.#items = items.map((item) => ({ key: item.id, ...item }));
    this.#changed = true;
    this.#at = 0;
    this.flush(row);
  }

  add(item) {
    if (this.#items.some(({ key }) => key === item.key)) return;
    this.#items.unshift(item);
    this.#items.length = Math.min(this.#items.length, shown);
    this.#changed = true;
  }

  change(key, more) {
    const at = this.#items.findIndex((item) => item.key === key);
    if (at < 0) return;
    this.#items[at] = { ...this.#items[at], ...more };
    this.#rows.delete(key);
    this.#changed = true;
  }

  flush(row) {
    if (!this.#changed || Date.now() - this.#at < settle) return;
    if (this.#list.matches(':hover') || this.#list.contains(document.activeElement) || this.#list.querySelector('[aria-expanded="true"]')) return;
    this.#changed = false;
    this.#at = Date.now();
    const rows = new Map(this.#items.map((item) => [item.key, this.#rows.get(item.key) ?? row(item)]));
    this.#rows = rows;
    this.#list.replaceChildren(...rows.values());
  }
}
