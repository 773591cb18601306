package config_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"strings"

	"github.com/adic-network/router/config"
)

func ExampleLoad() {
	loaded, err := config.Load(config.Sources{
		File:    "testdata/good.toml",
		Environ: []string{"HOME=/root", "ADIC_API_PORT=9300", "ADIC_LOG_LEVEL=debug"},
		Flags:   map[string]string{"log.level": "warn"},
	})
	if err != nil {
		log.Fatal(err)
	}
	c := loaded.Config
	fmt.Println("buffer", c.Events.HighPriorityBuffer, "from", loaded.Origin["events.high_priority_buffer"])
	fmt.Println("port", c.API.Port, "from", loaded.Origin["api.port"])
	fmt.Println("level", c.Log.Level, "from", loaded.Origin["log.level"])
	fmt.Println("format", c.Log.Format, "from", loaded.Origin["log.format"])
	// Output:
	// buffer 2000 from file testdata/good.toml:2
	// port 9300 from environment ADIC_API_PORT
	// level warn from flag --log.level
	// format text from default
}

// All that is wrong is reported at once.
func ExampleProblems() {
	_, err := config.Load(config.Sources{
		File:    "testdata/bad.toml",
		Environ: []string{"ADIC_API_MAX_SSE_CONNECTION=10", "ADIC_STREAM_COMPRESSION="},
		Flags:   map[string]string{"demo.rate": "fast"},
	})
	fmt.Println(err)
	// Output:
	// testdata/bad.toml:2: port: unknown key (did you mean port under [api]?)
	// testdata/bad.toml:5: events.high_prority_buffer: unknown key (did you mean events.high_priority_buffer?)
	// testdata/bad.toml:6: events.medium_priority_buffer: the text "500" is not an integer (use 1 to 1000000 events, without quotes)
	// testdata/bad.toml:7: events.low_priority_buffer: 0 is out of range (use 1 to 1000000 events)
	// testdata/bad.toml:10: api.host: "127.0.0.1:9121" is not an address to listen on (use an IP address or a host name, such as 0.0.0.0, :: or localhost, without brackets; the port goes into api.port)
	// testdata/bad.toml:11: api.port: 70000 is out of range (use 0 to 65535)
	// testdata/bad.toml:12: api.enable_sse: the text "yes" is not a boolean (use true or false, without quotes)
	// testdata/bad.toml:13: api.cors_origins: "https://Example.org/" is not an origin as a browser sends it (write "https://example.org")
	// testdata/bad.toml:13: api.cors_origins: "example.org" is not an origin as a browser sends it (write "https://example.org")
	// testdata/bad.toml:15: strem: unknown section (did you mean [stream]?)
	// testdata/bad.toml:19: stream.ping_interval: the integer 30 is not a duration (use 1s to 1h, with a unit, such as 90s or 1m30s, in quotes)
	// testdata/bad.toml:20: stream.stall_timeout: 100ms is out of range (use 1s to 1h)
	// testdata/bad.toml:21: stream.max_event_size: 8MiB is more than stream.max_body_size, which is 4MiB (lower it or raise the other: a body must be able to hold an event)
	// testdata/bad.toml:24: log.level: "warning" is none of the choices (use debug, info, warn or error; did you mean warn?)
	// environment ADIC_API_MAX_SSE_CONNECTION: unknown variable (did you mean ADIC_API_MAX_SSE_CONNECTIONS?)
	// environment ADIC_STREAM_COMPRESSION: is set to nothing (use true or false, or leave it unset)
	// flag --demo.rate: "fast" is not a number (use 0.001 to 100000 events a second)
}

