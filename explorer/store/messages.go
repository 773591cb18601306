package store

import (
	"context"
	"database/sql"
	"encoding/json"
)

// The states of a message and of its deposit. Neither goes back, whatever comes late.
const (
	messagePending   = "pending"
	messageAdded     = "added"
	messageFinalized = "finalized"
	messageRejected  = "rejected"

	depositEscrowed = "escrowed"
	depositReleased = "released"
	depositSlashed  = "slashed"
)

// message is a row of messages.
type message struct {
	seq, lastSeq                             int64
	id, state, depth                         string
	added, settled                           sql.NullInt64
	finalityType, rejectionType, reason      string
	deposit, depositAmount, depositValidator string
	depositReason                            string
	depositUpdated, updated                  int64
	wasState                                 string // in the database; empty if it is new
	changed                                  bool
}

// messages is the projection of messages and their deposits.
type messages struct {
	rows   map[string]*message
	order  []*message // as they came up
	totals totals
	spans  spanSet
}

func newMessages(t totals) *messages {
	return &messages{rows: map[string]*message{}, totals: t, spans: spanSet{}}
}

func aboutMessage(f *fact) (id string) {
	switch f.Type {
	case "MessageAdded", "MessageFinalized", "MessageRejected", "DepositEscrowed", "DepositReleased", "DepositSlashed":
		return f.text("message_id")
	}
	return ""
}

func (p *messages) note(f *fact) {
	id := aboutMessage(f)
	if id == "" || p.rows[id] != nil {
		return
	}
	m := &message{id: id}
	p.rows[id] = m
	p.order = append(p.order, m)
}

const messageColumns = `seq, id, last_seq, state, depth, added, settled, finality_type, rejection_type, reason,
	deposit, deposit_amount, deposit_validator, deposit_reason, deposit_updated, updated`

func (m *message) scan(row scanner, more ...any) error {
	return row.Scan(append([]any{&m.seq, &m.id, &m.lastSeq, &m.state, &m.depth, &m.added, &m.settled, &m.finalityType, &m.rejectionType, &m.reason,
		&m.deposit, &m.depositAmount, &m.depositValidator, &m.depositReason, &m.depositUpdated, &m.updated}, more...)...)
}

var loadMessages = many{head: `SELECT ` + messageColumns + ` FROM messages WHERE id IN (`, tail: `)`, columns: 1}

func (p *messages) load(ctx context.Context, w *writer) error {
	args := make([]any, len(p.order))
	for i, m := range p.order {
		args[i] = m.id
	}
	return w.query(ctx, loadMessages, args, func(row scanner) error {
		var m message
		if err := m.scan(row); err != nil {
			return err
		}
		m.wasState = m.state
		*p.rows[m.id] = m
		return nil
	})
}

func (p *messages) apply(f *fact) {
	id := aboutMessage(f)
	if id == "" {
		return
	}
	m := p.rows[id]
	if m.seq == 0 {
		m.seq, m.state = f.seq, messagePending
	}
	at := micros(f.Time)
	m.lastSeq, m.updated, m.changed = f.seq, at, true
	settled := m.state == messageFinalized || m.state == messageRejected
	switch f.Type {
	case "MessageAdded":
		if m.state == messagePending {
			m.state = messageAdded
		}
		if n := f.digits("depth"); n != nil {
			m.depth = n.String()
		}
		if !m.added.Valid {
			m.added = sql.NullInt64{Int64: at, Valid: true}
			p.spans.add(at, m.seq)
		}
	case "MessageFinalized":
		if !settled {
			m.state, m.finalityType = messageFinalized, f.enum("finality_type")
			m.settled = sql.NullInt64{Int64: at, Valid: true}
		}
	case "MessageRejected":
		if !settled {
			m.state, m.rejectionType, m.reason = messageRejected, f.enum("rejection_type"), f.text("reason")
			m.settled = sql.NullInt64{Int64: at, Valid: true}
		}
	case "DepositEscrowed":
		if m.deposit == "" {
			m.setDeposit(f, depositEscrowed)
		}
	case "DepositReleased":
		if m.deposit == "" || m.deposit == depositEscrowed {
			m.setDeposit(f, depositReleased)
		}
	case "DepositSlashed":
		if m.deposit == "" || m.deposit == depositEscrowed {
			m.setDeposit(f, depositSlashed)
			m.depositReason = f.text("reason")
		}
	}
}

func (m *message) setDeposit(f *fact, state string) {
	m.deposit = state
	m.depositAmount = f.text("amount")
	m.depositValidator = f.text("validator_address")
	m.depositUpdated = micros(f.Time)
}

var saveMessages = many{
	head: `INSERT INTO messages (` + messageColumns + `) VALUES `,
	tail: ` ON CONFLICT (seq) DO UPDATE SET last_seq = excluded.last_seq, state = excluded.state, depth = excluded.depth,
	added = excluded.added, settled = excluded.settled, finality_type = excluded.finality_type,
	rejection_type = excluded.rejection_type, reason = excluded.reason, deposit = excluded.deposit,
	deposit_amount = excluded.deposit_amount, deposit_validator = excluded.deposit_validator,
	deposit_reason = excluded.deposit_reason, deposit_updated = excluded.deposit_updated, updated = excluded.updated`,
	columns: 16,
}

func (p *messages) save(ctx context.Context, w *writer) error {
	var args []any
	for _, m := range p.order {
		if !m.changed {
			continue
		}
		if m.wasState != m.state {
			p.totals[totalMessages+m.state]++
			if m.wasState != "" {
				p.totals[totalMessages+m.wasState]--
			}
		}
		args = append(args, m.seq, m.id, m.lastSeq, m.state, m.depth, m.added, m.settled, m.finalityType, m.rejectionType, m.reason,
			m.deposit, m.depositAmount, m.depositValidator, m.depositReason, m.depositUpdated, m.updated)
	}
	if err := w.exec(ctx, saveMessages, args); err != nil {
		return err
	}
	return p.spans.save(ctx, w, spansOfMessages)
}

// public is what is known of m; tip is whether it is one.
func (m *message) public(tip bool) Message {
	out := Message{
		ID: m.id, Seq: m.seq, State: m.state,
		Added: optionalTime(m.added), Settled: optionalTime(m.settled),
		FinalityType: m.finalityType, RejectionType: m.rejectionType, Reason: m.reason,
		Tip: tip, Updated: fromMicros(m.updated),
	}
	if m.depth != "" {
		n := json.Number(m.depth)
		out.Depth = &n
	}
	if m.deposit != "" {
		out.Deposit = &Deposit{State: m.deposit, Amount: m.depositAmount, Validator: m.depositValidator, Reason: m.depositReason, Updated: fromMicros(m.depositUpdated)}
	}
	return out
}
