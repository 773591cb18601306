// Proposals and their votes.

import { detail, factList, shares } from './details.js';
import { element } from './dom.js';
import { listing } from './listing.js';
import { Table } from './table.js';
import { link, number, pill, time, words } from './text.js';

export function proposals(page, context) {
  const status = page.query.get('status') ?? '';
  return listing({
    title: 'Proposals',
    path: 'proposals',
    fields: [{ name: 'status', label: 'Status', suggestions: ['submitted', 'voting', 'tallying', 'succeeded', 'enacting', 'enacted', 'rejected', 'failed'], placeholder: 'any' }],
    into: new Table('Proposals', [
      { name: 'Proposal', class: 'main', cell: (p) => link('proposal', p.id, 30) },
      { name: 'Status', cell: (p) => pill(p.status) },
      { name: 'Class', cell: (p) => words(p.class || '–') },
      { name: 'Votes', class: 'votes', cell: (p) => (p.tally || p.votes?.length ? voting(p) : element('span', { class: 'quiet' }, 'none yet')) },
      { name: 'Proposer', cell: (p) => (p.proposer ? link('address', p.proposer) : '–') },
      { name: 'Submitted', cell: (p) => time(p.submitted) },
    ]),
    none: status ? `There is no proposal with the status ${status}.` : 'There is no proposal yet.',
    concerns: (event) => event.type === 'ProposalSubmitted',
  }, page, context);
}

const kinds = { yes: 'good', no: 'bad' };

/** The credits for and against: of the tally, or of the votes so far. */
function voting({ tally, votes = [] }) {
  const credits = tally
    ? ['yes', 'no', 'abstain'].map((name) => [name, tally[name]])
    : ['yes', 'no', ...votes.map(({ ballot }) => ballot)].filter((name, i, all) => all.indexOf(name) === i)
      .map((name) => [name, votes.find(({ ballot }) => ballot === name)?.credits ?? 0]);
  return shares(tally ? 'Tally' : 'Votes so far', credits.map(([name, value]) => ({ name, value, kind: kinds[name] ?? 'open' })));
}

export function proposal({ id, query, state }, context) {
  return detail({
    kind: 'proposal',
    id,
    path: `api/v1/proposals/${encodeURIComponent(id)}`,
    query,
    state,
    facts: (p) => [
      element('section', { class: 'card', 'aria-label': 'Facts' }, factList([
        ['Status', pill(p.status)],
        ['Class', words(p.class ?? '')],
        ['Proposer', p.proposer && link('address', p.proposer)],
        ['Submitted', p.submitted && time(p.submitted)],
        ['To be enacted in', p.enact_epoch === undefined ? '' : 'epoch ', p.enact_epoch === undefined ? '' : link('epoch', p.enact_epoch)],
        ['Parameters', ...links('parameter', p.parameters)],
        ['Result', words(p.result ?? '')],
        ['Changed', p.changed?.join(', ')],
        ['Updated', time(p.updated)],
      ])),
      ...p.tally || p.votes?.length ? [element('section', { class: 'card', 'aria-labelledby': 'votes-title' },
        element('h2', { id: 'votes-title' }, p.tally ? 'Tally' : 'Votes so far'), voting(p), factList(votes(p)))] : [],
    ],
  }, context);
}

const links = (kind, ids = []) => (ids.length === 0 ? [''] : ids.flatMap((id) => [link(kind, id), ' ']));

function votes({ tally, votes: ballots = [] }) {
  return [
    // Yes, no, and then abstain.
    ...ballots.toSorted((a, b) => b.ballot.localeCompare(a.ballot)).map((b) => [`Voted ${b.ballot}`, `${number(b.votes)}, with ${number(Math.round(b.credits * 100) / 100)} credits`]),
    ...tally ? [
      ['Participation', `${(tally.participation * 100).toFixed(1)} % of ${number(tally.eligible)} credits`],
      ['Quorum', pill(tally.quorum_met ? 'met' : 'not met')],
      ['Threshold', pill(tally.threshold_met ? 'met' : 'not met')],
      ['Tallied', time(tally.time)],
    ] : [],
  ];
}
