package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const messageQuery = `SELECT ` + messageColumns + `, EXISTS (SELECT 1 FROM tips AS t WHERE t.id = messages.id) FROM messages WHERE `

func scanMessage(row scanner) (Message, error) {
	var m message
	var tip bool
	err := m.scan(row, &tip)
	return m.public(tip), err
}

// Messages returns a page of messages.
func (s *Store) Messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	list, err := s.messages(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("cannot read messages: %w", classify(err))
	}
	return list, nil
}

func (s *Store) messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	b, err := s.within(ctx, spansOfMessages, q.Page, q.Span)
	if err != nil || b.empty() {
		return nil, err
	}
	query := messageQuery + `seq >= $1 AND seq < $2`
	args := []any{b.fromSeq, b.toSeq, q.Limit}
	where := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		query += " AND " + condition
	}
	if !q.From.IsZero() || !q.To.IsZero() {
		where("added >= ? AND added < ?", b.fromTime, b.toTime)
	}
	if q.State != "" {
		where("state = ?", q.State)
	}
	if q.Deposit != "" {
		where("deposit = ? AND deposit <> ''", q.Deposit)
	}
	return scan(ctx, s.read, query+` ORDER BY `+q.by("seq")+` LIMIT $3`, args, scanMessage)
}

// Message returns the message with the identifier, or ErrNotFound.
func (s *Store) Message(ctx context.Context, id string) (Message, error) {
	return one(ctx, s, "message", id, messageQuery+`id = $1`, scanMessage)
}

// one returns the row of what has the identifier, or ErrNotFound.
func one[T any](ctx context.Context, s *Store, what, id, query string, read func(scanner) (T, error)) (T, error) {
	v, err := read(s.read.QueryRowContext(ctx, query, clean(id)))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return v, fmt.Errorf("%s %q: %w", what, id, ErrNotFound)
	case err != nil:
		return v, fmt.Errorf("cannot read %s %q: %w", what, id, classify(err))
	}
	return v, nil
}

// Tips returns the messages that nothing has approved yet, in the order of the node, at
// most a thousand of them.
func (s *Store) Tips(ctx context.Context) (Tips, error) {
	var (
		tips    = Tips{Tips: []Tip{}}
		count   float64
		updated int64
	)
	err := s.read.QueryRowContext(ctx, `SELECT value, time FROM latest WHERE metric = 'tips'`).Scan(&count, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return tips, nil
	}
	if err == nil {
		tips.Count, tips.Updated = int64(count), fromMicros(updated)
		list, listErr := scan(ctx, s.read, `SELECT id, since FROM tips ORDER BY place`, nil, func(row scanner) (t Tip, err error) {
			var since int64
			err = row.Scan(&t.MessageID, &since)
			t.Since = fromMicros(since)
			return t, err
		})
		tips.Tips, err = append(tips.Tips, list...), listErr
	}
	if err != nil {
		return Tips{}, fmt.Errorf("cannot read tips: %w", classify(err))
	}
	return tips, nil
}

func scanAddress(row scanner) (Address, error) {
	var a account
	err := a.scan(row)
	return a.public(), err
}

func scanValidator(row scanner) (Validator, error) {
	var v validator
	err := v.scan(row)
	return v.public(), err
}

// ranked is a page of a list by rank, highest first.
func ranked[T any](ctx context.Context, s *Store, from string, p Page, read func(scanner) (T, error)) ([]T, error) {
	query, args := `SELECT `+from+` WHERE rank <= $1 ORDER BY rank DESC, address LIMIT $2`, []any{-unranked, p.Limit}
	if p.After != (Key{}) {
		query = `SELECT ` + from + ` WHERE rank <= $1 AND (rank < $1 OR address > $3) ORDER BY rank DESC, address LIMIT $2`
		args = []any{p.After.Value, p.Limit, clean(p.After.ID)}
	}
	return scan(ctx, s.read, query, args, read)
}

