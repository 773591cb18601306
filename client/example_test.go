package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/coder/websocket"

	"github.com/adic-network/router/client"
)

// stream is what a router says to a WebSocket client that was too slow for a while.
var stream = []string{
	`{"type":"Subscribed","events":["all"]}`,
	`{"type":"Event","id":"3f9c02aa71be-1f-0-2c","event":{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}}`,
	`{"type":"Lagged","dropped":{"high":0,"medium":0,"low":120}}`,
	`{"type":"Event","id":"3f9c02aa71be-20-0-a4","event":{"type":"MessageAdded","message_id":"cd34","depth":43,"timestamp":"2024-01-15T10:30:01Z"}}`,
}

// startRouter stands in for a router.
func startRouter() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for _, message := range stream {
			if conn.Write(r.Context(), websocket.MessageText, []byte(message)) != nil {
				return
			}
		}
		_, _, _ = conn.Read(r.Context())
	}))
}

// Follow events, and go on where an earlier run stopped.
func Example() {
	router := startRouter()
	defer router.Close()
	ctx := context.Background()

	c, err := client.Dial(ctx, router.URL, client.Options{
		Events: []string{"MessageAdded"},
		Since:  "3f9c02aa71be-1e-0-2c", // ID of the last event that the earlier run dealt with
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for event, err := range c.Events(ctx) {
		var gap *client.Gap
		switch {
		case errors.As(err, &gap):
			fmt.Println(gap)
			continue
		case err != nil:
			log.Fatal(err)
		}
		var added struct {
			ID    string `json:"message_id"`
			Depth int
		}
		if err := json.Unmarshal(event.Data, &added); err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Type, added.ID, added.Depth, "then go on after", event.ID)
		if added.ID == "cd34" {
			break
		}
	}
	// Output:
	// MessageAdded ab12 42 then go on after 3f9c02aa71be-1f-0-2c
	// lost 120 low events
	// MessageAdded cd34 43 then go on after 3f9c02aa71be-20-0-a4
}
