package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store/postgrestest"
	"github.com/adic-network/router/source/demo"
)

// postgres is the server of all tests.
var postgres *postgrestest.Server

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	var err error
	if postgres, err = postgrestest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := postgres.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// onBoth runs a test on each kind of database, with an empty one.
func onBoth(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "explorer.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, postgres.Database(t)) })
}

func open(t testing.TB, dsn string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A feed makes entries of events in the order in which they are told.
type feed struct {
	at      Position
	clock   time.Time
	entries []Entry
}

var firstDay = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func newFeed() *feed {
	return &feed{at: Position{At: event.Cursor{Epoch: 7}}, clock: firstDay}
}

// tell adds an event of the type, a second after the one before, with the fields in JSON.
func (f *feed) tell(typ, fields string) {
	f.clock = f.clock.Add(time.Second)
	f.tellAt(f.clock, typ, fields)
}

func (f *feed) tellAt(at time.Time, typ, fields string) {
	data := `{"type":"` + typ + `"`
	if fields != "" {
		data += "," + fields
	}
	f.add(at, typ, data+`,"timestamp":"`+at.UTC().Format(time.RFC3339Nano)+`"}`)
}

func (f *feed) add(at time.Time, typ, data string) {
	class := event.Medium
	if id, ok := event.Default().Lookup(typ); ok {
		class = event.Default().Type(id).Priority
	}
	f.at.At.Pos[class]++
	f.at.Cursor = f.at.At.String()
	f.entries = append(f.entries, Entry{
		ID: f.at.Cursor, Class: class, Position: f.at.At.Pos[class], Type: typ, Time: at, Received: f.clock, Data: json.RawMessage(data),
	})
}

// take returns what was told since the last time, and the position behind it.
func (f *feed) take() ([]Entry, Position) {
	entries := f.entries
	f.entries = nil
	return entries, f.at
}

// store stores what was told.
func (f *feed) store(t testing.TB, s *Store) {
	t.Helper()
	from, err := s.Position(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	entries, to := f.take()
	if err := s.Append(context.Background(), from, entries, to); err != nil {
		t.Fatal(err)
	}
}

// demoEntries returns the first events of a made-up network.
func demoEntries(t testing.TB, seed uint64, count int) ([]Entry, Position) {
	t.Helper()
	source, err := demo.New(demo.MaxRate, seed, event.Default())
	if err != nil {
		t.Fatal(err)
	}
	parser := event.Parser{Catalogue: event.Default()}
	f := newFeed()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err = source.Run(ctx, func(p []byte) error {
		if len(f.entries) == count {
			cancel()
			return errors.New("enough")
		}
		e, err := parser.ParseEvent(p)
		if err != nil {
			return err
		}
		f.clock = f.clock.Add(20 * time.Millisecond)
		f.add(f.clock, e.Name(), string(e.JSON(event.Flat)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return f.take()
}
