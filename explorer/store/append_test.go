package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store/postgrestest"
)

// checkUpTo makes sure that s knows what the first n events of the story say.
func checkUpTo(t *testing.T, s *Store, n int) {
	t.Helper()
	m := newModel()
	entries, _ := story(0, n)
	for _, e := range entries {
		m.add(e)
	}
	m.check(t, s, 100)
}

func TestNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		newModel().check(t, s, 10)
		at, err := s.Position(context.Background())
		if err != nil || at != (Position{}) {
			t.Errorf("the position is %v, %v, want none", at, err)
		}
		// A position can move without events: those that nobody asked for.
		to := Position{Cursor: "x", At: event.Cursor{Epoch: 3, Pos: [event.NumPriorities]uint64{5, 0, 0}}, Own: true}
		if err := s.Append(context.Background(), at, nil, to); err != nil {
			t.Fatal(err)
		}
		if at, err = s.Position(context.Background()); err != nil || at != to {
			t.Errorf("the position is %v, %v, want %v", at, err, to)
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	entries, to := story(0, 3)
	behind := to
	behind.At.Pos[0] = 2
	odd := func(change func(*Entry)) []Entry {
		entries := append([]Entry{}, entries...)
		change(&entries[1])
		return entries
	}
	back := to
	back.At.Pos[0] = 1
	long := to
	long.Cursor = strings.Repeat("c", 2000)
	for _, test := range []struct {
		name    string
		from    Position
		entries []Entry
		to      Position
		says    string
	}{
		{"behind the position", Position{}, entries, behind, "entry 2: position 3 of high is not covered"},
		{"no position", Position{}, odd(func(e *Entry) { e.Position = 0 }), to, "entry 1: position 0"},
		{"no type", Position{}, odd(func(e *Entry) { e.Type = "" }), to, "entry 1: no type"},
		{"unknown class", Position{}, odd(func(e *Entry) { e.Class = 3 }), to, "unknown class 3"},
		{"no JSON", Position{}, odd(func(e *Entry) { e.Data = []byte(`{"type":`) }), to, "is no JSON object"},
		{"no object", Position{}, odd(func(e *Entry) { e.Data = []byte(`[]`) }), to, "is no JSON object"},
		{"going back", to, nil, back, "the position goes back"},
		{"endless cursor", Position{}, nil, long, "is no cursor"},
		{"another position", to, nil, to, "the index is at"},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, dsn string) {
				s := open(t, dsn)
				err := s.Append(context.Background(), test.from, test.entries, test.to)
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got %v, want one that says %q", err, test.says)
				}
				newModel().check(t, s, 10)
			})
		})
	}
}

// An answer that got lost is asked for again; what others wrote is a conflict.
func TestConflict(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		mine, other := open(t, dsn), open(t, dsn)
		entries, to := story(0, 10)
		if err := mine.Append(ctx, Position{}, entries, to); err != nil {
			t.Fatal(err)
		}
		if err := other.Append(ctx, Position{}, entries, to); !errors.Is(err, ErrConflict) {
			t.Errorf("another's Append gave %v, want ErrConflict", err)
		}
		if err := mine.Append(ctx, Position{}, entries, to); !errors.Is(err, ErrConflict) {
			t.Errorf("the same Append again gave %v, want ErrConflict", err)
		}
		mine.doubt = &doubt{Position{}, to} // as after a commit without an answer
		if err := mine.Append(ctx, Position{}, entries, to); err != nil {
			t.Errorf("the same Append again, in doubt, gave %v", err)
		}
		if err := mine.Append(ctx, Position{}, entries, to); !errors.Is(err, ErrConflict) {
			t.Errorf("when there was no doubt any more it gave %v, want ErrConflict", err)
		}
		checkUpTo(t, mine, 10)
	})
}

func TestNewEpoch(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := open(t, dsn)
		m := newModel()
		var from Position
		for epoch := range event.Epoch(3) {
			entries, to := story(0, 5) // the same positions, in another stream
			to.At.Epoch += epoch
			for _, e := range entries {
				m.add(e)
			}
			if err := s.Append(ctx, from, entries, to); err != nil {
				t.Fatal(err)
			}
			from = to
		}
		m.check(t, s, 100)
		recent, err := s.Recent(ctx, [event.NumPriorities]int{100, 100, 100})
		if err != nil {
			t.Fatal(err)
		}
		want, _ := story(0, 5)
		equal(t, "the newest events", recent, want)
	})
}

