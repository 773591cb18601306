// The event types of this router.

import { resource } from './dom.js';

/** Priorities, most important first. */
export const priorities = ['high', 'medium', 'low'];

/** Loads GET /v1/events/types. */
export async function loadCatalogue() {
  const answer = await fetch(resource('v1/events/types'));
  if (!answer.ok) throw new Error(`GET /v1/events/types was answered with ${answer.status}`);
  return new Catalogue((await answer.json()).types);
}

export class Catalogue {
  #byName = new Map();

  constructor(types) {
    this.types = types;
    for (const type of types) this.#byName.set(type.name, type);
  }

  /** The priority of an event type; a router may be newer than its catalogue here. */
  priority(name) { return this.#byName.get(name)?.priority ?? 'low'; }

  alias(name) { return this.#byName.get(name)?.alias ?? ''; }

  /** Prefixes of more than one alias, such as vrf.* */
  prefixes() {
    const counts = new Map();
    for (const { alias } of this.types) {
      const prefix = alias.split('.')[0] + '.*';
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
    return [...counts].filter(([, count]) => count > 1).map(([prefix]) => prefix);
  }

  /**
   * The canonical names that a list of names, aliases and prefixes means, in the
   * order of the catalogue. Throws an Error that names what it does not know.
   */
  expand(names) {
    const wanted = new Set();
    const unknown = [];
    for (const name of names) {
      const found = this.types.filter((type) => name === 'all' || name === type.name || name === type.alias
        || (name.endsWith('.*') && type.alias.startsWith(name.slice(0, -1))));
      if (found.length === 0) unknown.push(name);
      for (const type of found) wanted.add(type.name);
    }
    if (unknown.length > 0) throw new Error(`unknown event type ${unknown.join(', ')}`);
    return this.types.map((type) => type.name).filter((name) => wanted.has(name));
  }
}
