//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// kinds are the events that followers follow, one of each class. The load of the
// rounds is of other types.
var kinds = [3]struct{ class, name, fields string }{
	{"high", "MessageFinalized", `"message_id":"ab12","finality_type":"kcore"`},
	{"medium", "KCoreUpdated", `"finalized_count":7,"pending_count":2,"current_k_value":null`},
	{"low", "EconomicsUpdated", `"total_supply":"1000","circulating_supply":"300","treasury_balance":"200"`},
}

// A key is an event: its class and its number in it, from 1.
type key struct{ class, seq int }

// A publisher publishes numbered events all the time, one batch after the other.
type publisher struct {
	addr string

	mu       sync.Mutex
	last     [3]int       // numbers given out
	accepted map[key]bool // false: there was no answer, so nobody knows
	events   int          // accepted
	refused  int          // batches answered with 503, while the router drained
	unclear  int          // batches without an answer
}

// publish publishes until ctx is done.
func (p *publisher) publish(ctx context.Context) {
	for ctx.Err() == nil {
		p.batch(ctx)
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// batch publishes an event of each class under new numbers. Those of a batch that was
// refused are missing for ever.
func (p *publisher) batch(ctx context.Context) {
	p.mu.Lock()
	var batch [3]key
	var body strings.Builder
	for class, kind := range kinds {
		p.last[class]++
		batch[class] = key{class, p.last[class]}
		p.accepted[batch[class]] = false // it may arrive before the answer does
		fmt.Fprintf(&body, `{"type":%q,%s,"seq":%d}`+"\n", kind.name, kind.fields, p.last[class])
	}
	p.mu.Unlock()
	status := 0
	// Not ended by ctx: the last batch is to be answered.
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, "http://"+p.addr+"/v1/events", strings.NewReader(body.String()))
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+token)
		var res *http.Response
		if res, err = publishing.Do(req); err == nil {
			status = res.StatusCode
			res.Body.Close()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.unclear++
	case status == http.StatusAccepted:
		p.events += len(batch)
		for _, k := range batch {
			p.accepted[k] = true
		}
	default:
		p.refused++
		for _, k := range batch {
			delete(p.accepted, k)
		}
	}
}

var publishing = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// between counts the events of a class after one and before another: those that were
// accepted, and those of which nobody knows.
func (p *publisher) between(class, after, before int) (accepted, unknown int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for seq := after + 1; seq < before; seq++ {
		switch sure, there := p.accepted[key{class, seq}]; {
		case sure:
			accepted++
		case there:
			unknown++
		}
	}
	return accepted, unknown
}

// known reports whether an event may have been accepted, and its number is not one
// that was never given out or was refused.
func (p *publisher) known(k key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, there := p.accepted[k]
	return there
}

// end returns one more than the last number of a class.
func (p *publisher) end(class int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last[class] + 1
}
