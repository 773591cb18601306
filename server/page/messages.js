// A log of the last messages of a connection. Events that follow each other are one
// line with their number.

import { element, setText } from './dom.js';

const kept = 60;

export class MessageLog {
  #list;
  #lines = []; // not in the document yet
  #events = 0; // that the last line stands for
  #counter; // that line

  constructor(list) { this.#list = list; }

  received(message) {
    if (message.type === 'Event') {
      this.#events++;
      return;
    }
    this.#endEvents();
    this.#lines.push(line('in', JSON.stringify(message), message.type));
  }

  sent(message) {
    this.#endEvents();
    this.#lines.push(line('out', JSON.stringify(message), message.type));
  }

  /** Something that is no message: what became of the connection. */
  note(text) {
    this.#endEvents();
    this.#lines.push(line('note', text, 'note'));
  }

  /** Brings the document up to date; called once a frame. */
  flush() {
    if (this.#lines.length === 0 && this.#events === 0) return;
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 8;
    if (this.#lines.length > 0) {
      this.#list.append(...this.#lines.splice(0).slice(-kept));
    }
    if (this.#events > 0) {
      if (this.#counter?.isConnected !== true) {
        this.#counter = line('in', '', 'Event');
        this.#list.append(this.#counter);
      }
      setText(this.#counter, this.#eventsText());
    }
    while (this.#list.childElementCount > kept) this.#list.firstElementChild.remove();
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #endEvents() {
    if (this.#events === 0) return;
    if (this.#counter?.isConnected) setText(this.#counter, this.#eventsText());
    else this.#lines.push(line('in', this.#eventsText(), 'Event'));
    this.#counter = undefined;
    this.#events = 0;
  }

  #eventsText() { return `{"type":"Event",…} × ${this.#events.toLocaleString('en')}`; }
}

const line = (direction, text, type) => element('li', { class: direction, 'data-type': type }, text);
