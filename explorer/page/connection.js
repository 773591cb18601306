// The two connections: of the explorer to its node, as the explorer tells it, and of
// this page to the explorer.

import { Badge } from './badge.js';
import { clock } from './clock.js';
import { byId, resource } from './dom.js';

const interval = 2000;
const names = { websocket: 'WebSocket', sse: 'SSE', polling: 'polling' };

/** Watches the explorer's connection to its node, and shows it as a badge. */
export class NodeConnection {
  /** The last answer of /health/streaming; undefined if there was none. */
  health;

  #badge = new Badge(byId('node'));
  #changed;

  /** changed() is called with each answer. */
  constructor(changed) { this.#changed = changed; }

  watch() {
    const look = async () => {
      if (!document.hidden) await this.#look();
      setTimeout(look, interval);
    };
    look();
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#look(); });
  }

  async #look() {
    try {
      const answer = await fetch(resource('health/streaming'), { cache: 'no-store', signal: AbortSignal.timeout(5 * interval) });
      this.health = await answer.json(); // with any status
    } catch {
      this.health = undefined;
    }
    this.#show();
    this.#changed();
  }

  #show() {
    const connection = this.health?.connection;
    const up = connection?.status === 'connected';
    if (!connection) this.#badge.show('off', 'node: not known');
    else if (up) this.#badge.show('live', `node: ${names[connection.mode] ?? connection.mode}`);
    else if (connection.status === 'closed') this.#badge.show('off', 'node: closed');
    else this.#badge.show('trying', `node: lost since ${clock(Date.parse(connection.since) || Date.now())}`);
    byId('node').title = connection ? describe(connection) : 'the explorer does not answer';
  }
}

function describe({ mode, status, node, error }) {
  return `The explorer reads its node ${node ?? ''} over ${names[mode] ?? mode}: ${status}${error ? `, ${error}` : ''}`;
}
