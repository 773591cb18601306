// Events as they are stored, and one of them.

import { Failure, get } from './api.js';
import { copyButton } from './copy.js';
import { factList, heading, unknown } from './details.js';
import { element, resource } from './dom.js';
import { kindOf } from './fields.js';
import { order, times, types } from './filters.js';
import { showJSON } from './json.js';
import { listing } from './listing.js';
import { EventGroups, sentence } from './rows.js';
import { loading, problem } from './states.js';
import { link, number, time, words } from './text.js';

export function events(page, context) {
  const wanted = expand(page.query.get('types'), context.catalogue);
  return listing({
    title: 'Events',
    path: 'events',
    fields: [types(context.catalogue), order, ...times],
    into: new EventGroups('Events, by day', { heading: 'h2' }),
    none: 'No event matches.',
    concerns: (event) => wanted === undefined || wanted.includes(event.type),
  }, page, context);
}

// The types that are named; undefined is all, also where the API is to say what is wrong.
function expand(text, catalogue) {
  if (!text) return undefined;
  try {
    return catalogue.expand(text.split(','));
  } catch {
    return undefined;
  }
}

export function event({ id }, context) {
  const root = element('div', { class: 'page' }, heading('event', id), loading('the event'));
  async function load(signal) {
    try {
      show(await get(`api/v1/events/${encodeURIComponent(id)}`, signal));
    } catch (error) {
      if (signal.aborted) return;
      const missing = error instanceof Failure && (error.status === 404 || error.status === 400);
      if (missing) context.title('No such event');
      root.replaceChildren(missing ? unknown('event', id, 'Events are numbered from 1 in the order in which they came. Old ones are removed after a time.') : problem(error, () => load(signal)));
    }
  }
  function show(item) {
    const json = element('pre', { tabindex: '0', role: 'region', 'aria-label': 'The event as JSON' });
    showJSON(json, item.raw);
    context.title(`${item.type}, event ${item.seq}`);
    const about = Object.entries(item.event).flatMap(([field, value]) => {
      const kind = kindOf(item.type, field);
      return kind && value !== null ? [[words(field), ...[value].flat().flatMap((id) => [link(kind, id), ' '])]] : [];
    });
    root.replaceChildren(
      element('div', { class: 'heading' }, element('p', { class: 'kind' }, `event ${number(item.seq)}`), element('h1', {}, item.type),
        element('p', { class: 'story' }, ...sentence(item.event))),
      element('section', { class: 'card', 'aria-label': 'Facts' }, factList([
        ['Time', time(item.time)],
        ['Received', time(item.received)],
        ['Priority', element('span', { class: `mark ${item.priority}`, 'aria-hidden': 'true' }), ` ${item.priority}`],
        ['Cursor', item.id && element('code', {}, item.id)],
        ...about,
      ])),
      element('section', { class: 'card', 'aria-labelledby': 'json-title' },
        element('div', { class: 'head' }, element('h2', { id: 'json-title' }, 'As it came'), element('div', { class: 'tools' }, copyButton(item.raw, 'the event'))), json),
      element('nav', { class: 'neighbours', 'aria-label': 'Events before and after' },
        ...item.seq > 1 ? [element('a', { href: resource(`events/${item.seq - 1}`).href, rel: 'prev' }, `← Event ${number(item.seq - 1)}`)] : [],
        element('a', { href: resource(`events/${item.seq + 1}`).href, rel: 'next' }, `Event ${number(item.seq + 1)} →`)));
  }
  return { title: `Event ${id}`, root, load };
}
