//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A follower is an EventSource that leaves now and then, resumes each time its stream
// ends, and holds what it receives against the promises: within a class in order, each event once, and
// what is missing told before the next event of its class.
type follower struct {
	addr     string
	accepted *publisher

	mu      sync.Mutex
	cursor  string
	seen    [3]int  // last number of each class
	told    [3]int  // lost and not yet seen to be missing
	excused [3]bool // told that the router does not know how much: it is another one
	events  int
	lost    int
	streams int
	wrong   []string
}

// follow follows until ctx is done.
func (f *follower) follow(ctx context.Context) {
	for ctx.Err() == nil {
		f.stream(ctx)
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// stream follows until the router ends the stream, or for some seconds.
func (f *follower) stream(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second+rand.N(20*time.Second))
	defer cancel()
	names := kinds[0].name + "," + kinds[1].name + "," + kinds[2].name
	// The first stream has everything, so that the numbers begin with 1.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.addr+"/v1/sse/events?since=earliest&events="+names, nil)
	if err != nil {
		f.complain("%v", err)
		return
	}
	if f.cursor != "" {
		req.Header.Set("Last-Event-ID", f.cursor)
	}
	res, err := following.Do(req)
	if err != nil {
		return // between two routers
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return // it drains
	}
	f.mu.Lock()
	f.streams++
	f.mu.Unlock()
	var id, name, data string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = value
		case "": // the end of an event, or of a comment
			if data != "" {
				f.received(id, name, data)
			}
			id, name, data = "", "", ""
		}
	}
}

var following = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// received takes note of an event or a Lagged message.
func (f *follower) received(id, name, data string) {
	var m struct {
		Seq     int
		Dropped map[string]*int
	}
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		f.complain("received %s", data)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for class, kind := range kinds {
		switch {
		case name == "Lagged" && m.Dropped[kind.class] == nil:
			f.excused[class] = true
		case name == "Lagged":
			f.told[class] += *m.Dropped[kind.class]
			f.lost += *m.Dropped[kind.class]
		case name == kind.name:
			f.cursor = id
			f.event(class, m.Seq)
		}
	}
}

func (f *follower) event(class, seq int) {
	f.events++
	if seq <= f.seen[class] {
		f.note("event %d of class %s came after %d", seq, kinds[class].class, f.seen[class])
		return
	}
	if !f.accepted.known(key{class, seq}) {
		f.note("event %d of class %s was never accepted", seq, kinds[class].class)
	}
	f.gap(class, seq)
	f.seen[class] = seq
}

// gap checks that what is missing before an event was told.
func (f *follower) gap(class, next int) {
	missing, unknown := f.accepted.between(class, f.seen[class], next)
	if told := f.told[class]; !f.excused[class] && (told < missing || told > missing+unknown) {
		f.note("%d events of class %s are missing between %d and %d, and %d were told", missing, kinds[class].class, f.seen[class], next, told)
	}
	f.told[class], f.excused[class] = 0, false
}

// complete reports whether the follower knows of everything that was published.
func (f *follower) complete() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for class := range kinds {
		missing, _ := f.accepted.between(class, f.seen[class], f.accepted.end(class))
		if missing > 0 {
			return false
		}
	}
	return true
}

func (f *follower) note(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

func (f *follower) complain(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note(format, args...)
}
