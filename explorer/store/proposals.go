package store

import (
	"context"
	"encoding/json"
	"slices"
)

// proposal is a row of proposals.
type proposal struct {
	Proposal
	known bool // it is in the database
}

// proposals is the projection of proposals, their votes and what became of them.
type proposals struct {
	rows   map[string]*proposal
	order  []*proposal
	totals totals
}

func newProposals(t totals) *proposals { return &proposals{rows: map[string]*proposal{}, totals: t} }

func aboutProposal(f *fact) (id string) {
	switch f.Type {
	case "ProposalSubmitted", "VoteCast", "GovernanceReceiptEmitted", "ProposalTallied", "ProposalStatusChanged", "ProposalEnacted":
		return f.text("proposal_id")
	}
	return ""
}

func (p *proposals) note(f *fact) {
	id := aboutProposal(f)
	if id == "" || p.rows[id] != nil {
		return
	}
	row := &proposal{Proposal: Proposal{ID: id}}
	p.rows[id] = row
	p.order = append(p.order, row)
}

var loadProposals = many{head: `SELECT document FROM proposals WHERE id IN (`, tail: `)`, columns: 1}

func (p *proposals) load(ctx context.Context, w *writer) error {
	args := make([]any, len(p.order))
	for i, row := range p.order {
		args[i] = row.ID
	}
	return w.query(ctx, loadProposals, args, func(row scanner) error {
		found, err := scanProposal(row)
		if err != nil {
			return err
		}
		*p.rows[found.ID] = proposal{Proposal: found, known: true}
		return nil
	})
}

func scanProposal(row scanner) (p Proposal, err error) {
	var document string
	if err := row.Scan(&document); err != nil {
		return p, err
	}
	err = json.Unmarshal([]byte(document), &p)
	return p, err
}

// statusSubmitted is the status until the node names another.
const statusSubmitted = "submitted"

func (p *proposals) apply(f *fact) {
	row := p.rows[aboutProposal(f)]
	if row == nil {
		return
	}
	if row.Seq == 0 {
		row.Seq, row.Status = f.seq, statusSubmitted
	}
	at := f.Time.UTC()
	row.Updated = at
	switch f.Type {
	case "ProposalSubmitted":
		row.Proposer, row.Class, row.Parameters = f.text("proposer"), f.text("proposal_class"), f.list("param_keys")
		row.EnactEpoch = f.digits("enact_epoch")
		row.Submitted = &at
	case "VoteCast":
		row.vote(f.text("ballot"), f.float("vote_credits"))
	case "GovernanceReceiptEmitted":
		row.Result = f.text("result")
	case "ProposalTallied":
		row.Tally = &Tally{
			Yes: f.float("tally_yes"), No: f.float("tally_no"), Abstain: f.float("tally_abstain"),
			Eligible: f.float("total_eligible_credits"), Participation: f.float("participation_rate"),
			QuorumMet: f.flag("quorum_met"), ThresholdMet: f.flag("threshold_met"), Time: at,
		}
	case "ProposalStatusChanged":
		row.Status = f.text("new_status")
	case "ProposalEnacted":
		row.EnactEpoch, row.Changed = f.digits("enact_epoch"), f.list("param_changes")
	}
}

// maxBallots is how many ways to vote are told apart: a proposal must not grow with what
// voters think of. Further ones count with the last.
const maxBallots = 32

func (p *Proposal) vote(ballot string, credits float64) {
	i := slices.IndexFunc(p.Votes, func(b Ballot) bool { return b.Ballot == ballot })
	if i < 0 && len(p.Votes) < maxBallots {
		p.Votes = append(p.Votes, Ballot{Ballot: ballot})
	}
	if i < 0 {
		i = len(p.Votes) - 1
	}
	p.Votes[i].Votes++
	p.Votes[i].Credits = finite(p.Votes[i].Credits + credits)
}

var saveProposals = many{
	head:    `INSERT INTO proposals (seq, id, status, document) VALUES `,
	tail:    ` ON CONFLICT (seq) DO UPDATE SET status = excluded.status, document = excluded.document`,
	columns: 4,
}

func (p *proposals) save(ctx context.Context, w *writer) error {
	var args []any
	for _, row := range p.order {
		if !row.known {
			p.totals[totalProposals]++
		}
		document, err := json.Marshal(row.Proposal)
		if err != nil {
			return err
		}
		args = append(args, row.Seq, row.ID, row.Status, string(document))
	}
	return w.exec(ctx, saveProposals, args)
}
