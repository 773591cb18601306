// The access token, where subscribing needs one. It is kept in sessionStorage, which
// ends with the tab, and goes nowhere but to the router.

import { byId, setText } from './dom.js';

const key = 'adic.token';

export class TokenForm {
  kept = sessionStorage.getItem(key) ?? '';
  needed = this.kept !== '';

  /** use(token) is called with a token that was typed in. */
  constructor(use) {
    byId('token-form').addEventListener('submit', (e) => {
      e.preventDefault();
      const token = byId('token').value.trim();
      byId('token').value = '';
      byId('token-form').hidden = true;
      sessionStorage.setItem(key, token);
      use(token);
    });
  }

  /** Asks for another token than the one there was, if any. */
  ask(why) {
    this.needed = true;
    sessionStorage.removeItem(key);
    setText(byId('token-why'), why);
    byId('token-form').hidden = false;
    byId('token').focus();
  }
}