func TestRecent(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		entries, to := demoEntries(t, 3, 700)
		if err := s.Append(context.Background(), Position{}, entries, to); err != nil {
			t.Fatal(err)
		}
		limit := [event.NumPriorities]int{20, 7, 3}
		left := limit
		var want []Entry
		for i := len(entries) - 1; i >= 0; i-- {
			if e := entries[i]; left[e.Class] > 0 {
				left[e.Class]--
				want = append([]Entry{e}, want...)
			}
		}
		recent, err := s.Recent(context.Background(), limit)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "the newest events", recent, want)
	})
}

func TestLocked(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s, err := Open(ctx, dsn, Options{Wait: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		other, err := raw(t, dsn).Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		execute(t, other, "BEGIN")
		execute(t, other, "UPDATE position SET own = own")
		entries, to := story(0, 10)
		if err := s.Append(ctx, Position{}, entries, to); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		if _, err := s.Stats(ctx); err != nil {
			t.Errorf("reading while another writes: %v", err)
		}
		execute(t, other, "ROLLBACK")
		if err := s.Append(ctx, Position{}, entries, to); err != nil {
			t.Errorf("trying again gave %v", err)
		}
		checkUpTo(t, s, 10)
	})
}

func TestFull(t *testing.T) {
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "explorer.db"))
	allow := func(pages string) {
		t.Helper()
		s.writing.Lock()
		defer s.writing.Unlock()
		if _, err := s.transact(ctx, func(w *writer) error {
			_, err := w.conn.ExecContext(ctx, "PRAGMA max_page_count = "+pages)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	entries, to := story(0, 1500)
	allow("60")
	if err := s.Append(ctx, Position{}, entries, to); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v, want ErrUnavailable that says full", err)
	}
	newModel().check(t, s, 10)
	allow("100000")
	if err := s.Append(ctx, Position{}, entries, to); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if at, err := s.Position(ctx); err != nil || at != to {
		t.Errorf("the position is %v, %v", at, err)
	}
}

// A server that goes away and comes back costs a try, and no event.
func TestServerRestarts(t *testing.T) {
	server, err := postgrestest.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	ctx := context.Background()
	t.Run("", func(t *testing.T) { // its database goes before the server does
		s := open(t, server.Database(t))
		entries, to := story(0, 10)
		if err := s.Append(ctx, Position{}, entries, to); err != nil {
			t.Fatal(err)
		}
		if err := server.Pause(); err != nil {
			t.Fatal(err)
		}
		more, end := story(10, 10)
		for range 2 {
			if err := s.Append(ctx, to, more, end); !errors.Is(err, ErrUnavailable) {
				t.Errorf("without a server: %v, want ErrUnavailable", err)
			}
		}
		if _, err := s.Stats(ctx); !errors.Is(err, ErrUnavailable) {
			t.Errorf("reading without a server: %v, want ErrUnavailable", err)
		}
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ctx, to, more, end); err != nil {
			t.Errorf("with the server back: %v", err)
		}
		checkUpTo(t, s, 20)
	})
}

func TestCancelled(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		entries, to := story(0, 10)
		if err := s.Append(ctx, Position{}, entries, to); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if err := s.Append(context.Background(), Position{}, entries, to); err != nil {
			t.Error(err)
		}
		checkUpTo(t, s, 10)
	})
}

// Who reads while another writes sees whole batches.
func TestReadersWhileWriting(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := open(t, dsn)
		const batch, batches = 30, 10
		done := make(chan struct{})
		var all sync.WaitGroup
		read := func(look func() error) {
			all.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						if err := look(); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		read(func() error {
			stats, err := s.Stats(ctx)
			if err == nil && stats.Events%batch != 0 {
				err = fmt.Errorf("%d events are no whole batches", stats.Events)
			}
			return err
		})
		read(func() error {
			_, err := s.Timeline(ctx, "m1", TimelineQuery{EventQuery: EventQuery{Page: Page{Limit: 10}}})
			return err
		})
		read(func() error {
			_, err := s.Events(ctx, EventQuery{Page: Page{Limit: 10}, Types: []string{"MessageAdded"}})
			return err
		})
		var from Position
		for i := range batches {
			entries, to := story(uint64(i*batch), batch)
			if err := s.Append(ctx, from, entries, to); err != nil {
				t.Error(err)
				break
			}
			from = to
		}
		close(done)
		all.Wait()
		checkUpTo(t, s, batch*batches)
	})
}
