// A client that does not read: a second stream with all events, which is not asked
// for more. When the buffers on the way are full, the router drops.

import { announce, byId, element, setText } from './dom.js';
import { priorities } from './catalogue.js';
import { MessageLog } from './messages.js';
import { pull } from './pull.js';
import { describeLoss } from './stream.js';

const patience = 2000; // ms after which there is no further Lagged
const burst = 500; // events in 100 ms, which had waited

export class SlowClient {
  #token;
  #button = byId('stall');
  #stream;
  #since; // when it stopped reading
  #cursor; // of the last event read
  #before; // counts of the router at that time
  #emitted; // events that the router had had by then
  #dropped; // counts of the router since
  #lost; // counts that Lagged said
  #read; // events
  #heard; // when it last heard of a loss
  #reading = false; // whether to ask for more
  #pump; // ends when it should not read
  #log = new MessageLog(byId('slow-lagged'));
  #running = false;
  #blocked; // whether the router was seen to wait

  /** token() is the one to subscribe with. */
  constructor(token) {
    this.#token = token;
    this.#button.addEventListener('click', () => this.#switch());
  }

  /** Takes the figures of the router; called at each tick. */
  tick({ dropped, lagging, health }) {
    if (!this.#running || !dropped) return;
    const emitted = health?.metrics.events_emitted_total;
    this.#before ??= dropped;
    this.#emitted ??= emitted;
    this.#dropped = Object.fromEntries(priorities.map((p) => [p, dropped[p] - this.#before[p]]));
    this.#show();
    if (this.#since) this.#say(this.#stalledText(lagging, emitted));
  }

  async #switch() {
    const on = this.#button.getAttribute('aria-checked') !== 'true';
    this.#button.setAttribute('aria-checked', String(on));
    this.#button.disabled = true; // until it has happened
    try {
      await (on ? this.#stall() : this.#readOn());
    } catch (error) {
      this.#end(`The second stream did not open: ${error.message}.`);
      this.#button.setAttribute('aria-checked', 'false');
    }
    this.#button.disabled = false;
  }

  async #stall() {
    this.#before = this.#dropped = this.#emitted = undefined;
    this.#lost = { high: 0, medium: 0, low: 0 };
    this.#read = 0;
    this.#blocked = false;
    byId('slow-lagged').replaceChildren();
    byId('slow-lagged').hidden = true;
    this.#stream = await pull('earliest', this.#token());
    this.#running = true;
    this.#goOn();
    this.#reading = false; // after the first part, for a cursor to come back to
    this.#since = Date.now();
    byId('slow-table').hidden = false;
    this.#show();
    this.#say('Has stopped reading.');
    announce('A second client has stopped reading.');
  }

  #goOn() {
    this.#reading = true;
    this.#pump ??= this.#takeParts().catch((error) => {
      if (this.#running) this.#end(`The second stream has ended: ${error.message}.`);
    }).finally(() => { this.#pump = undefined; });
  }

  // Asks for one part after the other. At the end of the stream it comes back for
  // the rest, as an EventSource would.
  async #takeParts() {
    while (this.#reading) {
      const part = await this.#stream.messages.next().catch(() => ({ done: true })); // reset
      if (!this.#running) return;
      if (part.done) {
        this.#log.note('The router had closed the stream, and counted its losses. Asked again, with the last cursor, it counts them anew.');
        this.#stream = await pull(this.#cursor ?? 'earliest', this.#token());
        this.#heard = Date.now();
      } else {
        part.value.forEach((message) => this.#hear(message));
      }
    }
  }

  #hear(message) {
    if (message.type === 'Event') {
      this.#read++;
      this.#cursor = message.id;
    } else if (message.type === 'Lagged') {
      this.#heard = Date.now();
      this.#log.received(message);
      for (const p of priorities) this.#lost[p] = add(this.#lost[p], message.dropped[p]);
    }
  }

  async #readOn() {
    const stalled = Date.now() - this.#since;
    this.#since = undefined;
    this.#say('Reads again: what waited in the buffers comes first.');
    this.#heard = Date.now();
    this.#goOn();
    let read;
    do { // until nothing more is said to be lost, and what waited has come
      read = this.#read;
      await pause(100);
    } while (this.#running && (Date.now() - this.#heard < patience || this.#read - read > burst));
    if (!this.#running) return;
    const waited = `Did not read for ${(stalled / 1000).toFixed(0)} s and then got ${this.#read.toLocaleString('en')} events`;
    const lost = describeLoss(this.#lost);
    this.#end(lost === 'none'
      ? `${waited}. Nothing was lost: the buffers on the way and the rings of the router held it all. Try it for longer, or with more events.`
      : `${waited}. Lost, as Lagged says: ${lost}.`);
  }

  #end(text) {
    this.#running = false;
    this.#reading = false;
    this.#since = undefined;
    this.#stream?.close();
    this.#log.flush();
    byId('slow-lagged').hidden = byId('slow-lagged').childElementCount === 0;
    this.#show();
    this.#say(text);
    announce(text);
  }

  // How long that is, with events of some 300 bytes.
  #patience(emitted) {
    const rate = (emitted - this.#emitted) / ((Date.now() - this.#since) / 1000);
    const minutes = 1e6 / 300 / rate / 60;
    return minutes > 0.5 && rate > 0 ? `: about ${Math.ceil(minutes)} min at ${rate.toFixed(0)} events/s` : '';
  }

  #stalledText(lagging, emitted) {
    const seconds = `Has read nothing for ${((Date.now() - this.#since) / 1000).toFixed(0)} s. `;
    const total = priorities.reduce((sum, p) => sum + this.#dropped[p], 0);
    if (lagging > 0) this.#blocked = true;
    else if (this.#blocked) return `${seconds}The router has closed the stream, which took nothing for too long (stall_timeout).`;
    if (total > 0) return `${seconds}The router drops the oldest of each class, for this client only.`;
    if (lagging > 0) return `${seconds}The buffers are full; what comes now waits in the rings of the router, until it falls out of them.`;
    return `${seconds}The buffers of network and browser still take what comes, up to a megabyte${this.#patience(emitted)}.`;
  }

  #say(text) { setText(byId('slow-state'), text); }

  #show() {
    const cell = (value) => element('td', {}, value === undefined ? '–' : value === null ? 'not known' : value.toLocaleString('en'));
    byId('slow-table').tBodies[0].replaceChildren(...priorities.map((p) => element('tr', {},
      element('th', { scope: 'row' }, element('span', { class: `mark ${p}`, 'aria-hidden': 'true' }), p),
      cell(this.#dropped?.[p]),
      cell(this.#running ? undefined : this.#lost[p]))));
  }
}

/** A count that is not known makes the sum unknown. */
const add = (sum, count) => (sum === null || count === null ? null : sum + count);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
