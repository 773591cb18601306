// Which fields of events hold identifiers, and of what. As in the index, so that a
// link leads to something.

const kinds = {
  message: ['message_id', 'tips'],
  address: ['address', 'from_address', 'to_address', 'from', 'to', 'owner', 'recipient', 'sponsor', 'worker', 'proposer', 'voter', 'challenger'],
  validator: ['validator_address', 'committer', 'revealer', 'primary_aggregator'],
  proposal: ['proposal_id'],
  task: ['task_id'],
  challenge: ['challenge_id'],
  subject: ['subject_id'],
  escrow: ['lock_id'],
  epoch: ['epoch', 'epoch_id', 'target_epoch', 'enact_epoch', 'deadline_epoch', 'window_expiry_epoch'],
  peer: ['peer_id'],
  node: ['node_id'],
  chain: ['chain_id'],
  commit: ['commit_id'],
  reveal: ['reveal_id'],
  vote: ['vote_id'],
  proof: ['proof_id'],
  arbitration: ['arbitration_id'],
  grant: ['grant_id'],
  receipt: ['receipt_id'],
  transaction: ['tx_hash'],
  parameter: ['parameter_key', 'param_keys'],
  content: ['evidence_cid', 'deliverable_cid'],
  hash: ['genesis_hash', 'commitment_hash', 'vrf_proof_hash', 'randomness_hash', 'result_hash'],
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
