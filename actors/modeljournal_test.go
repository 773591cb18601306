package actors

import (
	"errors"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/journal"
)

// modelJournal is the journal of a world, in one directory after the other.
type modelJournal struct {
	root  string
	every time.Duration // Options.Sync
	dir   string
	now   *journal.Journal
}

// TestModelWithJournal is TestModel with a router that dies and comes back now and
// then: the model does not notice.
func TestModelWithJournal(t *testing.T) {
	for _, mode := range journalModes {
		t.Run(mode.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				bounds := [2]int{1, 6}
				retain := retainGen(bounds).Draw(rt, "retain")
				steps := rapid.SliceOfN(stepGen(bounds), 20, 40).Draw(rt, "steps")
				least := rapid.SampledFrom([]int{1, 300, leastRun}).Draw(rt, "least run")
				for i := range steps {
					if steps[i].kind == "emitter fault" {
						steps[i].kind = "restart"
					}
				}
				j := &modelJournal{root: t.TempDir(), every: time.Hour}
				if mode.ahead {
					j.every = 0
				}
				var err error
				synctest.Test(t, func(t *testing.T) { err = playModel(t, retain, least, steps, j) })
				if err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// openJournal has the router of o use the journal, as it was at this moment: what
// a process that is killed leaves.
func (w *world) openJournal(o *Options) error {
	j := w.journal
	if j == nil {
		return nil
	}
	dir, err := os.MkdirTemp(j.root, "")
	if err == nil && j.dir != "" {
		err = errors.Join(os.Remove(dir), os.CopyFS(dir, os.DirFS(j.dir)))
	}
	if err != nil {
		return err
	}
	next, err := journal.Open(journal.Options{Dir: dir, Sync: j.every, Retain: o.Settings.Retain, Catalogue: o.Catalogue, Log: o.Log})
	if err != nil {
		return err
	}
	o.Journal, j.now, j.dir = next, next, dir
	return nil
}

func (w *world) endJournal() {
	if w.journal != nil {
		if err := w.journal.now.Close(); err != nil {
			w.fail("%w", err)
		}
	}
}

// restart kills the router, once what it has accepted is in the rings, and starts
// another with what it leaves. The first
// client comes back at once; others do so by their cursors, when their step comes.
func (w *world) restart() {
	for range 100 {
		if w.clients[0].now != nil {
			w.drain(w.clients[0], math.MaxInt)
		}
		if w.pending.total() == 0 {
			break
		}
		pass(patienceIsOver)
	}
	for _, c := range w.clients {
		if c.now != nil {
			c.now.end(errReset)
			c.now = nil
		}
	}
	synctest.Wait()
	end, old, was := w.stream().now(), w.Router, w.journal.now
	if err := w.begin(*old.settings()); err != nil {
		w.fail("restart: %w", err)
		return
	}
	old.Close()
	if err := was.Close(); err != nil {
		w.fail("%w", err)
	}
	if now := w.stream().now(); now != end {
		w.fail("the stream was at %v and is at %v", end, now)
	}
	w.connect(w.clients[0], step{talk: "WebSocket", from: "now", all: true, prios: event.AllPriorities, size: unlimited})
}
