package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestBadParameters(t *testing.T) {
	tests := []struct {
		name, target string
		parts        []string // of the error
	}{
		{"a parameter that there is not", "messages?stat=added", []string{`"stat"`, "it takes state, deposit"}},
		{"several of them", "tips?b=1&a=2", []string{`"a", "b"`, "it takes none"}},
		{"one of another path", "addresses?order=newest", []string{`"order"`, "it takes limit, cursor"}},
		{"in another case", "messages?Limit=5", []string{`"Limit"`}},
		{"given twice", "messages?limit=5&limit=5", []string{"limit is there 2 times", "once"}},
		{"an unknown one twice", "tips?a=1&a=2", []string{`"a"`}},
		{"on one message", "messages/m1?limit=1", []string{`"limit"`, "it takes none"}},
		{"limit zero", "messages?limit=0", []string{`limit is "0"`, "1 to 1000"}},
		{"limit too large", "events?limit=1001", []string{`limit is "1001"`, "1 to 1000"}},
		{"limit negative", "events?limit=-5", []string{"limit"}},
		{"limit no number", "search?q=a&limit=ten", []string{`"ten"`}},
		{"limit a fraction", "events?limit=1.5", []string{"limit"}},
		{"limit beyond numbers", "events?limit=99999999999999999999", []string{"limit"}},
		{"a state that there is not", "messages?state=finalised", []string{`"finalised"`, "pending, added, finalized, rejected"}},
		{"a deposit that there is not", "messages?deposit=lost", []string{`"lost"`, "escrowed, released, slashed"}},
		{"an order that there is not", "events?order=asc", []string{`"asc"`, "newest, oldest"}},
		{"a kind that there is not", "timeline/m1?kind=messages", []string{`"messages"`, "message"}},
		{"a time that is none", "events?from=yesterday", []string{"from", `"yesterday"`, "2026-"}},
		{"a day is no time", "events?to=2026-01-31", []string{"to is"}},
		{"an offset that was not encoded", "events?to=2026-01-31T12:00:00+01:00", []string{"%2B"}},
		{"a year before all years", "events?from=0000-01-01T00:00:00%2B01:00", []string{"four digits"}},
		{"a year after all years", "events?to=9999-12-31T23:59:59-01:00", []string{"four digits"}},
		{"from after to", "messages?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", []string{"from is after to"}},
		{"a type that there is not", "events?types=Nope", []string{`"Nope"`, "/v1/events/types"}},
		{"a type in the wrong case", "events?types=messageAdded", []string{`did you mean "MessageAdded"`}},
		{"a misspelt alias", "timeline/m1?types=finality.updat", []string{`did you mean "finality.update"`}},
		{"too many types", "events?types=" + strings.Repeat("vrf.*,", maxNames), []string{"257 names", "at most 256"}},
		{"no metric", "stats/series", []string{"metric is missing", "messages", "tips"}},
		{"a metric that there is not", "stats/series?metric=mesages", []string{`"mesages"`, "messages, finalized"}},
		{"a metric twice", "stats/series?metric=tips,tips", []string{`"tips"`, "twice"}},
		{"a step that is none", "stats/series?metric=tips&step=60", []string{`"60"`, "60s"}},
		{"a step between those", "stats/series?metric=tips&step=15s", []string{"multiple of 10s"}},
		{"a step too fine", "stats/series?metric=tips&step=1s", []string{"step"}},
		{"a step of nothing", "stats/series?metric=tips&step=0s", []string{"step"}},
		{"a step backwards", "stats/series?metric=tips&step=-60s", []string{"step"}},
		{"a step too large", "stats/series?metric=tips&step=9000h", []string{"8784h"}},
		{"too many points", "stats/series?metric=tips&step=10s&from=2020-01-01T00:00:00Z", []string{"points", "20000", "larger step"}},
		{"too many points together", "stats/series?metric=tips,events,messages&step=10s&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", []string{"fewer metrics"}},
		{"from in the future", "stats/series?metric=tips&from=9999-01-01T00:00:00Z", []string{"future", "to as well"}},
		{"nothing to search for", "search", []string{"q is missing"}},
		{"only white space", "search?q=%20%20", []string{"q is missing"}},
		{"too much to search for", "search?q=" + strings.Repeat("a", 257), []string{"q is longer than 256"}},
		{"a status too long", "proposals?status=" + strings.Repeat("a", 257), []string{"status is longer"}},
		{"no UTF-8", "search?q=%ff", []string{"q is not text in UTF-8"}},
		{"a percent sign alone", "search?q=100%", []string{"malformed", "%25"}},
		{"a semicolon", "messages?limit=5;order=oldest", []string{"malformed", "%3B"}},
		{"a seq that is no number", "events/first", []string{`"first"`, "number from 1"}},
		{"a seq of nothing", "events/0", []string{`"0"`}},
		{"a seq beyond numbers", "events/9223372036854775808", []string{"number"}},
		{"a path that is no UTF-8", "messages/%ff", []string{"not text in UTF-8"}},
		{"everything at once", "events?limit=0&types=Nope&from=x&order=y&z=1", []string{"limit", `"Nope"`, "from", "order", `"z"`}},
	}
	f := newFront(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := f.get(t, "/api/v1/"+tt.target)
			wantError(t, a, http.StatusBadRequest, tt.parts...)
			if len(a.body) > 1500 {
				t.Errorf("the error is %d bytes long", len(a.body))
			}
		})
	}
}

