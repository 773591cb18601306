package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// peer is one server under comparison.
type peer struct {
	description
	// start serves a peer on an address.
	start func(addr string, o options) (server, error)
}

// options are what only the floor needs to know: the others leave the door to
// serve and have no batching window.
type options struct {
	// delay is how long after the first event that it carries a round starts.
	delay time.Duration
	// channelOf names the channel of an event.
	channelOf func(event []byte) (string, error)
}

// server is a running peer.
type server struct {
	addr string // where clients connect
	// publish is nil where the peer takes events itself, on addr.
	publish publishFunc
	// close ends the peer and its connections. Nothing is published any more
	// when it is called.
	close func() error
}

// A publishFunc hands the events of one request, in order, to the peer's own
// publish API. An event's bytes are the peer's to keep and must not be changed.
// Calls do not overlap.
type publishFunc func(batch []publication) error

// publication is an event and where it goes.
type publication struct {
	channel string
	event   []byte
}

// oneByOne makes a publishFunc for a peer whose API takes single events.
func oneByOne(publish func(channel string, event []byte) error) publishFunc {
	return func(batch []publication) error {
		for i, p := range batch {
			if err := publish(p.channel, p.event); err != nil {
				return fmt.Errorf("event %d: %w", i, err)
			}
		}
		return nil
	}
}

// everything is the channel of all events where events are not published to the
// channel of their type.
const everything = "all"

// placeholder stands for the channel of a client in a description.
const placeholder = "{events}"

// description says how to be a client of a peer.
type description struct {
	Name    string `json:"name"`
	Module  string `json:"module"`
	Version string `json:"version"`

	// Transport is websocket, sse or both.
	Transport string `json:"transport"`
	// Path is what to ask for, with its query. Where Transport is both, SSEPath
	// is the one for SSE.
	Path    string `json:"path"`
	SSEPath string `json:"sse_path,omitempty"`
	// Subprotocol is the WebSocket subprotocol to offer, if any.
	Subprotocol string `json:"subprotocol,omitempty"`

	// Hello are the messages that a WebSocket client sends after the handshake,
	// in order.
	Hello []message `json:"hello"`
	// Ready occurs in what the server sends when the client is subscribed; empty
	// says that it is with the handshake. An event may come before it.
	Ready string `json:"ready"`
	// Keepalive says what the client has to answer to, beyond WebSocket pings.
	Keepalive *keepalive `json:"keepalive,omitempty"`
	// Setup says how the peer was set up and after which of its documents.
	Setup string `json:"setup"`
}

// message is one WebSocket message: text, or bytes, which are base64 in JSON.
type message struct {
	Text   string `json:"text,omitempty"`
	Binary []byte `json:"binary,omitempty"`
}

// keepalive is a line that the server sends, with its end, and the answer to it.
type keepalive struct {
	Expect string  `json:"expect"`
	Answer message `json:"answer"`
}

// subscribed is the first message of those peers that are libraries for
// WebSocket and define no messages of their own.
const subscribed = `{"type":"Subscribed"}`

// peers lists all peers, in the order of the report.
func peers() []peer {
	all := []peer{
		centrifugePeer(), natsPeer(), mercurePeer(), gwsPeer(), nbioPeer(), hubPeer(), referencePeer(), floorPeer(), boundedFloor(),
	}
	for i := range all {
		all[i].Version = version(all[i].Module)
		if all[i].Hello == nil {
			all[i].Hello = []message{}
		}
	}
	return all
}

// findPeer returns the peer of that name.
func findPeer(name string) (peer, error) {
	var names []string
	for _, p := range peers() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return peer{}, fmt.Errorf("unknown peer %q: it is one of %s", name, strings.Join(names, ", "))
}

// listeningToEverything is the description with the channel of all events put
// in.
func (d description) listeningToEverything() description {
	d.Path = strings.ReplaceAll(d.Path, placeholder, everything)
	d.SSEPath = strings.ReplaceAll(d.SSEPath, placeholder, everything)
	hello := make([]message, len(d.Hello))
	for i, m := range d.Hello {
		hello[i].Text = strings.ReplaceAll(m.Text, placeholder, everything)
		hello[i].Binary = []byte(strings.ReplaceAll(string(m.Binary), placeholder, everything))
	}
	d.Hello = hello
	return d
}

// version returns the version of a module that this program was built with; std
// has Go's.
func version(module string) string {
	if module == "std" {
		return runtime.Version()
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "unknown"
}
