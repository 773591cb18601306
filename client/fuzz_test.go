package client

import "testing"

// Whatever a server says, it is understood or refused.
func FuzzParseMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"Subscribed","events":["all"]}`, `{"type":"Unsubscribed","events":[]}`, `{"type":"Pong"}`,
		`{"type":"Event","id":"3f9c02aa71be-1f-0-2c","event":{"type":"MessageAdded","message_id":"ab12"}}`,
		`{"type":"Event","event":{"type":"MessageAdded","data":{}}}`, `{"type":"Event"}`, `{"type":"Event","event":null}`,
		`{"type":"Lagged","dropped":{"high":0,"medium":null,"low":12}}`, `{"type":"Lagged"}`, `{"type":"Lagged","dropped":{"high":-1}}`,
		`{"type":"Error","message":"the token expires in 60 s: send Refresh"}`, `[]`, `null`, ``, `{"type":7}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := parseMessage(data)
		if err == nil && (i.kind == isEvent) != (i.event.Type != "") || err == nil && (i.kind == isGap) != (i.gap != nil) {
			t.Errorf("%q is %+v", data, i)
		}
	})
}

func FuzzParsePoll(f *testing.F) {
	for _, seed := range []string{
		`{"events":[],"cursor":"3f9c02aa71be-1f-0-2c","dropped":null}`, `{"events":[{"id":"x","event":{"type":"A"}}],"cursor":"y","dropped":{"high":1,"medium":0,"low":null}}`,
		`{"events":[{}],"cursor":"y"}`, `{"cursor":""}`, `{}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := parsePoll(body)
		if err == nil && (len(items) == 0 || items[len(items)-1].kind != isPosition || items[len(items)-1].text == "") {
			t.Errorf("%q is %+v, without a place to go on", body, items)
		}
	})
}
