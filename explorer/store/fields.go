package store

import (
	"maps"
	"slices"
)

// The kinds of identifier that have a timeline.
const (
	kindMessage     = "message"
	kindAddress     = "address"
	kindValidator   = "validator"
	kindProposal    = "proposal"
	kindTask        = "task"
	kindChallenge   = "challenge"
	kindSubject     = "subject"
	kindEscrow      = "escrow"
	kindEpoch       = "epoch"
	kindPeer        = "peer"
	kindNode        = "node"
	kindChain       = "chain"
	kindCommit      = "commit"
	kindReveal      = "reveal"
	kindVote        = "vote"
	kindProof       = "proof"
	kindArbitration = "arbitration"
	kindGrant       = "grant"
	kindReceipt     = "receipt"
	kindTransaction = "transaction"
	kindParameter   = "parameter"
	kindContent     = "content"
	kindHash        = "hash"
)

// fieldKinds says what a field of an event is the identifier of, by the name of the field,
// whatever the type: so events of types that are not in the catalogue have a place in the
// timelines as well. A field may hold a list.
var fieldKinds = map[string]string{
	"message_id":          kindMessage,
	"tips":                kindMessage, // only those that were none before; see tipSet
	"address":             kindAddress,
	"from_address":        kindAddress,
	"to_address":          kindAddress,
	"from":                kindAddress,
	"to":                  kindAddress,
	"owner":               kindAddress,
	"recipient":           kindAddress,
	"sponsor":             kindAddress,
	"worker":              kindAddress,
	"proposer":            kindAddress,
	"voter":               kindAddress,
	"challenger":          kindAddress,
	"validator_address":   kindValidator,
	"committer":           kindValidator,
	"revealer":            kindValidator,
	"primary_aggregator":  kindValidator,
	"proposal_id":         kindProposal,
	"task_id":             kindTask,
	"challenge_id":        kindChallenge,
	"subject_id":          kindSubject,
	"lock_id":             kindEscrow,
	"epoch":               kindEpoch,
	"epoch_id":            kindEpoch,
	"target_epoch":        kindEpoch,
	"enact_epoch":         kindEpoch,
	"deadline_epoch":      kindEpoch,
	"window_expiry_epoch": kindEpoch,
	"peer_id":             kindPeer,
	"node_id":             kindNode,
	"chain_id":            kindChain,
	"commit_id":           kindCommit,
	"reveal_id":           kindReveal,
	"vote_id":             kindVote,
	"proof_id":            kindProof,
	"arbitration_id":      kindArbitration,
	"grant_id":            kindGrant,
	"receipt_id":          kindReceipt,
	"tx_hash":             kindTransaction,
	"parameter_key":       kindParameter,
	"param_keys":          kindParameter,
	"evidence_cid":        kindContent,
	"deliverable_cid":     kindContent,
	"genesis_hash":        kindHash,
	"commitment_hash":     kindHash,
	"vrf_proof_hash":      kindHash,
	"randomness_hash":     kindHash,
	"result_hash":         kindHash,
}

// noIdentifier are fields of types, as "Type.field", that are none although their name is
// in fieldKinds or sounds like it, with the reason.
var noIdentifier = map[string]string{
	"PeerConnected.address":                   "the address of a network, not an account's; the peer has a timeline",
	"TreasuryMilestoneCompleted.milestone_id": "a number within the grant, which has a timeline",
}

// identifierFields are the names of fieldKinds in a fixed order.
var identifierFields = slices.Sorted(maps.Keys(fieldKinds))

// Kinds returns the kinds of identifier, in alphabetical order. The caller owns it.
func Kinds() []string {
	return slices.Compact(slices.Sorted(maps.Values(fieldKinds)))
}

// maxListed is how many identifiers of a list in one event are indexed.
const maxListed = 1000

// A mention is an identifier in an event.
type mention struct{ id, kind, field string }

// mentions returns the identifiers in f, each of a kind once.
func (f *fact) mentions() []mention {
	var found []mention
	add := func(id, field string) {
		m := mention{id, fieldKinds[field], field}
		if id == "" || slices.ContainsFunc(found, func(o mention) bool { return o.id == m.id && o.kind == m.kind }) {
			return
		}
		found = append(found, m)
	}
	for _, field := range identifierFields {
		raw, ok := f.fields[field]
		if !ok || noIdentifier[f.Type+"."+field] != "" {
			continue
		}
		switch {
		case f.Type == "TipsUpdated" && field == "tips":
			for _, id := range f.tips { // they differ from each other
				found = append(found, mention{id, kindMessage, field})
			}
		case len(raw) > 0 && raw[0] == '[':
			list := f.list(field)
			for _, id := range list[:min(len(list), maxListed)] {
				add(id, field)
			}
		default:
			add(textOf(raw), field)
		}
	}
	return found
}
