package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/adic-network/router/explorer/store"
)

// The states that there are, as store.Message has them.
var (
	messageStates = []string{"pending", "added", "finalized", "rejected"}
	depositStates = []string{"escrowed", "released", "slashed"}
)

// messages answers GET /api/v1/messages.
func (h *Handler) messages(ctx context.Context, p *params, _ string) (any, error) {
	q := store.MessageQuery{
		State: p.oneOf("state", messageStates...), Deposit: p.oneOf("deposit", depositStates...),
		Span: p.span(), Page: store.Page{Oldest: p.oldest()},
	}
	part := p.part("messages", q)
	if err := p.err(); err != nil {
		return nil, err
	}
	q.After, q.Limit = part.After, part.Limit
	rows, err := h.store.Messages(ctx, q)
	return cut(rows, part), err
}

// message answers GET /api/v1/messages/{id}.
func (h *Handler) message(ctx context.Context, p *params, id string) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	return h.store.Message(ctx, id)
}

// tips answers GET /api/v1/tips.
func (h *Handler) tips(ctx context.Context, p *params, _ string) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	tips, err := h.store.Tips(ctx)
	if tips.Tips == nil {
		tips.Tips = []store.Tip{}
	}
	return tips, err
}

// addresses answers GET /api/v1/addresses.
func (h *Handler) addresses(ctx context.Context, p *params, _ string) (any, error) {
	part := p.part("addresses", nil)
	if err := p.err(); err != nil {
		return nil, err
	}
	rows, err := h.store.Addresses(ctx, part.Page)
	return cut(rows, part), err
}

// address answers GET /api/v1/addresses/{address}.
func (h *Handler) address(ctx context.Context, p *params, address string) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	return h.store.Address(ctx, address)
}

// validators answers GET /api/v1/validators.
func (h *Handler) validators(ctx context.Context, p *params, _ string) (any, error) {
	part := p.part("validators", nil)
	if err := p.err(); err != nil {
		return nil, err
	}
	rows, err := h.store.Validators(ctx, part.Page)
	return cut(rows, part), err
}

// proposals answers GET /api/v1/proposals.
func (h *Handler) proposals(ctx context.Context, p *params, _ string) (any, error) {
	q := store.ProposalQuery{Status: p.short("status")}
	part := p.part("proposals", q)
	if err := p.err(); err != nil {
		return nil, err
	}
	q.Page = part.Page
	rows, err := h.store.Proposals(ctx, q)
	return cut(rows, part), err
}

// proposal answers GET /api/v1/proposals/{id}.
func (h *Handler) proposal(ctx context.Context, p *params, id string) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	return h.store.Proposal(ctx, id)
}

// eventQuery reads what lists of events have in common.
func (h *Handler) eventQuery(p *params) store.EventQuery {
	return store.EventQuery{Types: p.types(h.catalogue), Span: p.span(), Page: store.Page{Oldest: p.oldest()}}
}

// events answers GET /api/v1/events.
func (h *Handler) events(ctx context.Context, p *params, _ string) (any, error) {
	q := h.eventQuery(p)
	part := p.part("events", q)
	if err := p.err(); err != nil {
		return nil, err
	}
	q.After, q.Limit = part.After, part.Limit
	rows, err := h.store.Events(ctx, q)
	return cut(rows, part), err
}

// event answers GET /api/v1/events/{seq}.
func (h *Handler) event(ctx context.Context, p *params, text string) (any, error) {
	seq, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seq < 1 {
		p.wrong.note("%s is not the seq of an event; it is a number from 1", quote(text))
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return h.store.Event(ctx, seq)
}

// timelinePage is the answer of GET /api/v1/timeline/{id}.
type timelinePage struct {
	ID          string             `json:"id"`
	Identifiers []store.Identifier `json:"identifiers"` // what it is the identifier of
	page[store.Moment]
}

// timeline answers GET /api/v1/timeline/{id}.
func (h *Handler) timeline(ctx context.Context, p *params, id string) (any, error) {
	q := store.TimelineQuery{Kind: p.oneOf("kind", store.Kinds()...), EventQuery: h.eventQuery(p)}
	part := p.part("timeline of "+id, q)
	if err := p.err(); err != nil {
		return nil, err
	}
	identifiers, err := h.store.Identifiers(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(identifiers) == 0 {
		return nil, refuse(http.StatusNotFound, "no event with the identifier %s is known; GET /api/v1/search?q= finds those that begin with a text", quote(id))
	}
	q.After, q.Limit = part.After, part.Limit
	rows, err := h.store.Timeline(ctx, id, q)
	return timelinePage{id, identifiers, cut(rows, part)}, err
}
