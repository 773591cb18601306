// Which page shows: addresses below the root of the explorer, the history of the
// browser, and links followed without loading the document again.

import { announce, byId, resource } from './dom.js';

const root = resource('');
const documents = /^(?:api|v1|health|metrics|assets)(?:\/|$)/; // links to these load what is there

/** The path of a URL below the root, without a slash at its end; undefined if it is not. */
function below(url) {
  if (url.origin !== root.origin || !(url.pathname + '/').startsWith(root.pathname)) return undefined;
  return url.pathname.slice(root.pathname.length).replace(/\/$/, '');
}

export class Navigation {
  #routes;
  #unknown;
  #context;
  #view;
  #path;
  #abort = new AbortController();

  /**
   * routes are [path, view]: path is of segments, of which {id} is any one, and view a
   * function of ({ id, query, state }) and the context. unknown is the view of all else.
   * A view is { title, root, load(signal), event(message), tick(), resumed(), state() };
   * all but title and root may be missing.
   */
  constructor(routes, unknown, context) {
    this.#routes = routes.map(([path, view]) => [path === '' ? [] : path.split('/'), view]);
    this.#unknown = unknown;
    this.#context = context;
    history.scrollRestoration = 'manual'; // what is scrolled to has to be loaded first
    addEventListener('popstate', () => this.#show({ restore: true }));
    addEventListener('pagehide', () => this.#remember());
    document.addEventListener('click', (e) => this.#follow(e));
  }

  /** The view that shows. */
  get view() { return this.#view; }

  start() {
    for (const a of document.querySelectorAll('a[data-path]')) a.href = resource(a.dataset.path).href;
    byId('brand').href = root.href;
    const icon = document.querySelector('link[rel=icon]');
    icon.href = icon.href; // is looked for again at each address
    return this.#show({ restore: true, first: true });
  }

  /** Goes to a path below the root, with its query; replace is not to come back here. */
  go(path, { replace = false } = {}) {
    const url = resource(path);
    if (url.href === location.href) return this.reload();
    this.#remember();
    if (replace) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    return this.#show({});
  }

  /** Loads the view that shows again. */
  reload() {
    this.#remember();
    return this.#show({ restore: true });
  }

  #remember() {
    history.replaceState({ scroll: scrollY, view: this.#view?.state?.() }, '');
  }

  #follow(e) {
    const a = e.target.closest?.('a[href]');
    if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    const path = below(new URL(a.href));
    if (path === undefined || documents.test(path) || a.hash) return;
    e.preventDefault();
    this.go(path + a.search);
  }

  async #show({ restore = false, first = false }) {
    this.#abort.abort();
    const { signal } = this.#abort = new AbortController();
    const state = restore ? history.state : null;
    const path = below(new URL(location.href)) ?? '';
    // Whoever has changed a filter stays where that is.
    const stays = path === this.#path && !restore;
    const focused = stays && document.activeElement?.closest('main') ? document.activeElement.id : '';
    const scroll = stays && focused ? scrollY : state?.scroll ?? 0;
    this.#path = path;
    const view = this.#view = this.#make(path, state?.view ?? {});
    this.title(view.title);
    byId('main').replaceChildren(view.root);
    this.#mark(path);
    if (focused && byId(focused)) byId(focused).focus({ preventScroll: true });
    else if (!first) byId('main').focus({ preventScroll: true });
    if (!first) announce(view.title);
    scrollTo(0, scroll);
    await view.load?.(signal);
    if (scroll > 0 && !signal.aborted) scrollTo(0, scroll); // what was scrolled to is there now
  }

  /** Says what shows, where that is known later. */
  title(text) { document.title = `${text} · adic explorer`; }

  #make(path, state) {
    const segments = path === '' ? [] : path.split('/');
    const query = new URLSearchParams(location.search);
    for (const [route, view] of this.#routes) {
      if (route.length !== segments.length) continue;
      if (!route.every((part, i) => part === '{id}' || part === segments[i])) continue;
      const at = route.indexOf('{id}');
      const id = at < 0 ? undefined : decode(segments[at]);
      if (id === '') break;
      return view({ id, query, state }, this.#context);
    }
    return this.#unknown({ path, query, state }, this.#context);
  }

  #mark(path) {
    const first = path.split('/')[0];
    for (const a of byId('nav').querySelectorAll('a')) {
      if (a.dataset.path === first) a.setAttribute('aria-current', path === first ? 'page' : 'true');
      else a.removeAttribute('aria-current');
    }
  }
}

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
