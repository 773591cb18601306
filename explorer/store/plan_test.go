package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

// growing are the tables that grow with events, and what queries call them.
var growing = []string{"events", "timeline", "identifiers", "messages", "proposals", "accounts", "validators", "series", "spans", "e", "t", "i"}

// Every question is answered by an index: none reads a table that grows from end to end.
func TestPlans(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "explorer.db")
	s := open(t, path)
	entries, to := demoEntries(t, 1, 3000)
	if err := s.Append(ctx, Position{}, entries, to); err != nil {
		t.Fatal(err)
	}
	messages, err := s.Messages(ctx, MessageQuery{Page: Page{Limit: 2}})
	if err != nil {
		t.Fatal(err)
	}
	id, key := messages[0].ID, messages[1].Key()
	page, behind := Page{Limit: 5}, Page{Limit: 5, After: key}
	span := Span{From: firstDay, To: firstDay.Add(time.Hour)}
	ranked := Page{Limit: 5, After: Key{Value: 2, ID: "a"}}

	spy := &spy{driver: s.read.Driver(), dsn: path}
	real := s.read
	s.read = sql.OpenDB(spy)
	defer func() {
		s.read.Close()
		s.read = real
	}()
	for _, ask := range []struct {
		name string
		do   func() error
	}{
		{"events", func() error { _, err := s.Events(ctx, EventQuery{Page: page}); return err }},
		{"events of a span", func() error { _, err := s.Events(ctx, EventQuery{Page: behind, Span: span}); return err }},
		{"events of types", func() error {
			_, err := s.Events(ctx, EventQuery{Page: behind, Span: span, Types: []string{"MessageAdded", "TipsUpdated"}})
			return err
		}},
		{"event", func() error { _, err := s.Event(ctx, 7); return err }},
		{"timeline", func() error {
			_, err := s.Timeline(ctx, id, TimelineQuery{EventQuery: EventQuery{Page: page}})
			return err
		}},
		{"timeline of a kind, a span and types", func() error {
			_, err := s.Timeline(ctx, id, TimelineQuery{EventQuery: EventQuery{Page: behind, Span: span, Types: []string{"MessageAdded"}}, Kind: "message"})
			return err
		}},
		{"identifiers", func() error { _, err := s.Identifiers(ctx, id); return err }},
		{"messages", func() error { _, err := s.Messages(ctx, MessageQuery{Page: page}); return err }},
		{"messages of a state", func() error { _, err := s.Messages(ctx, MessageQuery{Page: behind, State: "added"}); return err }},
		{"messages of a deposit and a span", func() error {
			_, err := s.Messages(ctx, MessageQuery{Page: behind, Span: span, Deposit: "slashed"})
			return err
		}},
		{"message", func() error { _, err := s.Message(ctx, id); return err }},
		{"addresses", func() error { _, err := s.Addresses(ctx, page); return err }},
		{"addresses, on", func() error { _, err := s.Addresses(ctx, ranked); return err }},
		{"address", func() error { _, err := s.Address(ctx, id); return ignoreNotFound(err) }},
		{"validators", func() error { _, err := s.Validators(ctx, ranked); return err }},
		{"proposals", func() error { _, err := s.Proposals(ctx, ProposalQuery{Page: page}); return err }},
		{"proposals of a status", func() error { _, err := s.Proposals(ctx, ProposalQuery{Page: behind, Status: "voting"}); return err }},
		{"proposal", func() error { _, err := s.Proposal(ctx, id); return ignoreNotFound(err) }},
		{"totals", func() error { _, err := s.Stats(ctx); return err }},
		{"series", func() error {
			_, err := s.Series(ctx, SeriesQuery{Metric: "tips", Step: time.Minute, Span: span})
			return err
		}},
		{"search", func() error { _, err := s.Search(ctx, "adic1", 5); return err }},
		{"newest", func() error { _, err := s.Recent(ctx, [event.NumPriorities]int{5, 5, 5}); return err }},
	} {
		t.Run(ask.name, func(t *testing.T) {
			if err := ask.do(); err != nil {
				t.Fatal(err)
			}
			queries := spy.take()
			if len(queries) == 0 {
				t.Fatal("it asked nothing")
			}
			for _, q := range queries {
				for _, step := range explained(t, real, q) {
					if table := strings.Fields(step); table[0] == "SCAN" && slices.Contains(growing, table[1]) {
						t.Errorf("%s\nfor %s", step, q.text)
					}
				}
			}
		})
	}
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// explained returns the steps of a query, as SQLite takes them.
func explained(t *testing.T, db *sql.DB, q asked) []string {
	t.Helper()
	args := make([]any, len(q.args))
	for i, a := range q.args {
		args[i] = a.Value
	}
	steps, err := scan(context.Background(), db, "EXPLAIN QUERY PLAN "+q.text, args, func(row scanner) (step string, err error) {
		var id, parent, unused int
		err = row.Scan(&id, &parent, &unused, &step)
		return step, err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, q.text)
	}
	return steps
}

// asked is a query that was made.
type asked struct {
	text string
	args []driver.NamedValue
}

// A spy opens connections of SQLite that note what they are asked.
type spy struct {
	driver driver.Driver
	dsn    string

	mu      sync.Mutex
	queries []asked
}

func (s *spy) Connect(context.Context) (driver.Conn, error) {
	conn, err := s.driver.Open(s.dsn)
	return &spyConn{conn, s}, err
}

func (s *spy) take() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	queries := s.queries
	s.queries = nil
	return queries
}

type spyConn struct {
	driver.Conn
	spy *spy
}

func (c *spyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.spy.mu.Lock()
	c.spy.queries = append(c.spy.queries, asked{query, args})
	c.spy.mu.Unlock()
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *spyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

// Driver returns what the connections are of.
func (s *spy) Driver() driver.Driver { return s.driver }
