package journal

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

// catalogueOf makes a catalogue of types of a class each: "Alarm high".
func catalogueOf(types ...string) *event.Catalogue {
	var b strings.Builder
	for i, t := range types {
		name, class, _ := strings.Cut(t, " ")
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":%q,"alias":%q,"priority":%q,"fields":[{"name":"n","type":"uint"},{"name":"timestamp","type":"timestamp"}]}`,
			name, "x."+strings.ToLower(name), class)
	}
	c, err := event.ParseCatalogue([]byte(`{"events":[` + b.String() + `]}`))
	if err != nil {
		panic(err)
	}
	return c
}

var catalogue = sync.OnceValue(func() *event.Catalogue { return catalogueOf("Trace low", "Tally medium", "Alarm high") })

// names of the types of the catalogue by class.
var names = [event.NumPriorities]string{"Alarm", "Tally", "Trace"}

// An owner is a user of a journal that gives events their places, and knows what
// it has acknowledged.
type owner struct {
	*Journal
	t      testing.TB
	log    *bytes.Buffer
	cursor event.Cursor
	n      int      // number of the last event
	acked  []string // "Alarm 1", in order
}

func options(dir string) (Options, *bytes.Buffer) {
	log := new(bytes.Buffer)
	return Options{Dir: dir, Sync: time.Hour, Retain: [event.NumPriorities]int{1000, 500, 100}, Catalogue: catalogue(),
		Log: slog.New(slog.NewTextHandler(log, nil)), boot: "this-boot"}, log
}

// open opens a journal and takes over what it holds.
func open(t testing.TB, dir string, change ...func(*Options)) *owner {
	t.Helper()
	o, log := options(dir)
	for _, f := range change {
		f(&o)
	}
	j, err := Open(o)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	w := &owner{Journal: j, t: t, log: log}
	t.Cleanup(func() { w.kill() })
	return w
}

// kill ends the journal as the death of its process does.
func (w *owner) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	w.timer.Stop()
	for p := range w.classes {
		w.classes[p].f.Close()
	}
	w.lock.Close()
}

// past returns what the journal held: "Alarm 1" and so on, by class, and checks
// that it is a stream: without gaps, up to the position where it goes on.
func (w *owner) past() (events [event.NumPriorities][]string) {
	w.t.Helper()
	at, past := w.Past()
	w.cursor = at
	for p, list := range past {
		for i, e := range list {
			if want := at.Pos[p] - uint64(len(list)) + uint64(i) + 1; e.Seq != want || int(e.Priority) != p || e.Stamp.Epoch != at.Epoch ||
				e.Stamp.Pos[p] != want || !reaches(at.Pos, e.Stamp.Pos) || e.Global != sum(e.Stamp.Pos) || e.Accepted == 0 {
				w.t.Fatalf("class %d, event %d of %d has the place %d, %v, accepted at %d; the stream is at %v",
					p, i, len(list), e.Seq, e.Stamp, e.Accepted, at)
			}
			events[p] = append(events[p], nameOf(e))
		}
	}
	return events
}

func nameOf(e *event.Event) string {
	text := string(e.JSON(event.Flat))
	_, n, _ := strings.Cut(text, `"n":`)
	n, _, _ = strings.Cut(n, ",")
	return e.Name() + " " + n
}

// batch makes events of classes, with places after what was appended.
func (w *owner) batch(of ...event.Priority) (batch []*event.Event) {
	parser := event.Parser{Catalogue: catalogue()}
	at := event.Cursor{Epoch: w.cursor.Epoch, Pos: w.last()}
	for _, p := range of {
		w.n++
		e, err := parser.ParseEvent(fmt.Appendf(nil, `{"type":%q,"n":%d,"pad":%q}`, names[p], w.n, strings.Repeat("x", w.n%7)))
		if err != nil {
			w.t.Fatal(err)
		}
		at.Pos[p]++
		e.Place(at, sum(at.Pos))
		batch = append(batch, e)
	}
	return batch
}

// append appends a batch, which has to be taken.
func (w *owner) append(of ...event.Priority) {
	w.t.Helper()
	batch := w.batch(of...)
	settled, err := w.Append(batch)
	if err != nil {
		w.t.Fatalf("append: %v", err)
	}
	if settled != (w.every > 0) {
		w.t.Fatalf("settled: %v", settled)
	}
	for _, e := range batch {
		w.acked = append(w.acked, nameOf(e))
	}
}

// of returns the acknowledged events of a class.
func (w *owner) of(p event.Priority) (events []string) {
	for _, e := range w.acked {
		if strings.HasPrefix(e, names[p]) {
			events = append(events, e)
		}
	}
	return events
}

// mixed appends 20 batches of all kinds.
func (w *owner) mixed() {
	const h, m, l = event.High, event.Medium, event.Low
	for range 5 {
		w.append(h)
		w.append(l, l, m)
		w.append(m, h, l, h)
		w.append(m)
	}
}

// clone copies a directory as it is.
func clone(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	copyTo(t, from, to)
	return to
}

func copyTo(t testing.TB, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// files returns the names of the segments of a class.
func files(t testing.TB, dir string, p event.Priority) (paths []string) {
	t.Helper()
	segments, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range segments {
		if s.class == p {
			paths = append(paths, filepath.Join(dir, s.name()))
		}
	}
	return paths
}

// isPrefix reports whether got is the beginning of want.
func isPrefix(got, want []string) bool {
	return len(got) <= len(want) && slices.Equal(got, want[:len(got)])
}
