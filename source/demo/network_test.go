package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/adic-network/router/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// someTime is when the stories of the tests take place.
var someTime = time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)

// happening is an event as a client sees it, its numbers with every digit.
type happening map[string]any

func parse(t testing.TB, text []byte) happening {
	t.Helper()
	var h happening
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&h); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, text)
	}
	return h
}

func (h happening) name() string             { return h["type"].(string) }
func (h happening) text(field string) string { return h[field].(string) }
func (h happening) int(field string) int     { return int(h.float(field)) }

func (h happening) float(field string) float64 {
	f, err := h[field].(json.Number).Float64()
	if err != nil {
		panic(err)
	}
	return f
}

// amount reads a sum, which is a string in some events and a number in others.
func (h happening) amount(t testing.TB, field string) amount {
	t.Helper()
	whole, fraction, _ := strings.Cut(fmt.Sprint(h[field]), ".")
	units, err := strconv.ParseInt(whole+(fraction + "000000000")[:amountDecimals], 10, 64)
	if err != nil {
		t.Fatalf("%s of %v is no amount: %v", field, h, err)
	}
	return amount(units)
}

// play returns the first events of a network, one a second.
func play(t testing.TB, seed uint64, count int) []happening {
	t.Helper()
	n := newNetwork(seed, event.Default())
	events := make([]happening, count)
	for i := range events {
		events[i] = parse(t, n.next(someTime.Add(time.Duration(i)*time.Second)))
	}
	return events
}

func TestEveryTypeAppearsEarly(t *testing.T) {
	for seed := range uint64(20) {
		n := newNetwork(seed, event.Default())
		var order []string // of first appearance
		for range 2000 {
			name, _, _ := strings.Cut(strings.TrimPrefix(string(n.next(someTime)), `{"type":"`), `"`)
			if !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
		if order[0] != "NodeStarted" || order[1] != "GenesisLoaded" {
			t.Errorf("seed %d: begins with %s and %s, want NodeStarted and GenesisLoaded", seed, order[0], order[1])
		}
		for _, typ := range event.Default().Types() {
			if !slices.Contains(order, typ.Name) {
				t.Errorf("seed %d: no %s among the first 2,000 events", seed, typ.Name)
			}
		}
	}
}

func TestEventsAreValid(t *testing.T) {
	parser := event.Parser{Catalogue: event.Default(), MaxEventSize: 128 << 10, Now: time.Now}
	n := newNetwork(7, event.Default())
	for range 10_000 {
		text := n.next(someTime)
		if _, err := parser.ParseEvent(text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
}

func TestSameSeedSameStory(t *testing.T) {
	const count = 3000
	a, b, c := newNetwork(1, event.Default()), newNetwork(1, event.Default()), newNetwork(2, event.Default())
	differs := false
	for i := range count {
		text := string(a.next(someTime))
		if other := string(b.next(someTime)); text != other {
			t.Fatalf("event %d differs with the same seed:\n%s\n%s", i, text, other)
		}
		differs = differs || text != string(c.next(someTime))
	}
	if !differs {
		t.Error("another seed tells the same story")
	}
}

func TestTimestampIsTheClock(t *testing.T) {
	n := newNetwork(1, event.Default())
	for i := range 100 {
		now := someTime.Add(time.Duration(i) * time.Minute)
		e := parse(t, n.next(now.In(time.FixedZone("", 3600))))
		if got, want := e.text("timestamp"), now.Format("2006-01-02T15:04:05Z"); got != want {
			t.Fatalf("timestamp %s, want %s", got, want)
		}
	}
}

// The proportions that the documents promise: many messages and tips, fewer
// finalities, rare economics.
func TestNaturalRates(t *testing.T) {
	const total = 50_000
	count := map[string]int{}
	for _, e := range play(t, 3, total) {
		count[e.name()]++
	}
	for _, share := range []struct {
		name      string
		low, high float64 // of all events
	}{
		{"MessageAdded", 0.14, 0.25},
		{"TipsUpdated", 0.12, 0.22},
		{"MessageFinalized", 0.08, 0.15},
		{"BalanceChanged", 0.05, 0.20},
		{"KCoreUpdated", 0.01, 0.05},
		{"EconomicsUpdated", 0.0005, 0.004},
		{"NodeStopped", 0.0001, 0.003},
	} {
		got := float64(count[share.name]) / total
		if got < share.low || got > share.high {
			t.Errorf("%s are %.4f of all events, want between %v and %v", share.name, got, share.low, share.high)
		}
	}
	for i, order := 0, []string{"MessageAdded", "TipsUpdated", "MessageFinalized", "KCoreUpdated", "AdmissibilityUpdated", "EconomicsUpdated"}; i+1 < len(order); i++ {
		if count[order[i]] <= count[order[i+1]] {
			t.Errorf("%d %s and %d %s, want more of the first", count[order[i]], order[i], count[order[i+1]], order[i+1])
		}
	}
}

// A network that plays for long must not grow: what it holds is bounded by
// what is going on at one time.
func TestStateIsBounded(t *testing.T) {
	n := newNetwork(5, event.Default())
	for range 50_000 {
		n.next(someTime)
	}
	if size := len(n.agenda.steps); size > 500 {
		t.Errorf("the agenda holds %d steps after 50,000 events", size)
	}
	if size := len(n.tips); size > 10 {
		t.Errorf("there are %d tips after 50,000 events", size)
	}
	if n.pending > 100 {
		t.Errorf("%d messages are pending after 50,000 events", n.pending)
	}
}

func BenchmarkNext(b *testing.B) {
	n := newNetwork(1, event.Default())
	b.ReportAllocs()
	for b.Loop() {
		n.next(someTime)
	}
}
