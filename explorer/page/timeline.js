// The timeline of an identifier: the story that the events with it tell.

import { withQuery } from './api.js';
import { element, resource } from './dom.js';
import { apiQuery, order, filterForm, times, types } from './filters.js';
import { List } from './list.js';
import { EventGroups } from './rows.js';
import { count, time, words } from './text.js';

/**
 * A part of a page. query and state are those of the page; told(identifiers) and
 * failed(error), both optional, are as those of a List.
 */
export class Timeline {
  #list;
  #moves; // whether what is new is at the top
  #kinds = element('ul', { class: 'kinds' });

  constructor({ id, query, state, told, failed }, { catalogue, go }) {
    const path = location.pathname.slice(resource('').pathname.length);
    const fields = [
      types(catalogue),
      order,
      ...times,
    ];
    const kind = query.get('kind') ?? '';
    this.#moves = query.get('order') !== 'oldest' && !query.get('to');
    this.#list = new List({
      path: `api/v1/timeline/${encodeURIComponent(id)}`,
      query: { ...apiQuery(fields, query), kind },
      what: 'its story',
      none: 'No event matches.',
      into: new EventGroups('Events, by day', { self: id }),
      pages: state.pages,
      loaded: ({ identifiers }) => {
        this.#show(identifiers, path, query, kind);
        told?.(identifiers);
      },
      failed,
    });
    this.root = element('section', { class: 'card timeline', 'aria-labelledby': 'timeline-title' },
      element('h2', { id: 'timeline-title' }, 'Timeline'), this.#kinds,
      filterForm(fields, path, query, go), this.#list.root);
  }

  load(signal) { return this.#list.load(signal); }

  /** Says that there is one event more. */
  add() { if (this.#moves) this.#list.add(); }

  tick() { this.#list.tick(); }
  state() { return { pages: this.#list.pages }; }

  // What the identifier is of; one that is of several things can be narrowed down.
  #show(identifiers, path, query, kind) {
    const entry = (text, wanted, one) => {
      const to = withQuery(path, { ...Object.fromEntries(query), kind: wanted });
      const a = element('a', { class: 'chip', href: resource(to).href }, text);
      if (wanted === kind) a.setAttribute('aria-current', 'true');
      return element('li', {}, a, ...one ? [element('span', { class: 'quiet small' }, ' ', time(one.first), ' to ', time(one.last))] : []);
    };
    this.#kinds.replaceChildren(
      ...identifiers.length > 1 ? [entry('everything', '')] : [],
      ...identifiers.map((one) => (identifiers.length > 1
        ? entry(`${words(one.kind)}, ${count(one.events, 'event')}`, one.kind, one)
        : element('li', { class: 'quiet small' }, `${count(one.events, 'event')}, `, time(one.first), ' to ', time(one.last)))));
  }
}
