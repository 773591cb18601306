package config

import (
	"reflect"
	"testing"
	"time"
)

func TestFileGivesValues(t *testing.T) {
	tests := []struct {
		name string
		file string
		want func(c *Config)
	}{
		{"nothing", "", func(*Config) {}},
		{"comments only", "# nothing here\n\n", func(*Config) {}},
		{"empty section", "[api]\n", func(*Config) {}},
		{"integer", "[api]\nport = 0", func(c *Config) { c.API.Port = 0 }},
		{"integer with underscores", "[events]\npending_events = 1_000_000", func(c *Config) { c.Events.PendingEvents = 1e6 }},
		{"integer in hexadecimal", "[api]\nport = 0x50", func(c *Config) { c.API.Port = 80 }},
		{"size in bytes", "[stream]\nsend_buffer = 4096", func(c *Config) { c.Stream.SendBuffer = 4096 }},
		{"size with unit", `stream.send_buffer = "1MiB"`, func(c *Config) { c.Stream.SendBuffer = 1 << 20 }},
		{"size with B", `stream.send_buffer = "5000B"`, func(c *Config) { c.Stream.SendBuffer = 5000 }},
		{"number", "[demo]\nrate = 0.5", func(c *Config) { c.Demo.Rate = 0.5 }},
		{"number without a fraction", "[demo]\nrate = 100000", func(c *Config) { c.Demo.Rate = 100000 }},
		{"duration", "[stream]\nstall_timeout = '1m30s'", func(c *Config) { c.Stream.StallTimeout = 90 * time.Second }},
		{"duration of zero", "[stream]\ndrain_timeout = '0'", func(c *Config) { c.Stream.DrainTimeout = 0 }},
		{"boolean", "[api]\nenable_sse = false", func(c *Config) { c.API.EnableSSE = false }},
		{"empty string", "[auth]\npublish_token = ''", func(*Config) {}},
		{"string with escapes", `events.catalogue = "/a \"b\" \\ c"`, func(c *Config) { c.Events.Catalogue = `/a "b" \ c` }},
		{"empty list", "[api]\ncors_origins = []", func(*Config) {}},
		{"list over lines", "[api]\ncors_origins = [\n  'https://a.org', # ours\n  '*',\n]", func(c *Config) { c.API.CORSOrigins = []string{"https://a.org", "*"} }},
		{"section as a value", "api = { port = 1, host = '::1' }", func(c *Config) { c.API.Port = 1; c.API.Host = "::1" }},
		{"dotted key", "api . port = 1", func(c *Config) { c.API.Port = 1 }},
		{"quoted names", "[ \"api\" ]\n'port' = 1", func(c *Config) { c.API.Port = 1 }},
		{"DOS line ends", "[api]\r\nport = 1\r\n", func(c *Config) { c.API.Port = 1 }},
		{"byte order mark", "\ufeff[api]\nport = 1\n", func(c *Config) { c.API.Port = 1 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := Default()
			test.want(&want)
			loaded, err := load(Sources{File: "adic.toml"}, []byte(test.file))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(loaded.Config, want) {
				t.Errorf("got  %+v\nwant %+v", loaded.Config, want)
			}
		})
	}
}