// Addresses returns a page of the accounts, by their balance, highest first.
func (s *Store) Addresses(ctx context.Context, p Page) ([]Address, error) {
	list, err := ranked(ctx, s, accountColumns+` FROM accounts`, p, scanAddress)
	if err != nil {
		return nil, fmt.Errorf("cannot read addresses: %w", classify(err))
	}
	return list, nil
}

// Validators returns a page of the validators, by their reputation, highest first.
func (s *Store) Validators(ctx context.Context, p Page) ([]Validator, error) {
	list, err := ranked(ctx, s, validatorColumns+` FROM validators`, p, scanValidator)
	if err != nil {
		return nil, fmt.Errorf("cannot read validators: %w", classify(err))
	}
	return list, nil
}

// Address returns the account with the address, or ErrNotFound. Any address that an event
// told of is one, if only as a validator's.
func (s *Store) Address(ctx context.Context, address string) (Address, error) {
	a, err := one(ctx, s, "address", address, `SELECT `+accountColumns+` FROM accounts WHERE address = $1`, scanAddress)
	known := err == nil
	if errors.Is(err, ErrNotFound) {
		a, err = Address{Address: clean(address)}, nil
	}
	if err != nil {
		return a, err
	}
	v, err := one(ctx, s, "address", address, `SELECT `+validatorColumns+` FROM validators WHERE address = $1`, scanValidator)
	switch {
	case err == nil:
		a.Validator = &v
		return a, nil
	case known && errors.Is(err, ErrNotFound):
		return a, nil
	case !errors.Is(err, ErrNotFound):
		return a, err
	}
	kinds, listErr := s.Identifiers(ctx, address)
	if listErr != nil {
		return a, listErr
	}
	for _, i := range kinds {
		if i.Kind == kindAddress || i.Kind == kindValidator {
			return a, nil
		}
	}
	return Address{}, err
}

// Proposals returns a page of proposals.
func (s *Store) Proposals(ctx context.Context, q ProposalQuery) ([]Proposal, error) {
	b, err := s.within(ctx, "", q.Page, Span{})
	query, args := `SELECT document FROM proposals WHERE seq >= $1 AND seq < $2`, []any{b.fromSeq, b.toSeq, q.Limit}
	if q.Status != "" {
		query += ` AND status = $4`
		args = append(args, clean(q.Status))
	}
	var list []Proposal
	if err == nil {
		list, err = scan(ctx, s.read, query+` ORDER BY `+q.by("seq")+` LIMIT $3`, args, scanProposal)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read proposals: %w", classify(err))
	}
	return list, nil
}

// Proposal returns the proposal with the identifier, or ErrNotFound.
func (s *Store) Proposal(ctx context.Context, id string) (Proposal, error) {
	return one(ctx, s, "proposal", id, `SELECT document FROM proposals WHERE id = $1`, scanProposal)
}

// Search returns at most limit identifiers that are q or begin with it, in that order, in
// the case given.
func (s *Store) Search(ctx context.Context, q string, limit int) ([]Hit, error) {
	q = clean(q)
	if q == "" {
		return nil, nil
	}
	query, args := `SELECT `+identifierColumns+` FROM identifiers AS i WHERE i.id >= $1`, []any{q, limit}
	if end, ok := behind(q); ok {
		query += ` AND i.id < $3`
		args = append(args, end)
	}
	list, err := scan(ctx, s.read, query+` ORDER BY i.id, i.kind LIMIT $2`, args, func(row scanner) (Hit, error) {
		i, err := scanIdentifier(row)
		return Hit{Identifier: i, Exact: i.ID == q}, err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot search: %w", classify(err))
	}
	return list, nil
}

// behind returns the first text behind all that begin with prefix, in the order of bytes,
// which for UTF-8 is that of code points. There is none if prefix ends in the last ones.
func behind(prefix string) (string, bool) {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case last == 0xD7FF:
			return prefix + "\uE000", true // the surrogates between them are no text
		case last < utf8.MaxRune:
			return prefix + string(last+1), true
		}
	}
	return "", false
}
