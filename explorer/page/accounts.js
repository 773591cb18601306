// Addresses, and those of validators.

import { copyButton } from './copy.js';
import { detail, factList, shares } from './details.js';
import { element } from './dom.js';
import { listing } from './listing.js';
import { Table } from './table.js';
import { link, number, pill, time, words } from './text.js';

const withCopy = (kind, id) => element('span', { class: 'with-copy' }, link(kind, id, 24), copyButton(id, 'the address'));

export function addresses(page, context) {
  return listing({
    title: 'Addresses',
    path: 'addresses',
    intro: [element('p', { class: 'quiet' }, 'By balance, the highest first, as far as events have told it.')],
    into: new Table('Addresses', [
      { name: 'Address', class: 'main', cell: (a) => withCopy('address', a.address) },
      { name: 'Balance', class: 'numeric', cell: (a) => number(a.balance) },
      { name: 'Last change', class: 'numeric', cell: change },
      { name: 'Sent', class: 'numeric', cell: (a) => number(a.sent) },
      { name: 'Received', class: 'numeric', cell: (a) => number(a.received) },
      { name: 'Updated', cell: (a) => time(a.updated) },
    ]),
    none: 'No address is known yet.',
    concerns: (event) => event.type === 'BalanceChanged',
  }, page, context);
}

/** The last change of a balance, with its sign. */
function change({ last_amount: amount, last_change: kind }) {
  if (!amount) return element('span', { class: 'quiet' }, '–');
  const gain = kind === 'credit' || kind === 'transfer_in';
  return element('span', { class: gain ? 'gain' : 'loss', title: words(kind) }, (gain ? '+' : '−') + number(amount));
}

export function address({ id, query, state }, context) {
  return detail({
    kind: 'address',
    id,
    path: `api/v1/addresses/${encodeURIComponent(id)}`,
    query,
    state,
    facts: (a) => [
      element('section', { class: 'card', 'aria-label': 'Account' }, factList([
        ['Balance', a.balance ? element('b', { class: 'large' }, number(a.balance)) : 'not told by any event yet'],
        ...a.last_amount ? [['Last change', change(a), ` ${words(a.last_change)}`]] : [],
        ['Changes', number(a.changes)],
        ['Transfers sent', number(a.sent)],
        ['Transfers received', number(a.received)],
        ['Updated', a.updated && time(a.updated)],
      ])),
      ...a.validator ? [standing(a.validator)] : [],
    ],
  }, context);
}

function standing(v) {
  return element('section', { class: 'card', 'aria-labelledby': 'validator-title' }, element('h2', { id: 'validator-title' }, 'As a validator'), factList([
    ['Reputation', v.reputation === undefined ? '' : element('b', { class: 'large' }, number(v.reputation))],
    ['Changes', number(v.changes)],
    ['Last reason', words(v.reason ?? '')],
    ['Updated', v.updated && time(v.updated)],
  ]), shares('Deposits', deposits(v)));
}

const deposits = (v) => [
  { name: 'deposits open', value: Math.max(0, v.escrowed - v.released - v.slashed), kind: 'open' },
  { name: 'released', value: v.released, kind: 'good' },
  { name: 'slashed', value: v.slashed, kind: 'bad' },
];

export function validators(page, context) {
  return listing({
    title: 'Validators',
    path: 'validators',
    intro: [element('p', { class: 'quiet' }, 'By reputation, the highest first.')],
    into: new Table('Validators', [
      { name: 'Validator', class: 'main', cell: (v) => withCopy('validator', v.address) },
      { name: 'Reputation', class: 'numeric', cell: (v) => number(v.reputation) },
      { name: 'Last reason', cell: (v) => words(v.reason || '–') },
      { name: 'Escrowed', class: 'numeric', cell: (v) => number(v.escrowed) },
      { name: 'Released', class: 'numeric', cell: (v) => number(v.released) },
      { name: 'Slashed', class: 'numeric', cell: (v) => (v.slashed > 0 ? pill(`${number(v.slashed)} slashed`) : number(0)) },
      { name: 'Updated', cell: (v) => time(v.updated) },
    ]),
    none: 'No validator is known yet.',
    concerns: (event) => event.type === 'ReputationChanged',
  }, page, context);
}
