package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
)

func TestLinePrinter(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, test := range []struct{ name, in, want string }{
		{"flat", `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}`,
			"11:30:00 high   MessageAdded             message_id=ab12 depth=42\n"},
		{"tagged", `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`,
			"11:30:00 high   MessageAdded             message_id=ab12 depth=42\n"},
		{"a field called data", `{"type":"X","data":{"a":1},"b":2}`,
			"                X                        data={\"a\":1} b=2\n"},
		{"long ids", `{"type":"GenesisLoaded","genesis_hash":"0123456789abcdef0123456789abcdef","total_supply":"300400000"}`,
			"         low    GenesisLoaded            genesis_hash=0123456789abcdef012… total_supply=300400000\n"},
		{"lists", `{"type":"TipsUpdated","tips":["a","b","c","d","e"],"none":[],"x":[{"y":1}]}`,
			"         high   TipsUpdated              tips=[a b c +2] none=[] x=[{\"y\":1}]\n"},
		{"texts", `{"type":"MessageRejected","reason":"too late","empty":"","quoted":"a=\"b\"","null":null,"ok":true}`,
			`         high   MessageRejected          reason="too late" empty="" quoted="a=\"b\"" null=null ok=true` + "\n"},
		{"hostile", `{"type":"\u001b]0;x\u0007","\u001b[2J":"\u001b[31m","a":{"` + "\u202e" + `":1},"b":"x\ny"}`,
			`                \x1b]0;x\a               \x1b[2J="\x1b[31m" a={"\u202e":1} b="x\ny"` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			p := &linePrinter{out: &out, types: event.Default, zone: zone}
			if err := p.event([]byte(test.in)); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestLinePrinterColors(t *testing.T) {
	for name, want := range map[string]string{
		"MessageAdded":  "\x1b[1;31mhigh   MessageAdded            \x1b[0m",
		"KCoreUpdated":  "\x1b[33mmedium KCoreUpdated            \x1b[0m",
		"NodeStarted":   "\x1b[2mlow    NodeStarted             \x1b[0m",
		"SomethingElse": "         SomethingElse           ",
	} {
		var out bytes.Buffer
		p := &linePrinter{out: &out, color: true, types: event.Default, zone: time.UTC}
		if err := p.event([]byte(`{"type":"` + name + `","a":1}`)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want %q in it", out.String(), want)
		}
	}
}

func TestPrintersShowLosses(t *testing.T) {
	some := &client.Gap{Dropped: event.Dropped{Counts: [event.NumPriorities]uint64{0, 3, 1200}}}
	unknown := &client.Gap{Dropped: event.Dropped{Unknown: [event.NumPriorities]bool{true, true, true}}}
	for _, test := range []struct {
		gap        *client.Gap
		line, json string
	}{
		{some, "adic: lagged: lost 3 medium, 1,200 low events\n", `{"type":"Lagged","dropped":{"high":0,"medium":3,"low":1200}}` + "\n"},
		{unknown, "adic: lagged: lost an unknown number of high, an unknown number of medium, an unknown number of low events\n",
			`{"type":"Lagged","dropped":{"high":null,"medium":null,"low":null}}` + "\n"},
	} {
		var out, lines, objects bytes.Buffer
		if err := (&linePrinter{out: &out, errors: &lines}).lagged(test.gap); err != nil {
			t.Fatal(err)
		}
		if err := (&jsonPrinter{&out, &objects}).lagged(test.gap); err != nil {
			t.Fatal(err)
		}
		if lines.String() != test.line || objects.String() != test.json || out.Len() > 0 {
			t.Errorf("got %q and %q, want %q and %q on standard error", lines.String(), objects.String(), test.line, test.json)
		}
	}
}
