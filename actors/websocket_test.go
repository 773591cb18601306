package actors

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

func TestWebSocketConversations(t *testing.T) {
	const unknownType = "Error unknown type; known are Subscribe, Unsubscribe, Refresh and Ping"
	const notJSON = `Error expected a JSON object such as {"type":"Subscribe","events":["TipsUpdated"]}`
	unknown := func(names string) string {
		return "Error unknown event type " + names + "; GET /v1/events/types lists the types"
	}
	for _, test := range []struct {
		name   string
		events []string // subscribed from the beginning
		script []string
	}{
		{"all by default", []string{"all"}, []string{
			"! Alarm Tally Trace Breach", "<- Alarm 1 | Breach 4 | Tally 2 | Trace 3",
		}},
		{"one event at a time keeps the order of emission", []string{"all"}, []string{
			"! Trace", "<- Trace 1", "! Alarm", "<- Alarm 2", "! Tally", "<- Tally 3",
		}},
		{"types from the beginning", []string{"Tally", "safety.alarm"}, []string{
			"! Alarm Tally Trace Breach Quota Sample", "<- Alarm 1 | Tally 2",
		}},
		{"Subscribe narrows all", []string{"all"}, []string{
			"-> Subscribe Trace Alarm", "<- Subscribed Alarm Trace",
			"! Alarm Tally Trace", "<- Alarm 1 | Trace 3",
			"-> Subscribe Tally", "<- Subscribed Alarm Tally Trace", // and then adds
			"! Tally", "<- Tally 4",
		}},
		{"Subscribe adds", []string{"Alarm"}, []string{
			"-> Subscribe Trace", "<- Subscribed Alarm Trace",
			"-> Subscribe Trace Alarm", "<- Subscribed Alarm Trace",
			"! Alarm Trace Tally", "<- Alarm 1 | Trace 2",
		}},
		{"Subscribe all", []string{"Alarm"}, []string{
			"-> Subscribe Trace all", "<- Subscribed all",
			"! Quota", "<- Quota 1",
			"-> Subscribe Quota", "<- Subscribed Quota", // all by asking is narrowed as well
			"-> Subscribe all", "<- Subscribed all",
		}},
		{"every type is not all", []string{"Alarm", "Tally", "Trace", "Breach", "Quota"}, []string{
			"-> Subscribe Sample", "<- Subscribed Alarm Tally Trace Breach Quota Sample",
			"-> Subscribe Alarm", "<- Subscribed Alarm Tally Trace Breach Quota Sample",
		}},
		{"prefixes and aliases", []string{"Alarm"}, []string{
			"-> Subscribe stat.*", "<- Subscribed Alarm Tally Quota",
			"-> Subscribe debug.trace", "<- Subscribed Alarm Tally Trace Quota",
			"-> Unsubscribe stat.* safety.alarm", "<- Unsubscribed Trace",
		}},
		{"Unsubscribe takes away from all", []string{"all"}, []string{
			"-> Unsubscribe Alarm debug.*", "<- Unsubscribed Tally Breach Quota",
			"! Alarm Tally Trace Breach", "<- Breach 4 | Tally 2",
			"-> Subscribe Alarm", "<- Subscribed Alarm Tally Breach Quota", // it is all no more, so that adds
		}},
		{"Unsubscribe what is not subscribed", []string{"Alarm"}, []string{
			"-> Unsubscribe Trace", "<- Unsubscribed Alarm",
		}},
		{"Unsubscribe all", []string{"all"}, []string{
			"-> Unsubscribe all", "<- Unsubscribed",
			"! Alarm Tally Trace", "<-",
			"-> Ping", "<- Pong", // it stays connected
			"-> Subscribe Trace", "<- Subscribed Trace",
			"! Alarm Trace", "<- Trace 5",
		}},
		{"Unsubscribe the last", []string{"Alarm"}, []string{
			"-> Unsubscribe Alarm", "<- Unsubscribed", "! Alarm", "<-",
		}},
		{"an empty list changes nothing and is answered", []string{"all"}, []string{
			"-> Subscribe", "<- Subscribed all",
			"-> Unsubscribe", "<- Unsubscribed all",
			"-> Subscribe Alarm", "<- Subscribed Alarm",
			"-> Subscribe", "<- Subscribed Alarm",
			"-> Unsubscribe", "<- Unsubscribed Alarm",
			"! Alarm Tally", "<- Alarm 1",
		}},
		{"an unknown name changes nothing", []string{"all"}, []string{
			"-> Subscribe Alarm Alrm", "<- " + unknown(`"Alrm" (did you mean "Alarm"?)`),
			"-> Subscribe all nonsense", "<- " + unknown(`"nonsense"`),
			"-> Unsubscribe Alarm alarm", "<- " + unknown(`"alarm" (did you mean "Alarm"?)`),
			"-> Subscribe", "<- Subscribed all",
			"! Tally", "<- Tally 1",
		}},
		{"what was emitted while unsubscribed never comes", []string{"all"}, []string{
			"! Alarm", "<- Alarm 1",
			"-> Unsubscribe Alarm", "<- Unsubscribed Tally Trace Breach Quota Sample",
			"! 2 Alarm Tally", "<- Tally 4",
			"-> Subscribe Alarm", "<- Subscribed Alarm Tally Trace Breach Quota Sample", "<-",
			"! Alarm", "<- Alarm 5",
		}},
		{"Ping", []string{"all"}, []string{
			"-> Ping", "<- Pong",
			`-> {"type":"Ping","events":["ignored"],"more":[1,2]}`, "<- Pong",
		}},
		{"errors leave the connection up", []string{"all"}, []string{
			"-> hello from Artillery!", "<- " + notJSON,
			`-> [1,2]`, "<- " + notJSON,
			`-> "Ping"`, "<- " + notJSON,
			`-> {"type":"Ping"} {"type":"Ping"}`, "<- " + notJSON,
			`-> {"type":"Subscribe","events":"Alarm"}`, "<- " + notJSON,
			`-> {"type":"Subscribe","events":[1]}`, "<- " + notJSON,
			`-> {"type":"Nonsense"}`, "<- " + unknownType,
			`-> {"type":"ping"}`, "<- " + unknownType,
			`-> {}`, `<- Error "type" is missing; known are Subscribe, Unsubscribe, Refresh and Ping`,
			`-> null`, `<- Error "type" is missing; known are Subscribe, Unsubscribe, Refresh and Ping`,
			`-> {"type":"Subscribe"}`, `<- Error Subscribe needs "events", a list of names`,
			`-> {"type":"Unsubscribe","events":null}`, `<- Error Unsubscribe needs "events", a list of names`,
			"! Alarm", "<- Alarm 1",
		}},

		{"a type subscribed while a backlog waits counts from its own position", []string{"Alarm", "Tally"}, []string{
			"stall", "! Tally Quota Quota Alarm",
			"-> Subscribe Quota", "! Quota Tally",
			"go", "<- Subscribed Alarm Tally Quota | Alarm 4 | Tally 1 | Quota 5 | Tally 6",
		}},
		{"a type taken away while a backlog waits goes at once", []string{"all"}, []string{
			"stall", "! Alarm Breach Alarm Tally",
			"-> Unsubscribe Alarm",
			"go", "<- Unsubscribed Tally Trace Breach Quota Sample | Breach 2 | Tally 4",
		}},
		{"taken away and back: what waited is gone", []string{"all"}, []string{
			"stall", "! Alarm Breach",
			"-> Unsubscribe Alarm", "! Alarm", "-> Subscribe Alarm", "! Alarm",
			"go", "<- Unsubscribed Tally Trace Breach Quota Sample | Subscribed Alarm Tally Trace Breach Quota Sample | Breach 2 | Alarm 4",
		}},
		{"narrowing all to a type keeps what waited of it", []string{"all"}, []string{
			"stall", "! Alarm Tally", "-> Subscribe Alarm",
			"go", "<- Subscribed Alarm | Alarm 1",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.play(r.connect(only(t, test.events...), FromNow()), test.script...)
			})
		})
	}
}

func TestPrioritiesLimitWhatIsSubscribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		high := event.PrioritySet(0).With(event.High)
		c := r.connect(Subscription{All: true, Priorities: high}, FromNow())
		r.play(c,
			"! Alarm Tally Trace", "<- Alarm 1",
			"-> Subscribe Tally Breach", "<- Subscribed Tally Breach",
			"! Alarm Tally Trace Breach", "<- Breach 7")
	})
}

// The bytes of the protocol page.
func TestWebSocketBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connectSized(unlimited, only(t, "Alarm", "Trace"), FromNow())
		for _, test := range []struct {
			do   func()
			want string
		}{
			{func() {}, `{"type":"Subscribed","events":["Alarm","Trace"]}`},
			{func() { c.say(`{"type":"Unsubscribe","events":["Alarm","Trace"]}`) }, `{"type":"Unsubscribed","events":[]}`},
			{func() { c.say(`{"type":"Subscribe","events":["all"]}`) }, `{"type":"Subscribed","events":["all"]}`},
			{func() { c.say(`{"type":"Ping"}`) }, `{"type":"Pong"}`},
			{func() { c.say(`{"type":"Dong"}`) }, `{"type":"Error","message":"unknown type; known are Subscribe, Unsubscribe, Refresh and Ping"}`},
			{func() { r.publish("Alarm") }, `{"type":"Event","event":{"type":"Alarm","n":1,"timestamp":"2024-01-15T10:30:00Z"}}`},
		} {
			test.do()
			want := event.AppendTextFrame(nil, []byte(test.want))
			if got := c.receive(1 << 20); !bytes.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		}
		if got := r.WebSocketMessages(); got != 6 {
			t.Errorf("%d messages are counted, want 6", got)
		}
	})
}

