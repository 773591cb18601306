package api

import "github.com/adic-network/router/explorer/store"

// A part is one page of a list: what the store is asked for, and what cursors of the
// list are bound to.
type part struct {
	store.Page
	of    binding
	limit int // rows in the answer
}

// part reads limit and cursor. filter is the query without a page; what is already
// wrong with the other parameters makes the cursor meaningless.
func (p *params) part(list string, filter any) part {
	limit := p.limit()
	// One row more tells whether there is another page.
	a := part{of: bind(list, filter), limit: limit, Page: store.Page{Limit: limit + 1}}
	text := p.text("cursor")
	if text == "" || len(p.wrong) > 0 {
		return a
	}
	key, err := decodeCursor(text, a.of)
	if err != nil {
		p.wrong.note("cursor: %v", err)
	}
	a.After = key
	return a
}

// page is the answer to a request for a part of a list.
type page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"` // cursor of the page behind it; null at the end
}

// A row is something in a list, which knows its place there.
type row[T any] interface {
	*T
	Key() store.Key
}

// cut makes the answer of the rows that the store found.
func cut[T any, R row[T]](rows []T, a part) page[T] {
	if len(rows) <= a.limit {
		return page[T]{Items: append([]T{}, rows...)} // never null
	}
	rows = rows[:a.limit]
	next := encodeCursor(a.of, R(&rows[a.limit-1]).Key())
	return page[T]{rows, &next}
}
