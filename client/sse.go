package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// eventStream is a stream of Server-Sent Events.
type eventStream struct {
	body   io.ReadCloser
	reader *sseReader
	begun  bool
	stop   context.CancelFunc
	quiet  *time.Timer // ends it
}

func (f *follower) openSSE(ctx context.Context, token string) (connection, error) {
	// The request lives as long as the stream, and its beginning is bounded.
	life, stop := context.WithCancel(context.Background())
	handshake := time.AfterFunc(handshakeTimeout, stop)
	defer handshake.Stop()
	defer context.AfterFunc(ctx, stop)()
	req, err := f.request(life, "/v1/sse/events", f.query(), token)
	if err != nil {
		stop()
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Accept-Encoding", "identity") // or events wait until there are enough to compress
	res, err := f.http.Do(req)
	if err != nil {
		stop()
		if life.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("there was no answer in %v", handshakeTimeout)
		}
		return nil, bare(err)
	}
	fail := func(err error) (connection, error) {
		stop()
		res.Body.Close()
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return fail(refusalOf(res))
	}
	if err := isType(res, "text/event-stream"); err != nil {
		return fail(err)
	}
	s := &eventStream{body: res.Body, stop: stop, quiet: time.AfterFunc(f.o.Silence, stop)}
	s.reader = newSSEReader(&watched{res.Body, s.quiet, f.o.Silence}, "")
	return s, nil
}

// watched puts an alarm off whenever something comes.
type watched struct {
	io.Reader
	alarm *time.Timer
	after time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.alarm.Reset(w.after)
	}
	return n, err
}

func (s *eventStream) close() {
	s.quiet.Stop()
	s.stop()
	s.body.Close()
}

func (s *eventStream) receive() (item, error) {
	if !s.begun {
		s.begun = true
		if _, err := s.reader.in.Peek(1); err != nil {
			return item{}, ofStream(err)
		}
		return item{kind: isAlive}, nil
	}
	e, err := s.reader.next()
	if err != nil {
		return item{}, ofStream(err)
	}
	if e.name == "Lagged" {
		var d dropped
		if err := json.Unmarshal(e.data, &struct{ Dropped *dropped }{&d}); err != nil {
			return item{}, fmt.Errorf("what came is no message of a router: %w", err)
		}
		return item{kind: isGap, gap: d.gap()}, nil
	}
	name, err := typeOf(e.data)
	return item{kind: isEvent, event: Event{ID: s.reader.lastID, Type: name, Data: e.data}}, err
}

func ofStream(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the router has closed the connection")
	}
	return err
}
