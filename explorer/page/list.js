// A list that comes page by page, with what is new offered and not pushed in.

import { get, withQuery } from './api.js';
import { element, setText } from './dom.js';
import { empty, loading, problem } from './states.js';
import { number } from './text.js';

const size = 50;
const most = 1000; // that the API gives at once

export class List {
  #of;
  #status = element('div', { class: 'status' });
  #news = element('button', { type: 'button', class: 'news', hidden: '' });
  #more = element('button', { type: 'button', class: 'more', hidden: '' }, 'More');
  #next;
  #pages;
  #newer = 0;
  #signal;

  /**
   * of are path and query of the API; what, the name of what is listed; none, what to
   * say if there is none; into, { root, append(items), clear() }; pages, how many were
   * there the last time; loaded(answer), optional, called with each first page; and
   * failed(error), optional, which returns whether it has shown that.
   */
  constructor(of) {
    this.#of = of;
    this.#pages = Math.min(of.pages ?? 1, most / size);
    this.root = element('div', { class: 'list', tabindex: '-1' }, this.#news, of.into.root, this.#status, this.#more);
    this.#more.addEventListener('click', () => this.#append());
    this.#news.addEventListener('click', () => {
      this.#pages = 1;
      this.root.focus({ preventScroll: true }); // the button goes
      this.load(this.#signal);
    });
  }

  get pages() { return this.#pages; }

  /** Says that there is something newer than what shows. */
  add(n = 1) {
    this.#newer += n;
  }

  /** Brings the document up to date; called once a second. */
  tick() {
    this.#news.hidden = this.#newer === 0;
    if (this.#newer > 0) setText(this.#news, `${number(this.#newer)} newer: show`);
  }

  /** Loads the beginning, as far as it was shown. */
  async load(signal) {
    this.#signal = signal;
    const first = !this.#of.into.root.isConnected || this.#next === undefined;
    if (first) this.#status.replaceChildren(loading(this.#of.what));
    try {
      const answer = await this.#get({ limit: this.#pages * size });
      this.#newer = 0;
      this.tick();
      this.#of.into.clear();
      this.#show(answer);
      this.#of.loaded?.(answer);
    } catch (error) {
      if (signal?.aborted || this.#of.failed?.(error)) return;
      this.#status.replaceChildren(problem(error, () => this.load(signal)));
    }
  }

  async #append() {
    this.#more.disabled = true;
    setText(this.#more, 'Loading');
    try {
      const answer = await this.#get({ limit: size, cursor: this.#next });
      this.#pages++;
      this.#show(answer);
    } catch (error) {
      if (!this.#signal?.aborted) this.#status.replaceChildren(problem(error, () => this.#append()));
    }
    this.#more.disabled = false;
    setText(this.#more, 'More');
    if (this.#more.hidden) this.root.focus({ preventScroll: true });
  }

  #get(more) { return get(withQuery(this.#of.path, { ...this.#of.query, ...more }), this.#signal); }

  #show(answer) {
    this.#of.into.append(answer.items);
    this.#next = answer.next ?? null;
    this.#more.hidden = this.#next === null;
    this.#status.replaceChildren(...this.#of.into.root.childElementCount === 0 ? [empty(this.#of.none)] : []);
    this.#of.into.root.hidden = this.#of.into.root.childElementCount === 0;
  }
}
