// The badge of a connection: a dot that has a shape and a colour, and words.

import { announce, setText } from './dom.js';

/** States: live, trying, off, refused. */
export class Badge {
  #badge;
  #text;

  constructor(badge) {
    this.#badge = badge;
    this.#text = badge.querySelector('.badge-text');
  }

  show(state, text) {
    const changed = this.#badge.dataset.state !== state;
    this.#badge.dataset.state = state;
    setText(this.#text, text);
    if (changed) announce('Connection: ' + text);
  }
}
