// Code and other text that can be copied.

import { announce, element, setText } from './dom.js';

/** A titled block of code with a button. Its set replaces the code. */
export class CopyBlock {
  #code = element('code');
  #button;

  constructor(title) {
    this.#button = element('button', { type: 'button', 'aria-label': `Copy: ${title}` }, 'Copy');
    this.#button.addEventListener('click', () => this.#copy());
    this.root = element('div', { class: 'snippet' },
      element('div', { class: 'head' }, element('h3', {}, title), element('div', { class: 'tools' }, this.#button)),
      element('pre', { tabindex: '0', role: 'region', 'aria-label': title }, this.#code));
  }

  set(text) { setText(this.#code, text); }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#code.textContent);
      this.#say('Copied');
    } catch { // no clipboard on a page without TLS: select it, to copy by key
      getSelection().selectAllChildren(this.#code);
      this.#say('Selected');
    }
  }

  #say(text) {
    setText(this.#button, text);
    announce(text);
    setTimeout(() => setText(this.#button, 'Copy'), 2000);
  }
}

/** A button that copies a text. */
export function copyButton(text, what) {
  const button = element('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${what}`, title: `Copy ${what}` });
  button.addEventListener('click', async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(text);
    } catch { // no clipboard on a page without TLS
      said = 'Not copied: the browser does not allow it here';
    }
    button.dataset.said = said === 'Copied' ? 'yes' : 'no';
    button.title = said;
    announce(said);
    setTimeout(() => {
      delete button.dataset.said;
      button.title = `Copy ${what}`;
    }, 1500);
  });
  return button;
}
