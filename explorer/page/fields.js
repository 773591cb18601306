// Which fields of events hold identifiers, and of what. As in the index, so that a
// link leads to something.

const kinds = {
  message: ['message_id', 'subject_id', 'tips'],
  address: ['address', 'from_address', 'to_address', 'from', 'to', 'owner', 'sponsor', 'worker', 'voter', 'proposer', 'recipient',
    'committer', 'revealer', 'challenger', 'primary_aggregator'],
  validator: ['validator_address'],
  proposal: ['proposal_id'],
  task: ['task_id'],
  challenge: ['challenge_id'],
  proof: ['proof_id'],
  arbitration: ['arbitration_id'],
  escrow: ['lock_id'],
  epoch: ['epoch', 'epoch_id', 'target_epoch'],
  peer: ['peer_id'],
};

const byField = new Map(Object.entries(kinds).flatMap(([kind, fields]) => fields.map((field) => [field, kind])));

/** What a field of an event type holds the identifier of; undefined if of nothing. */
export function kindOf(type, field) {
  if (type === 'PeerConnected' && field === 'address') return undefined; // of the network
  return byField.get(field);
}

/** The identifiers that an event carries, as text. */
export function identifiers(event) {
  return Object.entries(event)
    .filter(([field]) => kindOf(event.type, field))
    .flatMap(([, value]) => value)
    .filter((value) => value !== null)
    .map(String);
}

/** Where the page of an identifier is. */
export function pathOf(kind, id) {
  const place = { message: 'messages', address: 'addresses', validator: 'addresses', proposal: 'proposals' }[kind] ?? 'timeline';
  return `${place}/${encodeURIComponent(id)}`;
}