func TestWebSocketFormats(t *testing.T) {
	for _, test := range []struct {
		name    string
		client  WebSocket
		tagged  bool
		cursors bool
	}{
		{name: "flat"},
		{name: "tagged", client: WebSocket{Client: Client{Format: event.Tagged}}, tagged: true},
		{name: "flat with cursors", client: WebSocket{IDs: true}, cursors: true},
		{name: "tagged with cursors", client: WebSocket{Client: Client{Format: event.Tagged}, IDs: true}, tagged: true, cursors: true},
		{name: "compressed", client: WebSocket{IDs: true, Deflate: true}, cursors: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := newClient(t, unlimited, &wsDecoder{deflate: test.client.Deflate})
				w := test.client
				w.Client = c.options(everything, FromNow())
				w.Format = test.client.Format
				r.serveWS(c, w)
				c.expect("Subscribed all")

				r.publish("Tally")
				raw := c.receive(1 << 20)
				if got := bytes.Contains(raw, []byte(`"data":{`)); got != test.tagged {
					t.Errorf("tagged is %v in %q", got, raw)
				}
				c.buf = raw
				got := c.pull()
				if len(got) != 1 || got[0].String() != "Tally 1" {
					t.Fatalf("got %v", got)
				}
				want := event.Cursor{}
				if test.cursors {
					want = r.stream().now()
				}
				if got[0].cursor != want {
					t.Errorf("the cursor is %v, want %v", got[0].cursor, want)
				}
			})
		})
	}
}

// What the client sent right behind its handshake is its first message.
func TestWebSocketEarlyBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := newClient(t, unlimited, &wsDecoder{})
		ping := maskedFrame(0x81, []byte(`{"type":"Ping"}`))
		r.serveWS(c, WebSocket{Client: c.options(everything, FromNow()), Early: slices.Concat(ping, ping[:5])})
		c.send(ping[5:])
		synctest.Wait()
		c.expect("Subscribed all", "Pong", "Pong")
	})
}

