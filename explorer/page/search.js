// Search: the box that is on every page, and what it found.

import { get, withQuery } from './api.js';
import { unknown } from './details.js';
import { byId, element } from './dom.js';
import { pathOf } from './fields.js';
import { empty, loading, problem } from './states.js';
import { count, link, time, words } from './text.js';

/** Makes the box work: / goes to it, Enter searches. */
export function searchBox(go) {
  const box = byId('search');
  box.setAttribute('aria-keyshortcuts', '/');
  byId('search-form').addEventListener('submit', (e) => {
    e.preventDefault();
    const q = box.value.trim();
    if (q !== '') go(withQuery('search', { q }));
  });
  document.addEventListener('keydown', (e) => {
    if (e.key !== '/' || e.ctrlKey || e.altKey || e.metaKey || e.target.closest?.('input, select, textarea')) return;
    e.preventDefault();
    box.focus();
    box.select();
  });
  box.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape') return;
    box.value = '';
    byId('main').focus();
  });
}

export function results({ query }, { go }) {
  const q = (query.get('q') ?? '').trim();
  const into = element('div', {}, loading('what was found'));
  byId('search').value = q;
  async function load(signal) {
    if (q === '') {
      into.replaceChildren(empty('Type the beginning of an identifier above.'));
      return;
    }
    try {
      const { items } = await get(withQuery('api/v1/search', { q, limit: 100 }), signal);
      const exact = items.filter((hit) => hit.exact);
      if (items.length === 1 && exact.length === 1) { // there is only one thing to look at
        go(pathOf(exact[0].kind, exact[0].id), { replace: true });
        return;
      }
      into.replaceChildren(items.length === 0 ? nothing(q) : hits(items));
    } catch (error) {
      if (!signal.aborted) into.replaceChildren(problem(error, () => load(signal)));
    }
  }
  return {
    title: q === '' ? 'Search' : `Search for ${q}`,
    root: element('div', { class: 'page' }, element('h1', {}, q === '' ? 'Search' : ['Search for ', q].join('')), into),
    load,
  };
}

const nothing = (q) => element('div', { class: 'card' },
  empty(`Nothing that was indexed is or begins with ${q}.`),
  element('p', { class: 'quiet centred' }, 'Identifiers are found by their beginning: of messages, addresses, validators, proposals, tasks, challenges, escrow locks, epochs and peers.'));

const hits = (items) => element('section', { class: 'card', 'aria-label': 'Found' }, element('ol', { class: 'hits' }, ...items.map((hit) => element('li', {},
  element('span', { class: 'kind' }, words(hit.kind)),
  link(hit.kind, hit.id, 44),
  element('span', { class: 'quiet small' }, ...hit.exact ? [element('span', { class: 'pill', 'data-state': 'exact' }, 'exact'), ' '] : [],
    `${count(hit.events, 'event')}, the last `, time(hit.last))))));

/** What shows at addresses that there is no page for. */
export function missing({ path }) {
  return { title: 'No such page', root: element('div', { class: 'page' }, unknown('page', `/${path}`, 'There is no page at this address.')) };
}
