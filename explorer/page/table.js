// A table, the rows of which become small cards on a narrow screen.

import { element } from './dom.js';

/**
 * A table for a List. columns are { name, cell(item), class }: cell returns an element
 * or text. row(item, tr) may do more with a row.
 */
export class Table {
  #columns;
  #body = element('tbody');

  constructor(label, columns, row = () => {}) {
    this.#columns = columns;
    this.row = row;
    this.table = element('table', { class: 'table', 'aria-label': label },
      element('thead', {}, element('tr', {}, ...columns.map((c) => element('th', { scope: 'col', class: c.class ?? '' }, c.name)))),
      this.#body);
    this.root = element('div', { class: 'table-frame', hidden: '' });
  }

  append(items) {
    if (items.length > 0 && !this.table.isConnected) this.root.replaceChildren(this.table);
    this.#body.append(...items.map((item) => this.make(item)));
  }

  clear() {
    this.#body.replaceChildren();
    this.root.replaceChildren();
  }

  /** The row of an item. */
  make(item) {
    const tr = element('tr', {}, ...this.#columns.map((c) => element('td', { class: c.class ?? '', 'data-name': c.name }, c.cell(item))));
    this.row(item, tr);
    return tr;
  }
}
