// What pages of one thing share: a head with its identifier, facts, and its story.

import { Failure, get, withQuery } from './api.js';
import { copyButton } from './copy.js';
import { element, resource } from './dom.js';
import { identifiers, pathOf } from './fields.js';
import { loading, problem } from './states.js';
import { Timeline } from './timeline.js';
import { link, number, shorten, words } from './text.js';

/** The head of a page of one thing. */
export function heading(kind, id, ...more) {
  return element('div', { class: 'heading' },
    element('p', { class: 'kind' }, kind),
    element('div', { class: 'with-copy' }, element('h1', { class: 'whole-id' }, id), copyButton(id, `the ${kind}`)), ...more);
}

/** A list of facts, as [name, value]; those without a value are left out. */
export function factList(facts) {
  return element('dl', { class: 'facts' }, ...facts.filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, ...value]) => element('div', {}, element('dt', {}, name), element('dd', {}, ...value))));
}

/** What shows where nothing is known of an identifier: what begins like it, if anything. */
export function unknown(kind, id, failure) {
  const similar = element('div');
  get(withQuery('api/v1/search', { q: id.slice(0, 60), limit: 10 })).then(({ items }) => {
    if (items.length === 0) return;
    similar.append(element('p', {}, 'This is known:'), element('ul', { class: 'similar' },
      ...items.map((hit) => element('li', {}, element('span', { class: 'kind' }, hit.kind), ' ', link(hit.kind, hit.id, 40)))));
  }, () => {}); // it is an offer only
  return element('div', { class: 'not-found' },
    element('p', { class: 'status-code', 'aria-hidden': 'true' }, '404'),
    element('h1', {}, `No such ${kind}`),
    element('p', {}, element('code', {}, shorten(id, 120))),
    element('p', { class: 'quiet' }, failure ?? 'Nothing that was indexed tells of it. It may come yet, or was removed after its time.'),
    similar,
    element('p', {}, element('a', { href: resource('').href }, 'To the overview')));
}

/**
 * The page of one thing: kind and id of it, path in the API, and facts(answer), which
 * returns elements. Events that tell of it bring it up to date.
 */
export function detail({ kind, id, path, query, state, facts }, context) {
  const top = element('div', {}, heading(kind, id), loading(`the ${kind}`));
  const timeline = new Timeline({ id, query, state }, context);
  const root = element('div', { class: 'page' }, top, timeline.root);
  let signal;
  let stale = false;

  async function load(s) {
    signal = s;
    const known = await show();
    if (!known || s.aborted) return;
    root.replaceChildren(top, timeline.root);
    await timeline.load(s);
  }

  async function show() {
    stale = false;
    try {
      const answer = await get(path, signal);
      top.replaceChildren(heading(kind, id), ...facts(answer));
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (error instanceof Failure && error.status === 404) {
        context.title(`No such ${kind}`);
        root.replaceChildren(unknown(kind, id));
        return false;
      }
      top.replaceChildren(heading(kind, id), problem(error, () => load(signal)));
      return false;
    }
  }

  return {
    title: `${title(kind)} ${shorten(id)}`,
    root,
    load,
    event(message) {
      if (!identifiers(message.event).includes(id)) return;
      stale = true;
      timeline.add();
    },
    tick() {
      timeline.tick();
      if (stale) (top.isConnected ? show() : load(signal)); // once a second at most
    },
    resumed: () => load(signal),
    state: () => timeline.state(),
  };
}

/** The page of an identifier of anything: its story, and where else it has a page. */
export function identifier({ id, query, state }, context) {
  const top = element('div', {}, heading('identifier', id));
  const root = element('div', { class: 'page' });
  const timeline = new Timeline({
    id, query, state,
    told(identifiers) {
      const kinds = identifiers.map(({ kind }) => kind);
      context.title(`${title(words(kinds[0]))} ${shorten(id)}`);
      const pages = [...new Set(kinds.filter((kind) => !pathOf(kind, id).startsWith('timeline/')))];
      top.replaceChildren(heading(kinds.map(words).join(', '), id, ...pages.map((kind) => element('p', {},
        element('a', { href: resource(pathOf(kind, id)).href }, `What is known of this ${words(kind)}`)))));
    },
    failed(error) {
      if (!(error instanceof Failure && error.status === 404)) return false;
      context.title('No such identifier');
      root.replaceChildren(unknown('identifier', id));
      return true;
    },
  }, context);
  let signal;
  const load = (s) => {
    signal = s;
    root.replaceChildren(top, timeline.root);
    return timeline.load(s);
  };
  return {
    title: shorten(id),
    root,
    load,
    event(message) {
      if (!identifiers(message.event).includes(id)) return;
      if (top.isConnected) timeline.add();
      else load(signal);
    },
    tick: () => timeline.tick(),
    resumed: () => load(signal),
    state: () => timeline.state(),
  };
}

const title = (text) => text[0].toUpperCase() + text.slice(1);

/** Shares of a whole as a bar, with a legend that says them. parts are { name, value, kind }. */
export function shares(label, parts) {
  const sum = parts.reduce((total, { value }) => total + value, 0);
  const bar = element('span', { class: 'shares', 'aria-hidden': 'true' });
  for (const { value, kind } of parts) {
    const part = element('span', { class: kind });
    part.style.flexGrow = String(sum > 0 ? value / sum : 0);
    bar.append(part);
  }
  return element('div', { class: 'shares-frame', role: 'group', 'aria-label': label }, bar,
    element('ul', { class: 'legend' }, ...parts.map(({ name, value, kind }) => element('li', {},
      element('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), `${name} `, element('b', {}, number(Math.round(value * 100) / 100))))));
}