func TestWebSocketFragments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		c.sendFrame(0x01, []byte(`{"type":`))
		c.sendFrame(0x89, []byte("in between")) // §5.4: a control frame may be
		c.sendFrame(0x00, nil)
		c.sendFrame(0x00, []byte(`"Pi`))
		c.sendFrame(0x80, []byte(`ng"}`))
		c.expect("pong in between", "Pong")

		for _, b := range maskedFrame(0x81, []byte(`{"type":"Ping"}`)) { // and every frame may come in bytes
			c.send([]byte{b})
			synctest.Wait()
		}
		c.expect("Pong")
	})
}

// What ends a connection, and how it is told.
func TestWebSocketViolations(t *testing.T) {
	text := func(s string) []byte { return maskedFrame(0x81, []byte(s)) }
	for _, test := range []struct {
		name    string
		deflate bool
		send    []byte
		want    string
	}{
		{"not masked", false, []byte{0x81, 2, 'h', 'i'}, "close 1002"},
		{"HTTP", false, []byte("GET / HTTP/1.1\r\n\r\n"), "close 1002"},
		{"continuation of nothing", false, maskedFrame(0x80, []byte("x")), "close 1002"},
		{"a message within a message", false, append(maskedFrame(0x01, nil), text("x")...), "close 1002"},
		{"close frame of one byte", false, maskedFrame(0x88, []byte{3}), "close 1002"},
		{"close code 1006", false, maskedFrame(0x88, closePayload(1006, "")), "close 1002"},
		{"binary", false, maskedFrame(0x82, []byte("x")), "close 1003"},
		{"not UTF-8", false, text("\xc3\x28"), "close 1007"},
		{"a surrogate", false, text("\xed\xa0\x80"), "close 1007"},
		{"a character cut by the end", false, text("€"[:2]), "close 1007"},
		{"compressed garbage", true, maskedFrame(0xc1, []byte("\xff\xff\xff\xff")), "close 1007"},
		{"length of 4097", false, maskedFrame(0x81, make([]byte, 4097))[:4], "close 1009"},
		{"length of 4097 in two fragments", false,
			append(maskedFrame(0x01, make([]byte, 4096)), maskedFrame(0x80, []byte("x"))...), "close 1009"},
		{"4097 bytes when decompressed", true,
			maskedFrame(0xc1, compress(t, strings.Repeat("x", 4097))), "close 1009"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := newClient(t, unlimited, &wsDecoder{deflate: test.deflate})
				r.serveWS(c, WebSocket{Client: c.options(everything, FromNow()), Deflate: test.deflate})
				other := r.connect(everything, FromNow())
				c.send(test.send)
				synctest.Wait()
				c.expect("Subscribed all", test.want)
				r.publish("Alarm")
				c.expect()
				other.expect("Alarm 1")
				time.Sleep(lingerTime + 2*wheelStep)
				synctest.Wait()
				if !c.ended() || c.gone != 1 {
					t.Errorf("closed %v, OnClose called %d times", c.ended(), c.gone)
				}
			})
		})
	}
}

func TestWebSocketLargestMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connect(everything, FromNow())
		ping := `{"type":"Ping"}`
		c.say(ping + strings.Repeat(" ", 4096-len(ping)))
		c.expect("Pong")
	})
}

func TestWebSocketCompressedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := newClient(t, unlimited, &wsDecoder{deflate: true})
		r.serveWS(c, WebSocket{Client: c.options(everything, FromNow()), Deflate: true})
		c.expect("Subscribed all")
		c.sendFrame(0xc1, compress(t, `{"type":"Subscribe","events":["Alarm"]}`))
		c.expect("Subscribed Alarm")
		ping := compress(t, `{"type":"Ping"}`)
		c.sendFrame(0x41, ping[:3]) // RSV1 on the first fragment only (RFC 7692 §6.1)
		c.sendFrame(0x80, ping[3:])
		c.say(`{"type":"Ping"}`) // compression is optional, message by message
		c.expect("Pong", "Pong")
		r.publish("Alarm")
		c.expect("Alarm 1")
	})
}
