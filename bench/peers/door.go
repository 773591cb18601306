package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// maxBody bounds the body of one publishing request, in bytes, as the router
// does by default.
const maxBody = 4 << 20

// newDoor returns the handler of POST /v1/events. It is the publishing door of
// the router, so that one load generator drives every peer: one event, an array
// of events, or events separated by white space, answered 202 {"accepted":N}
// when every event has been handed to publish, in order. Each goes to the
// channel that channelOf names. Who asks is not checked.
func newDoor(publish publishFunc, channelOf func(event []byte) (string, error)) http.Handler {
	var mu sync.Mutex
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/events", func(w http.ResponseWriter, r *http.Request) {
		batch, err := readBatch(http.MaxBytesReader(w, r.Body, maxBody), channelOf)
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			refuse(w, http.StatusRequestEntityTooLarge, err)
			return
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if err := publish(batch); err != nil {
			refuse(w, http.StatusInternalServerError, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		// An answer that cannot be written leaves nobody to tell.
		_, _ = fmt.Fprintf(w, `{"accepted":%d}`, len(batch))
	})
	return mux
}

// toEverything publishes every event to one channel.
func toEverything([]byte) (string, error) { return everything, nil }

// toType publishes an event to the channel of its type.
func toType(event []byte) (string, error) {
	var e struct{ Type string }
	if err := json.Unmarshal(event, &e); err != nil {
		return "", err
	}
	if e.Type == "" {
		return "", errors.New("no type")
	}
	return e.Type, nil
}

// readBatch reads all events of a body, so that a batch is taken or refused as a
// whole.
func readBatch(body io.Reader, channelOf func(event []byte) (string, error)) (batch []publication, err error) {
	decoder := json.NewDecoder(body)
	for {
		var value json.RawMessage
		if err := decoder.Decode(&value); err == io.EOF {
			return batch, nil
		} else if err != nil {
			return nil, fmt.Errorf("event %d: %w", len(batch), err)
		}
		events := []json.RawMessage{value}
		if value[0] == '[' {
			if err := json.Unmarshal(value, &events); err != nil {
				return nil, fmt.Errorf("event %d: %w", len(batch), err)
			}
		}
		for _, event := range events {
			// Several peers put line ends between events.
			if event[0] != '{' || bytes.ContainsAny(event, "\r\n") {
				return nil, fmt.Errorf("event %d: not a JSON object on one line", len(batch))
			}
			channel, err := channelOf(event)
			if err != nil {
				return nil, fmt.Errorf("event %d: %w", len(batch), err)
			}
			batch = append(batch, publication{channel, event})
		}
	}
}

// refuse answers with the error as the router does.
func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An answer that cannot be written leaves nobody to tell.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}
