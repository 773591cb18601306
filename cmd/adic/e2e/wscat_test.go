package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wscat follows the stream as its user drives it: subscribes and unsubscribes by
// hand, and later resumes.
func TestWscat(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	p := start(t, tool(t, "wscat"), "--connect", r.ws()+"/v1/ws/events?ids=true")
	say := func(message string) {
		if _, err := fmt.Fprintln(p.stdin, message); err != nil {
			t.Fatal(err)
		}
	}
	told := func(n int, want ...string) { // the n-th message
		t.Helper()
		eventually(t, "a reply comes", func() bool { return len(typed(t, p)) >= n })
		reply := typed(t, p)[n-1]
		if got := append([]string{reply.Type}, reply.Events...); !slices.Equal(got, want) {
			t.Fatalf("message %d is %s, want %q", n, reply.raw, want)
		}
	}
	f := newFeed(r) // of which only KCoreUpdated is asked for, the only medium one wanted

	told(1, "Subscribed", "all")
	say(`{"type":"Subscribe","events":["kcore.update"]}`)
	told(2, "Subscribed", "KCoreUpdated")
	f.publish(t, len(kinds))
	told(3, "Event")
	say(`{"type":"Unsubscribe","events":["KCoreUpdated"]}`)
	told(4, "Unsubscribed")
	f.publish(t, len(kinds))
	say(`{"type":"Ping"}`)
	told(5, "Pong") // and nothing before it
	say(`{"type":"Subscribe","events":["nonsense"]}`)
	told(6, "Error")
	say(`{"type":"Subscribe","events":["kcore.*"]}`)
	told(7, "Subscribed", "KCoreUpdated")
	f.publish(t, len(kinds))
	told(8, "Event")
	say("what is this?")
	told(9, "Error")

	messages := typed(t, p)
	var seqs []int
	var last string
	for _, m := range messages {
		if m.Type == "Event" {
			seqs, last = append(seqs, m.Event.Seq), m.ID
		}
	}
	if want := []int{3, 13}; !slices.Equal(seqs, want) {
		t.Errorf("received the events %v, want %v", seqs, want)
	}

	p.terminate()
	f.publish(t, len(kinds))
	p = start(t, tool(t, "wscat"), "--connect", r.ws()+"/v1/ws/events?ids=true&events=kcore.update&since="+last)
	told(1, "Subscribed", "KCoreUpdated")
	told(2, "Event")
	if got := typed(t, p)[1].Event.Seq; got != 18 {
		t.Errorf("resumed with event %d, want 18", got)
	}
}

// typed returns the messages that wscat has printed, without the prompts that it
// puts before what comes after a line typed.
func typed(t *testing.T, p *process) []record {
	t.Helper()
	p.mustRun(t)
	var records []record
	for _, line := range p.stdout.lines() {
		records = append(records, parseRecord(t, strings.TrimLeft(line, "> ")))
	}
	return records
}
