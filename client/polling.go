package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// pollLimit is how many events a poll asks for.
const pollLimit = 1000

// poller asks for events again and again.
type poller struct {
	f     *follower
	q     url.Values
	token string
	wait  time.Duration // how long the router may take for an answer
	ready []item
	ctx   context.Context // of its life
	stop  context.CancelFunc
}

// openPolling polls once without waiting, which shows whether that works.
func (f *follower) openPolling(ctx context.Context, token string) (connection, error) {
	q := f.query()
	q.Set("ids", "true")
	q.Set("limit", strconv.Itoa(pollLimit))
	p := &poller{f: f, q: q, token: token}
	p.ctx, p.stop = context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, p.stop)()
	if err := p.poll(); err != nil {
		p.stop()
		return nil, err
	}
	p.wait = f.o.Silence / 2
	q.Set("wait", strconv.Itoa(int(min(p.wait, time.Minute)/time.Second)))
	return p, nil
}

func (p *poller) close() { p.stop() }

func (p *poller) receive() (item, error) {
	for len(p.ready) == 0 {
		if err := p.poll(); err != nil {
			return item{}, err
		}
	}
	next := p.ready[0]
	p.ready = p.ready[1:]
	return next, nil
}

// poll asks once, and makes items of the answer.
func (p *poller) poll() error {
	ctx, cancel := context.WithTimeout(p.ctx, p.wait+handshakeTimeout)
	defer cancel()
	req, err := p.f.request(ctx, "/v1/events", p.q, p.token)
	if err != nil {
		return err
	}
	res, err := p.f.http.Do(req)
	if err != nil {
		return bare(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return refusalOf(res)
	}
	if err := isType(res, "application/json"); err != nil {
		return err
	}
	body, err := readAll(res.Body)
	if err != nil {
		return err
	}
	p.ready, err = parsePoll(body)
	if err != nil {
		return err
	}
	p.q.Set("since", p.ready[len(p.ready)-1].text)
	return nil
}

// parsePoll returns what the answer to a poll says, its last item being where to go on.
func parsePoll(body []byte) ([]item, error) {
	var answer struct {
		Events []struct {
			ID    string
			Event json.RawMessage
		}
		Cursor  string
		Dropped *dropped
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the answer is not that of a router: %w", err)
	}
	if answer.Cursor == "" {
		return nil, fmt.Errorf("the answer is not that of a router: it has no cursor")
	}
	items := make([]item, 0, len(answer.Events)+2)
	if answer.Dropped != nil {
		items = append(items, item{kind: isGap, gap: answer.Dropped.gap()})
	}
	for _, e := range answer.Events {
		name, err := typeOf(e.Event)
		if err != nil {
			return nil, err
		}
		items = append(items, item{kind: isEvent, event: Event{ID: e.ID, Type: name, Data: e.Event}})
	}
	return append(items, item{kind: isPosition, text: answer.Cursor}), nil
}
