package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

var priorities = map[string]event.Priority{
	"MessageAdded": event.High, "MessageRejected": event.High, "TipsUpdated": event.High,
	"KCoreUpdated": event.Medium, "GenesisLoaded": event.Low, "NodeStarted": event.Low,
}

func TestLinePrinter(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("", 3600)
	defer func() { time.Local = local }()
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
			p := &linePrinter{out: &out, priorities: priorities}
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
		p := &linePrinter{out: &out, color: true, priorities: priorities}
		if err := p.event([]byte(`{"type":"` + name + `","a":1}`)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want %q in it", out.String(), want)
		}
	}
}

func TestPrintersShowLosses(t *testing.T) {
	const lagged = `{"type":"Lagged","dropped":{"high":0,"medium":3,"low":1200}}`
	for in, want := range map[string]string{
		lagged: "adic: lagged: lost 3 medium, 1,200 low events\n",
		`{"type":"Lagged","dropped":{"high":null,"medium":null,"low":null}}`: "adic: lagged: lost an unknown number of high, an unknown number of medium, an unknown number of low events\n",
	} {
		var out, errors bytes.Buffer
		if err := (&linePrinter{out: &out, errors: &errors}).lagged([]byte(in)); err != nil {
			t.Fatal(err)
		}
		if errors.String() != want || out.Len() > 0 {
			t.Errorf("got %q and %q, want the latter %q", out.String(), errors.String(), want)
		}
	}
	var out, errors bytes.Buffer
	if err := (&jsonPrinter{&out, &errors}).lagged([]byte(lagged)); err != nil {
		t.Fatal(err)
	}
	if errors.String() != lagged+"\n" || out.Len() > 0 {
		t.Errorf("got %q and %q, want the latter %q", out.String(), errors.String(), lagged)
	}
}
