package actors

import (
	"encoding/json"
	"strings"
	"testing"
)

// play plays a conversation, a line at a time:
//
//	-> TEXT      the client sends TEXT; "Subscribe A B" and the like are short for the JSON
//	<- A | B     it gets the messages A and B, and no other
//	<-           it gets nothing
//	!  A B       events of the types A and B are published as one batch
//	stall        the transport takes nothing more
//	go           it takes everything again
func (r *rig) play(c *client, script ...string) {
	r.t.Helper()
	for i, line := range script {
		verb, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch verb {
		case "->":
			c.say(clientText(r.t, rest))
		case "<-":
			want := []string{}
			if rest != "" {
				want = strings.Split(rest, " | ")
			}
			got := short(c.pull())
			if strings.Join(got, " | ") != strings.Join(want, " | ") {
				r.t.Fatalf("line %d: %s\ngot  %q\nwant %q", i+1, strings.Join(script[:i+1], "\n  "), got, want)
			}
		case "!":
			r.publish(numbered(rest)...)
		case "stall":
			c.resize(0)
		case "go":
			c.resize(unlimited)
		default:
			r.t.Fatalf("unknown line %q", line)
		}
	}
}

// numbered splits "Alarm 3 Trace" into "Alarm" and "3 Trace".
func numbered(s string) (names []string) {
	fields := strings.Fields(s)
	for i := 0; i < len(fields); i++ {
		if fields[i][0] >= '1' && fields[i][0] <= '9' {
			names = append(names, fields[i]+" "+fields[i+1])
			i++
		} else {
			names = append(names, fields[i])
		}
	}
	return names
}

func clientText(t testing.TB, s string) string {
	t.Helper()
	verb, names, _ := strings.Cut(s, " ")
	switch verb {
	case "Ping":
		return `{"type":"Ping"}`
	case "Subscribe", "Unsubscribe":
		text, err := json.Marshal(map[string]any{"type": verb, "events": append([]string{}, strings.Fields(names)...)})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return s
}
