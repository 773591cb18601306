// Messages of the network.

import { copyButton } from './copy.js';
import { detail, factList } from './details.js';
import { element } from './dom.js';
import { choice, order, times } from './filters.js';
import { listing } from './listing.js';
import { Table } from './table.js';
import { link, number, pill, time, words } from './text.js';

const makes = { finalized: 'MessageFinalized', rejected: 'MessageRejected', pending: 'DepositEscrowed' }; // state: type
const fields = [
  choice('state', 'State', ['', 'added', 'finalized', 'rejected', 'pending'], { '': 'any' }),
  choice('deposit', 'Deposit', ['', 'escrowed', 'released', 'slashed'], { '': 'any' }),
  order, ...times,
];

export function messages(page, context) {
  return listing({
    title: 'Messages',
    path: 'messages',
    fields,
    into: new Table('Messages', [
      { name: 'Message', class: 'main', cell: (m) => element('span', { class: 'with-copy' }, link('message', m.id, 24), copyButton(m.id, 'the message')) },
      { name: 'State', cell: (m) => pill(m.state) },
      { name: 'Depth', class: 'numeric', cell: (m) => number(m.depth) },
      { name: 'Added', cell: (m) => time(m.added) },
      { name: 'Settled', cell: settled },
      { name: 'Deposit', cell: (m) => (m.deposit ? element('span', {}, `${number(m.deposit.amount)} `, element('span', { class: 'quiet' }, m.deposit.state)) : element('span', { class: 'quiet' }, '–')) },
    ]),
    none: 'There is no such message.',
    concerns: (event) => event.type === (makes[page.query.get('state')] ?? 'MessageAdded'),
  }, page, context);
}

function settled(m) {
  if (!m.settled) return element('span', { class: 'quiet' }, '–');
  return element('span', {}, time(m.settled), ' ', element('span', { class: 'quiet' }, words(m.finality_type ?? m.rejection_type)));
}

export function message({ id, query, state }, context) {
  return detail({
    kind: 'message',
    id,
    path: `api/v1/messages/${encodeURIComponent(id)}`,
    query,
    state,
    facts: (m) => [progress(m), element('section', { class: 'card', 'aria-label': 'Facts' }, factList([
      ['State', pill(m.state), ...m.tip ? [' ', pill('tip')] : []],
      ['Depth', m.depth === undefined ? '' : number(m.depth)],
      ['Added', m.added && time(m.added)],
      ['Finalized', m.state === 'finalized' && m.settled ? time(m.settled) : ''],
      ['Finality', words(m.finality_type ?? '')],
      ['Rejected', m.state === 'rejected' && m.settled ? time(m.settled) : ''],
      ['Rejection', words(m.rejection_type ?? '')],
      ['Reason', m.reason],
      ['Deposit', ...m.deposit ? [`${number(m.deposit.amount)} `, pill(m.deposit.state)] : ['']],
      ['Deposited by', m.deposit?.validator && link('validator', m.deposit.validator)],
      ['Slashed for', words(m.deposit?.reason ?? '')],
    ]))],
  }, context);
}

// How far a message has come: to be read at a glance.
function progress(m) {
  const steps = [['added', m.added], [m.state === 'rejected' ? 'rejected' : 'finalized', m.settled]];
  return element('ol', { class: 'progress', 'aria-label': 'Progress' }, ...steps.map(([name, at]) => element('li', { 'data-done': at ? name : 'no' },
    element('b', {}, name), ' ', at ? time(at) : element('span', { class: 'quiet' }, 'not yet'))));
}
