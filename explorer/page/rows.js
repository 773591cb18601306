// Events as rows: when, what, and on request the event as it came.

import { copyButton } from './copy.js';
import { element, resource } from './dom.js';
import { kindOf } from './fields.js';
import { showJSON } from './json.js';
import { story } from './story.js';
import { dayOf, link, number, shorten, time, words } from './text.js';

/** The sentence of an event. The identifier that the page is about is no link. */
export function sentence(event, self) {
  return story(event).flatMap((part) => (typeof part === 'string' ? [part] : value(event, part, self)));
}

// Values that mean something only as they are.
const asIs = ['old_value', 'new_value'];

function value(event, { field, value: v }, self) {
  const kind = kindOf(event.type, field);
  if (Array.isArray(v)) {
    if (!kind) return [v.length === 0 ? 'none' : v.map((x) => (typeof x === 'object' ? '{…}' : String(x))).join(', ')];
    const few = v.toSorted((a, b) => (b === self) - (a === self)).slice(0, 3).flatMap((id, i) => [...i > 0 ? [' '] : [], identifier(kind, id, self)]);
    return v.length > 3 ? [...few, ` and ${v.length - 3} more`] : few;
  }
  if (v === null || v === undefined) return ['–'];
  if (kind) return [identifier(kind, v, self)];
  if (typeof v === 'object') return ['{…}'];
  if (/^-?\d+(\.\d+)?$/.test(v)) return [element('b', {}, number(v))];
  return [shorten(/^[a-z_]+$/.test(v) && !asIs.includes(field) ? words(v) : String(v), 60)];
}

function identifier(kind, id, self) {
  if (String(id) === self) return element('b', { class: 'id', title: self }, shorten(self));
  return link(kind, id);
}

/**
 * A row of an event, with id, type, priority, time, event, and raw; seq, if it is
 * known, leads to its page. self is the identifier that the page is about.
 */
export function eventRow(item, { self, open = false } = {}) {
  const toggle = element('button', { type: 'button', class: 'toggle-row', 'aria-expanded': 'false', 'aria-label': `${item.event.type} as JSON` });
  const row = element('li', { class: 'event', 'data-type': item.event.type },
    toggle,
    time(item.time, { date: false }),
    element('span', { class: `mark ${item.priority}`, role: 'img', 'aria-label': `${item.priority} priority`, title: `${item.priority} priority` }),
    element('span', { class: 'type', title: item.event.type }, item.event.type),
    element('span', { class: 'story' }, ...sentence(item.event, self)));
  const flip = () => {
    const opening = toggle.getAttribute('aria-expanded') !== 'true';
    toggle.setAttribute('aria-expanded', String(opening));
    if (opening) row.append(panel(item));
    else row.querySelector('.panel').remove();
  };
  toggle.addEventListener('click', flip);
  row.addEventListener('click', (e) => { // the whole row, for a mouse
    if (e.target.closest('a, button, .panel') || !getSelection().isCollapsed) return;
    flip();
  });
  if (open) flip();
  return row;
}

function panel(item) {
  const json = element('pre', { tabindex: '0', 'aria-label': 'The event as JSON', role: 'region' });
  showJSON(json, item.raw);
  const facts = [];
  if (item.seq) facts.push(element('a', { href: resource(`events/${item.seq}`).href }, `Event ${number(item.seq)}`));
  if (item.received) facts.push(element('span', {}, 'received ', time(item.received)));
  if (item.id) facts.push(element('span', { class: 'cursor' }, 'cursor ', element('code', {}, item.id)));
  return element('div', { class: 'panel' }, json, element('p', { class: 'under' }, ...facts, copyButton(item.raw, 'the event')));
}

/** Rows of events, grouped by their days; for a List. */
export class EventGroups {
  #day;
  #rows;
  #self;
  #heading;

  /** heading is the element for a day, below the one before it on the page. */
  constructor(label, { self, heading = 'h3' } = {}) {
    this.#self = self;
    this.#heading = heading;
    this.root = element('div', { class: 'groups', role: 'group', 'aria-label': label });
  }

  append(items) {
    for (const item of items) {
      const day = dayOf(item.time);
      if (day !== this.#day) {
        this.#day = day;
        this.#rows = element('ol', { class: 'events' });
        this.root.append(element('section', {}, element(this.#heading, { class: 'day' }, day), this.#rows));
      }
      this.#rows.append(eventRow(item, { self: this.#self }));
    }
  }

  clear() {
    this.#day = undefined;
    this.root.replaceChildren();
  }
}