// What is empty counts as absent, so that forms can be sent as they are.
func TestEmptyParameters(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	for _, query := range []string{
		"messages?state=&deposit=&from=&to=&order=&limit=&cursor=",
		"timeline/m1?kind=&types=&from=&to=&order=&limit=&cursor=",
		"proposals?status=&limit=&cursor=", "stats/series?metric=tips&step=&from=&to=", "search?q=m&limit=",
	} {
		if a := f.get(t, "/api/v1/"+query); a.StatusCode != http.StatusOK {
			t.Errorf("GET %s = %d %s, want 200", query, a.StatusCode, a.body)
		}
	}
}

// A client that sends much nonsense is not sent much back.
func TestLongParametersAreNotRepeatedWhole(t *testing.T) {
	f := newFront(t)
	long := strings.Repeat("reflected", 900)
	for _, target := range []string{
		"messages?state=", "messages?deposit=", "messages?from=", "messages?order=", "messages?limit=", "messages?cursor=",
		"events?types=", "timeline/a?kind=", "stats/series?metric=", "stats/series?metric=tips&step=", "search?q=", "proposals?status=",
		"tips?", "messages/", "events/", "proposals/", "nowhere/",
	} {
		a := f.get(t, "/api/v1/"+target+long)
		wantError(t, a, a.StatusCode)
		if a.StatusCode < 400 || strings.Count(a.body, "reflected") > 5 {
			t.Errorf("%s is answered with %d and %d bytes", target, a.StatusCode, len(a.body))
		}
	}
}

// Filters do filter.
func TestFilters(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	f.add(t, `{"type":"MessageAdded","message_id":"old","depth":1,"timestamp":"2020-01-01T00:00:00Z"}`)
	tests := []struct{ target, key, want string }{
		{"messages", "id", "old m3 m2 m1"},
		{"messages?order=oldest", "id", "m1 m2 m3 old"},
		{"messages?limit=2", "id", "old m3"},
		{"messages?state=added", "id", "old m3"},
		{"messages?state=finalized", "id", "m1"},
		{"messages?deposit=slashed", "id", "m2"},
		{"messages?to=2020-01-01T00:00:01Z", "id", "old"},
		{"messages?to=2020-01-01T00:00:00Z", "id", ""},
		{"messages?from=2020-01-01T01:00:00%2B01:00&to=2020-01-02T00:00:00Z", "id", "old"},
		{"events?types=TipsUpdated,governance.vote.*", "type", "VoteCast TipsUpdated"},
		{"events?types=message.rejected", "type", "MessageRejected"},
		{"timeline/v1?kind=validator", "type", "ReputationChanged DepositEscrowed"},
		{"timeline/m1?types=finality.update", "type", "MessageFinalized"},
		{"addresses", "address", "v1 a2"},
		{"validators", "address", "v1 v2"},
		{"proposals", "id", "p/1"},
		{"proposals?status=nothing", "id", ""},
		{"search?q=m", "id", "m1 m2 m3"},
		{"search?q=%20m2%20", "id", "m2"},
		{"search?q=m%25", "id", ""},
		{"search?q=" + url.QueryEscape(`' OR 1=1 --`), "id", ""},
	}
	for _, tt := range tests {
		t.Run(tt.target, func(t *testing.T) {
			var list struct{ Items []map[string]any }
			f.into(t, "/api/v1/"+tt.target, &list)
			var got []string
			for _, item := range list.Items {
				got = append(got, item[tt.key].(string))
			}
			if !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}
