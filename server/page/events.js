// The list of events. It keeps the last 2,000, shows the newest 300 of those that
// match, and touches the document once a frame, however many come. While somebody
// reads (paused, scrolled down, or a row has the focus) nothing moves.

import { clock } from './clock.js';
import { byId, element, setText } from './dom.js';

const kept = 2000;
const shown = 300;

export class EventList {
  #catalogue;
  #list = byId('events');
  #held = byId('held');
  #events = []; // the oldest first
  #fresh = 0; // how many of them, at the end, are not in the document yet
  #waiting = 0; // how many of these match
  #paused = false;
  #batch = 0; // of events that were missed
  #unsorted = false;
  #matches = () => true;

  /** selected(event, row) is called with what somebody wants to see of it. */
  constructor(catalogue, selected) {
    this.#catalogue = catalogue;
    this.#list.addEventListener('click', (e) => {
      const row = e.target.closest('.event');
      if (row) selected(row.event, row);
    });
    this.#list.addEventListener('keydown', (e) => this.#move(e));
    this.#list.addEventListener('focusin', (e) => this.#rove(e.target.closest('.event')));
    this.#held.addEventListener('click', () => this.#release());
  }

  /** Adds an Event message; those that are not fresh were missed, and come by class. */
  add(message, fresh) {
    const { event } = message;
    this.#events.push({
      id: message.id, raw: message.raw, event,
      priority: this.#catalogue.priority(event.type),
      received: Date.now(),
      time: Date.parse(event.timestamp) || Date.now(),
      batch: fresh ? 0 : this.#batch,
    });
    this.#fresh++;
    this.#unsorted ||= !fresh;
    if (this.#events.length > 2 * kept) this.#events.splice(0, this.#events.length - kept);
  }

  /** A new connection begins: what was missed is put in order by time. */
  begin() { this.#batch++; }

  clear() {
    this.#events = [];
    this.#fresh = 0;
    this.#rebuild();
  }

  /** Shows what matches(event) only. */
  setMatch(matches) {
    this.#matches = matches;
    this.#rebuild();
  }

  get paused() { return this.#paused; }

  pause(paused) {
    this.#paused = paused;
    if (!paused) this.#release();
  }

  /** Brings the document up to date; called once a frame. */
  flush() {
    if (this.#fresh === 0) return;
    const news = this.#events.slice(-this.#fresh);
    if (this.#unsorted) this.#sort();
    if (this.#holding()) {
      this.#fresh = 0;
      this.#waiting += news.filter(this.#matches).length;
      this.#show();
      return;
    }
    if (this.#unsorted || this.#waiting > 0 || news.length > shown) {
      this.#rebuild();
      return;
    }
    this.#fresh = 0;
    this.#list.prepend(...news.filter(this.#matches).reverse().map((e) => this.#row(e)));
    while (this.#list.childElementCount > shown) this.#list.lastElementChild.remove();
    this.#show();
  }

  #holding() {
    return this.#paused || this.#list.scrollTop > 8 || document.activeElement?.closest('.event') != null;
  }

  #sort() {
    const from = this.#events.findIndex((e) => e.batch === this.#batch);
    if (from < 0) return;
    const to = this.#events.findLastIndex((e) => e.batch === this.#batch) + 1;
    this.#events.splice(from, to - from, ...this.#events.slice(from, to).sort((a, b) => a.time - b.time));
  }

  #rebuild() {
    this.#fresh = 0;
    this.#waiting = 0;
    this.#unsorted = false;
    const rows = [];
    for (let i = this.#events.length - 1; i >= 0 && rows.length < shown; i--) {
      if (this.#matches(this.#events[i])) rows.push(this.#row(this.#events[i]));
    }
    this.#list.replaceChildren(...rows);
    this.#show();
  }

  #release() {
    if (this.#list.contains(document.activeElement) || document.activeElement === this.#held) {
      this.#list.focus({ preventScroll: true });
    }
    this.#list.scrollTop = 0;
    this.#rebuild();
  }

  // Only the row that was used last is a stop of the Tab key.
  #rove(row) {
    if (!row) return;
    for (const old of this.#list.querySelectorAll('.event[tabindex="0"]')) old.tabIndex = -1;
    row.tabIndex = 0;
  }

  #move(e) {
    const rows = [...this.#list.querySelectorAll('.event')];
    const at = rows.indexOf(document.activeElement); // -1: the list itself
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: rows.length - 1 }[e.key];
    if (to === undefined || rows.length === 0 || e.ctrlKey || e.altKey || e.metaKey) return;
    e.preventDefault();
    rows[Math.min(Math.max(to, 0), rows.length - 1)].focus();
  }

  #show() {
    const first = this.#list.querySelector('.event');
    if (first && !this.#list.querySelector('.event[tabindex="0"]')) first.tabIndex = 0;
    byId('empty').hidden = first !== null;
    setText(byId('empty'), this.#events.length === 0 ? 'Waiting for the first event.' : 'Nothing matches.');
    const rows = this.#list.childElementCount;
    setText(byId('shown'), rows === 0 ? '' : `newest ${rows} of the ${Math.min(this.#events.length, kept).toLocaleString('en')} kept`);
    this.#held.hidden = this.#waiting === 0;
    if (this.#waiting > 0) setText(this.#held, `${this.#waiting.toLocaleString('en')} newer: show`);
  }

  #row(e) {
    const row = element('button', { type: 'button', class: 'event', tabindex: '-1' },
      element('time', {}, clock(e.time)),
      element('span', { class: `mark ${e.priority}`, 'aria-hidden': 'true' }),
      element('span', { class: 'priority' }, e.priority),
      element('span', { class: 'type' }, e.event.type),
      element('span', { class: 'summary' }, ...summary(e.event)));
    row.event = e;
    return element('li', {}, row);
  }
}

/** The first fields in short. */
function summary(event) {
  const parts = [];
  for (const [name, value] of Object.entries(event)) {
    if (name === 'type' || name === 'timestamp') continue;
    parts.push(element('i', {}, name), `${short(value)}\u2002`);
    if (parts.length === 8) break;
  }
  return parts;
}

function short(value) {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (value !== null && typeof value === 'object') return '{…}';
  const text = String(value);
  return text.length > 20 ? `${text.slice(0, 10)}…${text.slice(-6)}` : text;
}
