// The page of a list: a filter, and a table.

import { element } from './dom.js';
import { apiQuery, filterForm } from './filters.js';
import { List } from './list.js';

/**
 * title and path are the page's; path is also that of the API. of are fields of the
 * filter, intro (optional elements), into, none, and concerns(event), which says
 * whether an event makes the list another one.
 */
export function listing({ title, path, fields = [], intro = [], into, none, concerns }, { query, state }, { go }) {
  const list = new List({
    path: `api/v1/${path}`, query: apiQuery(fields, query), what: title.toLowerCase(), none, into, pages: state.pages,
  });
  const moves = query.get('order') !== 'oldest' && !query.get('to'); // what is new is at the top
  let signal;
  return {
    title,
    root: element('div', { class: 'page' }, element('h1', {}, title), ...intro,
      element('section', { class: 'card', 'aria-label': title },
        ...fields.length > 0 ? [filterForm(fields, path, query, go)] : [], list.root)),
    load: (s) => list.load(signal = s),
    resumed: () => list.load(signal),
    tick: () => list.tick(),
    event(message) { if (moves && concerns(message.event)) list.add(); },
    state: () => ({ pages: list.pages }),
  };
}