func TestBadFile(t *testing.T) {
	tests := []struct {
		name string
		file string
		want []string // the problems, without the file's name
	}{
		// Unknown names.
		{"misspelt key", "[events]\n\nhigh_priorty_buffer = 1", []string{
			"3: events.high_priorty_buffer: unknown key (did you mean events.high_priority_buffer?)"}},
		{"misspelt key with dashes", "[api]\nmax-sse-connections = 1", []string{
			"2: api.max-sse-connections: unknown key (did you mean api.max_sse_connections?)"}},
		{"misspelt key of a section as a value", "\napi = { prot = 1, host = '::1' }", []string{
			"2: api.prot: unknown key (did you mean api.port?)"}},
		{"key unlike any other", "[log]\nx = 1", []string{
			"2: log.x: unknown key ([log] has level, format)"}},
		{"key in the wrong section", "[events]\nport = 1", []string{
			"2: events.port: unknown key (did you mean port under [api]?)"}},
		{"key in no section", "enable_see = true", []string{
			"1: enable_see: unknown key (did you mean enable_sse under [api]?)"}},
		{"key in no section, unlike any other", "x = 1", []string{
			"1: x: unknown key (keys are written under one of the sections events, api, auth, admin, limits, stream, cluster, source.relay, demo, explorer, log)"}},
		{"dotted name in quotes", "'api.port' = 1", []string{
			`1: "api.port": unknown key (did you mean port under [api]?)`}},
		{"name with a line break", `"a\nb" = 1`, []string{
			`1: "a\nb": unknown key (keys are written under one of the sections events, api, auth, admin, limits, stream, cluster, source.relay, demo, explorer, log)`}},
		{"misspelt section, told once", "[event]\nlow_priority_buffer = 1\nx = 2\n[event.more]\n[api]\nport = -1", []string{
			"1: event: unknown section (did you mean [events]?)",
			"6: api.port: -1 is out of range (use 0 to 65535)"}},
		{"section unlike any other", "[database]\nurl = 'x'", []string{
			"1: database: unknown section (the sections are events, api, auth, admin, limits, stream, cluster, source.relay, demo, explorer, log)"}},
		{"unknown section as a value", "database = {}", []string{
			"1: database: unknown section (the sections are events, api, auth, admin, limits, stream, cluster, source.relay, demo, explorer, log)"}},
		{"unknown section in a section", "[api.tls]\ncert = 'x'", []string{
			"1: api.tls: unknown key ([api] has host, port, enable_websocket, enable_sse, enable_metrics, live_page, max_websocket_connections, max_sse_connections, cors_origins, trusted_proxies, header_timeout, body_timeout, max_header_size, tls_cert, tls_key)"}},

		// Wrong types.
		{"text for an integer", "[api]\nport = '9121'", []string{
			`2: api.port: the text "9121" is not an integer (use 0 to 65535, without quotes)`}},
		{"number for an integer", "[api]\nport = 80.5", []string{
			`2: api.port: the number 80.5 is not an integer (use 0 to 65535)`}},
		{"text for a boolean", "[api]\nenable_sse = 'true'", []string{
			`2: api.enable_sse: the text "true" is not a boolean (use true or false, without quotes)`}},
		{"integer for a boolean", "[stream]\ncompression = 1", []string{
			`2: stream.compression: the integer 1 is not a boolean (use true or false)`}},
		{"integer for a duration", "[stream]\nping_interval = 30", []string{
			`2: stream.ping_interval: the integer 30 is not a duration (use 1s to 1h, with a unit, such as 90s or 1m30s, in quotes)`}},
		{"duration without a unit", "[stream]\nping_interval = '30'", []string{
			`2: stream.ping_interval: "30" is not a duration (use 1s to 1h, with a unit, such as 90s or 1m30s)`}},
		{"time for a duration", "[stream]\nping_interval = 00:00:30", []string{
			`2: stream.ping_interval: the time 00:00:30 is not a duration (use 1s to 1h, with a unit, such as 90s or 1m30s, in quotes)`}},
		{"size with a unit that has two meanings", "[stream]\nsend_buffer = '64KB'", []string{
			`2: stream.send_buffer: "64KB" is not a size (use 4KiB to 16MiB, in bytes or with B, KiB, MiB or GiB behind the number)`}},
		{"size that does not fit", "[stream]\nsend_buffer = '9999999999GiB'", []string{
			`2: stream.send_buffer: "9999999999GiB" is not a size (use 4KiB to 16MiB, in bytes or with B, KiB, MiB or GiB behind the number)`}},
		{"boolean for a size", "[stream]\nsend_buffer = true", []string{
			`2: stream.send_buffer: the boolean true is not a size (use 4KiB to 16MiB, in bytes or with B, KiB, MiB or GiB behind the number)`}},
		{"empty text for a size", "[stream]\nsend_buffer = ''", []string{
			`2: stream.send_buffer: is set to nothing (use 4KiB to 16MiB, in bytes or with B, KiB, MiB or GiB behind the number, or leave it unset)`}},
		{"text for a number", "[demo]\nrate = '20'", []string{
			`2: demo.rate: the text "20" is not a number (use 0.001 to 100000 events a second, without quotes)`}},
		{"boolean for text", "[events]\ncatalogue = true", []string{
			`2: events.catalogue: the boolean true is not a string (put it in quotes)`}},
		{"text for a list", "[api]\ncors_origins = '*'", []string{
			`2: api.cors_origins: the text "*" is not a list (write a list of texts: ["a", "b"])`}},
		{"list with an integer", "[api]\ncors_origins = ['*', 5]", []string{
			`2: api.cors_origins: element 2 of the list, the integer 5, is not text (put each element in quotes)`}},
		{"table for an integer, told once", "[api.port]\nx = 1\ny = 2", []string{
			`1: api.port: a table is not an integer (use 0 to 65535)`}},
		{"dotted key below a key", "api.port.x = 1", []string{
			`1: api.port: a table is not an integer (use 0 to 65535)`}},
		{"integer for a section", "events = 3", []string{
			`1: events: the integer 3 is not a section (write [events] and its keys in the lines below)`}},
		{"list of tables for a section", "[[events]]\nlow_priority_buffer = 1\n[[events]]\nx = 1", []string{
			`1: events: a list is not a section (write [events] and its keys in the lines below)`}},

		// Impossible values.
		{"buffers of 0", "[events]\nhigh_priority_buffer = 0\nmedium_priority_buffer = 0\nlow_priority_buffer = 0", []string{
			"2: events.high_priority_buffer: 0 is out of range (use 1 to 1000000 events)",
			"3: events.medium_priority_buffer: 0 is out of range (use 1 to 1000000 events)",
			"4: events.low_priority_buffer: 0 is out of range (use 1 to 1000000 events)"}},
		{"integer that no int holds", "[api]\nport = 9223372036854775807", []string{
			"2: api.port: 9223372036854775807 is out of range (use 0 to 65535)"}},
		{"not a number", "[demo]\nrate = nan", []string{
			"2: demo.rate: NaN is out of range (use 0.001 to 100000 events a second)"}},
		{"infinite", "[demo]\nrate = inf", []string{
			"2: demo.rate: +Inf is out of range (use 0.001 to 100000 events a second)"}},
		{"rate of 0", "[demo]\nrate = 0", []string{
			"2: demo.rate: 0 is out of range (use 0.001 to 100000 events a second)"}},
		{"negative duration", "[stream]\ndrain_timeout = '-1s'", []string{
			"2: stream.drain_timeout: -1s is out of range (use 0s to 1h)"}},
		{"negative size", "[stream]\nsend_buffer = '-1KiB'", []string{
			"2: stream.send_buffer: -1KiB is out of range (use 4KiB to 16MiB)"}},
		{"no message of a control frame's size", "[stream]\nmax_message_size = 124", []string{
			"2: stream.max_message_size: 124 is out of range (use 125 to 16MiB)"}},
		{"unknown choice", "[log]\nformat = 'JSON '", []string{
			`2: log.format: "JSON " is none of the choices (use text or json; did you mean json?)`}},
		{"empty choice", "[log]\nlevel = ''", []string{
			`2: log.level: "" is none of the choices (use debug, info, warn or error)`}},
		{"several origins", "[api]\ncors_origins = ['null', '*', 'x.org']", []string{
			`2: api.cors_origins: "null" is not an origin as a browser sends it (write "https://example.org", "https://*.example.org" for every host below it, or "*" for all)`,
			`2: api.cors_origins: "x.org" is not an origin as a browser sends it (write "https://x.org")`}},

		// Keys that contradict each other.
		{"buffer over what may wait", "[events]\npending_events = 10\nlow_priority_buffer = 11\nmedium_priority_buffer = 10\nhigh_priority_buffer = 1", []string{
			"3: events.low_priority_buffer: 11 is more than events.pending_events, which is 10 (lower it or raise the other: what waits must be able to fill a buffer)"}},
		{"told where it was set", "[events]\nmedium_priority_buffer = 20\nhigh_priority_buffer = 20\npending_events = 100\n[stream]\nmax_body_size = '64KiB'", []string{
			"6: stream.max_body_size: 64KiB is less than stream.max_event_size, which is 128KiB (raise it or lower the other: a body must be able to hold an event)"}},
		{"nothing follows from a key that is wrong", "[stream]\nmax_body_size = '64KiB'\nmax_event_size = '1TB'", []string{
			`3: stream.max_event_size: "1TB" is not a size (use 256 to 64MiB, in bytes or with B, KiB, MiB or GiB behind the number)`}},

		// What is not TOML.
		{"key twice", "[api]\nport = 1\nport = 2", []string{
			"3:1: not TOML: key port is already defined (text needs quotes; a section or key can be there once)"}},
		{"section twice", "[api]\nport = 1\n\n[api]", []string{
			"4:2: not TOML: table api already exists (text needs quotes; a section or key can be there once)"}},
		{"text without quotes", "[api]\nhost = localhost", []string{
			"2:8: not TOML: unexpected character U+006C 'l' at start of value (text needs quotes; a section or key can be there once)"}},
		{"no value", "[api]\nport =", []string{
			"2:6: not TOML: expected value, not end of input (text needs quotes; a section or key can be there once)"}},
		{"not UTF-8", "[api]\nhost = '\xff'", []string{
			"2:9: not TOML: invalid UTF-8 character in literal string (text needs quotes; a section or key can be there once)"}},
		{"another format", "api:\n  port: 9121", []string{
			"1:4: not TOML: expected '=' after key (text needs quotes; a section or key can be there once)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want []string
			for _, line := range test.want {
				want = append(want, "adic.toml:"+line)
			}
			loaded, err := load(Sources{File: "adic.toml"}, []byte(test.file))
			wantProblems(t, err, want)
			if loaded != nil {
				t.Error("a configuration came with the problems")
			}
		})
	}
}
