// Events as sentences. A {field} is the value of that field of the event, and a link
// if it is an identifier.

const sentences = {
  TipsUpdated: '{count} tips: {tips}',
  MessageAdded: 'Message {message_id} added at depth {depth}',
  MessageFinalized: 'Message {message_id} finalized by {finality_type}',
  MessageRejected: 'Message {message_id} rejected, {rejection_type}: {reason}',
  DiversityUpdated: 'Diversity {diversity_score} among {total_tips} tips',
  EnergyUpdated: 'Energy {total_energy}, {active_conflicts} of {total_conflicts} conflicts open',
  KCoreUpdated: '{finalized_count} messages in the k-core, {pending_count} pending',
  AdmissibilityUpdated: '{overall_rate} of {sample_size} messages admissible',
  EconomicsUpdated: 'Supply {total_supply}: {circulating_supply} circulate, {treasury_balance} in the treasury',
  DepositEscrowed: '{validator_address} staked {amount} on message {message_id}',
  DepositSlashed: 'Deposit of {amount} by {validator_address} on message {message_id} slashed: {reason}',
  DepositReleased: 'Deposit of {amount} on message {message_id} released to {validator_address}',
  BalanceChanged: '{address} has {balance_after} after a {change_type} of {change_amount}',
  TransferRecorded: '{from_address} sent {amount} to {to_address}, {reason}',
  PeerConnected: 'Peer {peer_id} connected from {address}',
  PeerDisconnected: 'Peer {peer_id} disconnected',
  SyncStarted: 'Sync with peer {peer_id} started, up to height {target_height}',
  SyncProgress: 'Sync with peer {peer_id} at {progress_percent} %, {synced_messages} messages',
  SyncCompleted: 'Sync with peer {peer_id} complete: {synced_messages} messages in {duration_ms} ms',
  ReputationChanged: 'Reputation of {validator_address} from {old_reputation} to {new_reputation}, {reason}',
  NodeStarted: 'Node {node_id} started, version {version}',
  NodeStopped: 'Node {node_id} stopped, {reason}',
  GenesisLoaded: 'Genesis of chain {chain_id} loaded, supply {total_supply}',
  VRFCommitSubmitted: '{committer} committed to the randomness of epoch {target_epoch}',
  VRFRevealOpened: '{revealer} revealed for the randomness of epoch {target_epoch}',
  VRFRandomnessFinalized: 'Randomness of epoch {epoch} final, from {contributor_count} contributors',
  QuorumSelected: 'Committee of {committee_size} for {domain} selected for epoch {epoch}',
  QuorumVoteCompleted: 'Quorum vote {result}: {votes_for} for, {votes_against} against',
  ChallengeWindowOpened: 'Message {subject_id} can be challenged until epoch {window_expiry_epoch}',
  ChallengeSubmitted: '{challenger} challenged message {subject_id} with {challenge_id}',
  FraudProofSubmitted: '{challenger} submitted {proof_id} against message {subject_id}: {fraud_type}',
  FraudProofVerified: '{proof_id} against message {subject_id} verified, valid: {is_valid}',
  ArbitrationStarted: '{arbitration_id} on {proof_id} started with {arbitrator_count} arbitrators',
  ArbitrationCompleted: '{arbitration_id} on {proof_id} ended: {ruling}, {votes_for} to {votes_against}',
  EscrowLocked: '{owner} locked {amount_adic} in {lock_id}, {escrow_type}',
  EscrowReleased: '{lock_id} released {amount_adic} from {from} to {to}',
  EscrowSlashed: '{amount_adic} of {owner} in {lock_id} slashed: {reason}',
  EscrowRefunded: '{lock_id} refunded {amount_adic} to {owner}',
  ProposalSubmitted: '{proposer} submitted {proposal_id}, {proposal_class}, for epoch {enact_epoch}',
  VoteCast: '{voter} voted {ballot} on {proposal_id} with {vote_credits} credits',
  GovernanceReceiptEmitted: '{proposal_id} has a receipt: {result}',
  ProposalTallied: '{proposal_id} tallied: {tally_yes} yes, {tally_no} no, {tally_abstain} abstain',
  ProposalStatusChanged: '{proposal_id} went from {old_status} to {new_status}',
  ProposalEnacted: '{proposal_id} enacted in epoch {enact_epoch}',
  ParameterChanged: '{proposal_id} changed {parameter_key} from {old_value} to {new_value}',
  TreasuryGrantExecuted: '{proposal_id} granted {amount_adic} to {recipient}',
  TreasuryMilestoneCompleted: 'Milestone {milestone_id} of {grant_id} complete: {amount_adic}',
  TreasuryGrantClawedBack: '{clawed_back_amount_adic} of {grant_id} clawed back: {reason}',
  CommitteeCertificateGenerated: 'Committee of epoch {epoch_id} certified, {member_count} members',
  AggregatorSelected: '{primary_aggregator} aggregates for epoch {epoch_id}',
  TaskSubmitted: '{sponsor} submitted {task_id}, {task_type}, for {reward_adic}',
  WorkersSelected: '{worker_count} workers of {total_eligible} selected for {task_id}',
  WorkResultSubmitted: '{worker} submitted a result of {task_id}',
  ReceiptValidated: 'Receipt {receipt_id} of epoch {epoch_id}: {accepted_count} accepted, {rejected_count} rejected',
};

/**
 * The parts of an event's sentence, in order: text, and { field, value } for fields.
 * A type that is not known here is told by its fields.
 */
export function story(event) {
  const sentence = sentences[event.type] ?? Object.keys(event).filter((field) => field !== 'type' && field !== 'timestamp')
    .slice(0, 6).map((field) => `${field} {${field}}`).join(', ');
  return sentence.split(/(\{\w+\})/).filter((part) => part !== '').map((part) => {
    if (!part.startsWith('{')) return part;
    const field = part.slice(1, -1);
    return { field, value: event[field] };
  });
}
