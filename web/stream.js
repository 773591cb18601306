// The stream of the page: one connection at a time, made again when it is lost, with
// the cursor of the last event, over another transport if one does not open.

import { openPolling } from './poll.js';
import { openSSE, askWhy } from './sse.js';
import { openWebSocket } from './websocket.js';

const transports = { websocket: openWebSocket, sse: openSSE, polling: openPolling };
export const transportNames = { websocket: 'WebSocket', sse: 'SSE', polling: 'polling' };
// What to try where one does not open: the other kind of stream, and then polling.
const others = { websocket: ['sse', 'polling'], sse: ['websocket', 'polling'] };

const tokenExpired = 4401; // close code
const settling = 600; // ms in which what was missed comes

export class Stream {
  filter; // set through the methods below
  cursor = 'earliest'; // after which to go on; empty is with what comes now
  preferred = 'websocket';
  token = '';

  #on;
  #connection; // the one there is, or that is being made
  #generation = 0; // of connections: what belongs to an older one is void
  #attempts = 0; // in vain, since one held
  #timer;
  #settled;
  #lostAt = 0;

  /**
   * on are state(name, text), filter(), message(m, fresh) with whether it is new
   * and not one of those that were missed, sent(m), refused(status, reason),
   * and resumed(text).
   */
  constructor(filter, on) {
    this.filter = filter;
    this.#on = on;
  }

  get connected() { return this.#connection !== undefined; }

  /** Connects anew, after the cursor. */
  connect() {
    this.#drop();
    this.#attempts = 0;
    this.#open(this.preferred);
  }

  disconnect() {
    this.#drop();
    this.#lostAt = Date.now();
    this.#on.state('off', 'disconnected');
  }

  /** Tries now what would have been tried after a while. */
  hurry() {
    if (this.#timer) this.connect();
  }

  /** Asks for types: by message where there is a WebSocket, else by a new stream. */
  subscribe(names, catalogue) { this.#narrow('Subscribe', names, this.filter.subscribe(names, catalogue)); }
  unsubscribe(names, catalogue) { this.#narrow('Unsubscribe', names, this.filter.unsubscribe(names, catalogue)); }

  #narrow(type, events, filter) {
    if (filter.types.length === 0) throw new Error('this would leave no type; disconnect instead');
    if (this.#connection?.send && this.#connection.opened) {
      this.#connection.send({ type, events }); // the answer says what is in force
      return;
    }
    this.refilter(filter);
  }

  /** Takes another filter, by a new stream: there is no message for priorities. */
  refilter(filter) {
    this.filter = filter;
    this.#on.filter();
    if (this.#connection || this.#timer) this.connect();
  }

  #drop() {
    this.#generation++;
    clearTimeout(this.#timer);
    clearTimeout(this.#settled);
    this.#timer = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) this.#lostAt = Date.now();
    connection?.close();
  }

  #open(transport) {
    this.#timer = undefined;
    const generation = ++this.#generation;
    const query = [this.filter.query(), this.cursor && 'since=' + encodeURIComponent(this.cursor)].filter((part) => part).join('&');
    const arrived = { after: this.cursor, count: 0, settled: false, lost: undefined };
    let roundTrip = '';
    const live = () => this.#on.state('live', `live, ${transportNames[transport]}${roundTrip}`);
    // A handler is for the connection that there is.
    const current = (handler) => (...args) => { if (generation === this.#generation) handler(...args); };

    this.#on.state('trying', `connecting, ${transportNames[transport]}`);
    const connection = transports[transport](query, this.token, {
      opened: current(() => {
        connection.opened = true;
        live();
        this.#settled = setTimeout(() => {
          arrived.settled = true;
          this.#attempts = 0; // it opened, and not just to be closed
          this.#on.resumed(resumption(arrived, transport, this.#lostAt));
        }, settling);
      }),
      message: current((message) => {
        if (message.type === 'Event') {
          arrived.count++;
          if (message.id) this.cursor = message.id;
        } else if (message.type === 'Lagged') {
          arrived.lost = message.dropped;
        } else if (message.type === 'Subscribed' || message.type === 'Unsubscribed') {
          this.filter = this.filter.withTypes(message.events);
          this.#on.filter();
        }
        this.#on.message(message, arrived.settled);
      }),
      roundTrip: current((ms) => {
        roundTrip = `, ${Math.max(1, Math.round(ms))} ms`;
        live();
      }),
      sent: current((message) => this.#on.sent(message)),
      closed: current((how) => {
        clearTimeout(this.#settled);
        this.#connection = undefined;
        if (how.opened) this.#lostAt = Date.now();
        this.#lost(transport, how, query, generation);
      }),
    });
    this.#connection = connection;
  }

  async #lost(transport, { opened, code, status, reason }, query, generation) {
    this.#on.state('trying', 'connection lost');
    let why = { status: status ?? 0, message: reason };
    if (code === tokenExpired) why = { status: 401, message: 'the token has expired' };
    else if (!opened && transport !== 'polling') why = await askWhy(query, this.token);
    if (generation !== this.#generation) return;

    if (why.status >= 400 && why.status < 500 && why.status !== 429) {
      this.#on.state('refused', `refused, ${why.status}`);
      this.#on.refused(why.status, why.message);
      return;
    }
    // A router that answers and opens no stream may open one of another kind.
    const ladder = [this.preferred, ...others[this.preferred]];
    const next = (!opened && why.status > 0 && ladder[ladder.indexOf(transport) + 1]) || this.preferred;
    const wait = why.status === 200 && next !== this.preferred ? 0 : backoff(this.#attempts++);
    if (wait > 0) this.#on.state('trying', `connecting again in ${(wait / 1000).toFixed(1)} s`);
    this.#timer = setTimeout(() => this.#open(next), wait);
  }
}

/** From 0.5 s to 15 s, and at random, lest all pages come at once. */
const backoff = (attempts) => Math.min(15_000, 500 * 2 ** attempts) * (0.5 + Math.random() / 2);

/** What a new connection did about the time without one. */
function resumption({ after, count, lost }, transport, lostAt) {
  const over = `over ${transportNames[transport]}`;
  const events = count === 1 ? '1 event' : `${count.toLocaleString('en')} events`;
  if (after === '') return `Connected ${over}.`;
  if (after === 'earliest') return `Connected ${over}. The router held ${events}.`;
  const back = `Back ${over} after ${((Date.now() - settling - lostAt) / 1000).toFixed(1)} s. `;
  if (lost && Object.values(lost).includes(null)) {
    return `${back}The router does not know the cursor, or not any more: it sent all that it holds (${events}), and what else there was nobody knows.`;
  }
  return `${back}Went on after the last cursor: ${events} that had waited, ${lost ? describeLoss(lost) + ' lost' : 'none lost'}.`;
}

/** Counts of a Lagged, as in "3 medium, 120 low". */
export function describeLoss(dropped) {
  const parts = Object.entries(dropped).filter(([, count]) => count !== 0)
    .map(([priority, count]) => `${count === null ? 'unknown many' : count.toLocaleString('en')} ${priority}`);
  return parts.join(', ') || 'none';
}
