// What the page is subscribed to. A filter is a value: changing it makes another.

import { priorities } from './catalogue.js';

export class Filter {
  /** types: canonical names in catalogue order, or ['all'], as Subscribed has them. */
  constructor(types = ['all'], wanted = priorities) {
    this.types = types;
    this.priorities = wanted;
  }

  get all() { return this.types.length === 1 && this.types[0] === 'all'; }

  withTypes(types) { return new Filter(types, this.priorities); }
  withPriorities(wanted) { return new Filter(this.types, priorities.filter((p) => wanted.includes(p))); }

  /** The effect of a Subscribe message: of all it narrows, else it adds. */
  subscribe(names, catalogue) {
    if (names.includes('all')) return this.withTypes(['all']);
    const more = catalogue.expand(names);
    return this.withTypes(this.all ? more : catalogue.expand([...this.types, ...more]));
  }

  /** The effect of an Unsubscribe message, which takes away from all too. */
  unsubscribe(names, catalogue) {
    const gone = catalogue.expand(names);
    return this.withTypes(catalogue.expand(this.types).filter((name) => !gone.includes(name)));
  }

  takes(type, priority) {
    return (this.all || this.types.includes(type)) && this.priorities.includes(priority);
  }

  /** The query of a stream, without what is the default. */
  query() {
    const query = [];
    if (!this.all) query.push('events=' + this.types.map(encodeURIComponent).join(','));
    if (this.priorities.length < priorities.length) query.push('priority=' + this.priorities.join(','));
    return query.join('&');
  }
}

/** The names that somebody typed. */
export const parseNames = (text) => text.split(/[\s,]+/).filter((name) => name !== '');