func ExampleLoaded_WriteTo() {
	loaded, err := config.Load(config.Sources{
		File:    "testdata/good.toml",
		Environ: []string{"ADIC_API_HOST=::1"},
	})
	if err != nil {
		log.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := loaded.WriteTo(&b); err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(&b)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "[stream]") {
			break
		}
		fmt.Println(lines.Text())
	}
	// Output:
	// # The configuration in force, each value with where it was set. A running
	// # router takes new values of the keys marked [reload]; others need a restart.
	//
	// [events]
	//
	// # high-priority events retained, and how far a slow client may fall behind in them (1 to 1000000 events) [reload]
	// high_priority_buffer = 2000 # file testdata/good.toml:2
	//
	// # medium-priority events retained, and how far a slow client may fall behind in them (1 to 1000000 events) [reload]
	// medium_priority_buffer = 500 # default
	//
	// # low-priority events retained, and how far a slow client may fall behind in them (1 to 1000000 events) [reload]
	// low_priority_buffer = 100 # default
	//
	// # file that defines the event types, instead of the built-in 54
	// catalogue = "" # default
	//
	// # what becomes of events from upstreams and from the cluster whose type the catalogue lacks: dropped, or passed on as medium; publishers cannot send them (drop or pass)
	// unknown = "drop" # default
	//
	// # directory in which events, positions and the stream's identity survive a restart; empty keeps them in memory only
	// journal = "" # default
	//
	// # how long what was accepted may stay unsynced, which is what a power failure can take; 0s syncs before accepting (0s to 1m)
	// journal_sync = "100ms" # default
	//
	// # accepted events that may wait for the rings before publishing is answered with 503 (1 to 10000000 events)
	// pending_events = 65536 # default
	//
	// # bytes of accepted events that may wait for the rings before publishing is answered with 503 (1KiB to 1GiB)
	// pending_bytes = "64MiB" # default
	//
	// [api]
	//
	// # address to listen on; 0.0.0.0 is every IPv4 address of the machine, :: every address
	// host = "::1" # environment ADIC_API_HOST
	//
	// # TCP port to listen on; 0 takes a free one (0 to 65535)
	// port = 9200 # file testdata/good.toml:5
	//
	// # serve the WebSocket stream (true or false)
	// enable_websocket = true # default
	//
	// # serve the Server-Sent Events stream (true or false)
	// enable_sse = true # default
	//
	// # serve the metrics; admin.listen serves them in any case (true or false)
	// enable_metrics = true # default
	//
	// # serve the live page at /, which shows the stream in a browser (true or false) [reload]
	// live_page = true # default
	//
	// # WebSocket connections held at once; more are answered with 503 (1 to 1000000 connections) [reload]
	// max_websocket_connections = 10000 # default
	//
	// # Server-Sent Events connections held at once; more are answered with 503 (1 to 1000000 connections) [reload]
	// max_sse_connections = 5000 # default
	//
	// # browser origins let in besides the router's own, such as https://example.org, https://*.example.org or * [reload]
	// cors_origins = ["https://example.org", "https://*.example.net:8443"] # file testdata/good.toml:6
	//
	// # networks of the proxies in front, whose X-Forwarded-For is believed, such as 127.0.0.1/32 or 10.0.0.0/8 [reload]
	// trusted_proxies = [] # default
	//
	// # longest that a client may take to send the head of a request (1ms to 1h)
	// header_timeout = "10s" # default
	//
	// # longest that a publisher may take to send the body of a request (1ms to 1h)
	// body_timeout = "1m" # default
	//
	// # largest head of a request (4KiB to 1MiB)
	// max_header_size = "16KiB" # default
	//
	// # file with the certificate chain in PEM, for HTTPS; read again when it changes
	// tls_cert = "" # default
	//
	// # file with the private key of the certificate in PEM
	// tls_key = "" # default
	//
	// [auth]
	//
	// # bearer token that may publish every type; without it and without a table below publishing is refused [reload]
	// # publish_token = "***" # file testdata/good.toml:9
	//
	// # who may subscribe: open is anyone, token who is in a table [auth.subscriber.NAME], jwt holders of a JSON Web Token (open, token or jwt) [reload]
	// subscribe = "open" # default
	//
	// # secret, 32 characters or more, that tokens are signed with (HS256) [reload]
	// jwt_secret = "" # default
	//
	// # PEM file of the public key or certificate that tokens are signed for (RS256, ES256 or EdDSA) [reload]
	// jwt_key_file = "" # default
	//
	// # file of a JWK Set (RFC 7517) with such keys, chosen by kid; read again when it changes [reload]
	// jwt_jwks_file = "" # default
	//
	// # name of this router, which must be in the aud of tokens; while it is empty, tokens with an aud are refused [reload]
	// jwt_audience = "" # default
	//
	// # what must be the iss of tokens; empty takes any [reload]
	// jwt_issuer = "" # default
	//
	// # by how much the clock of the issuer may be off: tokens are good for this much longer, and sooner (0s to 10m) [reload]
	// jwt_leeway = "30s" # default
	//
	// # [auth.publisher.NAME], any number of them, in the file only: one who may publish
	// #   token: hash of the token that it sends, as 'adic token new' prints it: sha256: and 64 hexadecimal digits [reload]
	// #   events: types that it may publish: names, aliases, prefixes such as vrf.*, or all [reload]
	// #   rate: how fast it may publish, twice as many at once; 0 is no limit (0 to 10000000 events a second) [reload]
	//
	// # [auth.subscriber.NAME], any number of them, in the file only: one who may subscribe
	// #   token: hash of the token that it sends, as 'adic token new' prints it: sha256: and 64 hexadecimal digits [reload]
	// #   events: types that it may see: names, aliases, prefixes such as vrf.*, or all [reload]
	// #   priority: priorities that it may see: all, or some of high, medium and low [reload]
	//
	// [admin]
	//
	// # address for operators only: metrics, health, profiles, connections; without it there is none
	// listen = "" # default
	//
	// [limits]
	//
	// # streams and long polls of one address at once, more are answered with 429; 0 is no limit (0 to 1000000 connections) [reload]
	// connections_per_address = 0 # default
	//
	// # streams and long polls of one user at once, more are answered with 429; 0 is no limit (0 to 1000000 connections) [reload]
	// connections_per_user = 0 # default
	//
	// # streams that one address may begin, twice as many at once, more are answered with 429; 0 is no limit (0 to 1000000 handshakes a second) [reload]
	// handshakes_per_second = 0 # default
	//
	// # streams that all addresses together may begin, twice as many at once, more are answered with 503; 0 is no limit (0 to 1000000 handshakes a second) [reload]
	// total_handshakes_per_second = 0 # default
	//
	// # publishing, polling and API requests of one address, twice as many at once, more are answered with 429; 0 is no limit (0 to 1000000 requests a second) [reload]
	// requests_per_second = 0 # default
	//
	// # leading bits that IPv4 addresses have in common to count as one (1 to 32 bits) [reload]
	// ipv4_prefix = 32 # default
	//
	// # leading bits that IPv6 addresses have in common to count as one (1 to 128 bits) [reload]
	// ipv6_prefix = 64 # default
	//
	// # most names in events= or in one Subscribe or Unsubscribe (1 to 10000 names) [reload]
	// max_subscription = 512 # default
}

func ExampleDiff() {
	running := config.Default()
	next := running
	next.Events.LowPriorityBuffer = 200
	next.API.Port = 9200
	next.Auth.PublishToken = "7f3e9a"
	for _, c := range config.Diff(&running, &next) {
		fmt.Printf("%s: %q -> %q, while running: %t\n", c.Key, c.Old, c.New, c.Reload)
	}
	// Output:
	// events.low_priority_buffer: "100" -> "200", while running: true
	// api.port: "9121" -> "9200", while running: false
	// auth.publish_token: "" -> "***", while running: true
}

func ExampleKeys() {
	for _, k := range config.Keys() {
		if k.Name == "stream.send_buffer" {
			fmt.Printf("--%s, %s, a %s, default %s\n", k.Name, k.Env, k.Type, k.Default)
		}
	}
	// Output:
	// --stream.send_buffer, ADIC_STREAM_SEND_BUFFER, a size, default 64KiB
}
