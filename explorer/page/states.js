// What shows where there is nothing to show: while it loads, if there is none, and if
// it cannot be had.

import { element } from './dom.js';

/** Shows while something loads, after a moment. */
export const loading = (what) => element('p', { class: 'state loading', role: 'status' }, `Loading ${what}`);

/** Shows if there is none of something. */
export const empty = (text) => element('p', { class: 'state' }, text);

/** Shows why something is not there, and offers to try it again. */
export function problem(failure, again) {
  const button = element('button', { type: 'button' }, 'Try again');
  button.addEventListener('click', again);
  const advice = failure.status === 0 ? 'It is tried again when the connection is back.' : '';
  return element('div', { class: 'state problem', role: 'alert' },
    element('p', {}, `This cannot be shown: ${failure.message.replace(/\.$/, '')}. ${advice}`), ...failure.status === 400 ? [] : [button]);
}
