// One event in full.

import { byId, element } from './dom.js';
import { showJSON } from './json.js';

export class Detail {
  #panel = byId('detail');
  #row; // that it was opened from
  #event;

  /** on are only(type) and without(type). */
  constructor(catalogue, on) {
    this.catalogue = catalogue;
    byId('detail-close').addEventListener('click', () => this.close());
    byId('only').addEventListener('click', () => on.only(this.#event.type));
    byId('without').addEventListener('click', () => on.without(this.#event.type));
    this.#panel.addEventListener('keydown', (e) => { if (e.key === 'Escape') this.close(); });
  }

  open({ event, raw, id, priority, received }, row) {
    this.#row?.removeAttribute('aria-current');
    row.setAttribute('aria-current', 'true');
    this.#row = row;
    this.#event = event;
    byId('detail-title').textContent = event.type;
    const facts = {
      Alias: this.catalogue.alias(event.type) || '–',
      Priority: priority,
      Timestamp: event.timestamp,
      Received: new Date(received).toISOString(),
      Cursor: id,
    };
    byId('detail-facts').replaceChildren(...Object.entries(facts).flatMap(
      ([name, value]) => [element('dt', {}, name), element('dd', {}, String(value))]));
    showJSON(byId('detail-json'), raw);
    this.#panel.hidden = false;
    byId('detail-title').focus();
  }

  close() {
    this.#panel.hidden = true;
    this.#row.removeAttribute('aria-current');
    if (this.#row.isConnected) this.#row.focus();
    else byId('events').focus();
  }
}
