package config

import (
	"fmt"
	"time"
)

// Config is the whole configuration of a router, one field a section. It is
// plain data: copy it, compare it with [Diff], hand out its sections. The
// slices and maps in it are shared by copies and are not to be written to.
//
// The struct tags are the table that [Keys] reads: toml is the name in the
// file, doc says what the key does, range and unit bound it, oneof lists what
// it may be, form names a check of its own, also is another name of its variable, reload marks what can change while
// the router runs, and secret what is never shown.
type Config struct {
	Events   Events   `toml:"events"`
	API      API      `toml:"api"`
	Auth     Auth     `toml:"auth"`
	Admin    Admin    `toml:"admin"`
	Limits   Limits   `toml:"limits"`
	Stream   Stream   `toml:"stream"`
	Cluster  Cluster  `toml:"cluster"`
	Relay    Relay    `toml:"source.relay"`
	Demo     Demo     `toml:"demo"`
	Explorer Explorer `toml:"explorer"`
	Log      Log      `toml:"log"`
}

// Events says which events there are and how many of them are held.
type Events struct {
	// A buffer is how many events of a class are retained, which is also how
	// far a slow client may fall behind in it before it loses the oldest.
	HighPriorityBuffer   int `toml:"high_priority_buffer" range:"1..1000000" unit:"events" reload:"true" doc:"high-priority events retained, and how far a slow client may fall behind in them"`
	MediumPriorityBuffer int `toml:"medium_priority_buffer" range:"1..1000000" unit:"events" reload:"true" doc:"medium-priority events retained, and how far a slow client may fall behind in them"`
	LowPriorityBuffer    int `toml:"low_priority_buffer" range:"1..1000000" unit:"events" reload:"true" doc:"low-priority events retained, and how far a slow client may fall behind in them"`

	// Catalogue is the path of a catalogue file, from the working directory.
	// Empty is the built-in catalogue.
	Catalogue string `toml:"catalogue" form:"path" doc:"file that defines the event types, instead of the built-in 54"`

	Unknown string `toml:"unknown" oneof:"drop,pass" doc:"what becomes of events from upstreams and from the cluster whose type the catalogue lacks: dropped, or passed on as medium; publishers cannot send them"`

	// Journal is a directory, from the working directory, that belongs to this
	// router alone. Empty is no journal.
	Journal     string        `toml:"journal" form:"path" doc:"directory in which events, positions and the stream's identity survive a restart; empty keeps them in memory only"`
	JournalSync time.Duration `toml:"journal_sync" range:"0s..1m" doc:"how long what was accepted may stay unsynced, which is what a power failure can take; 0s syncs before accepting"`

	// PendingEvents and PendingBytes bound the accepted events that wait for
	// their turn in the rings. Beyond them publishing is answered with 503.
	PendingEvents int `toml:"pending_events" range:"1..10000000" unit:"events" doc:"accepted events that may wait for the rings before publishing is answered with 503"`
	PendingBytes  int `toml:"pending_bytes" range:"1KiB..1GiB" unit:"bytes" doc:"bytes of accepted events that may wait for the rings before publishing is answered with 503"`
}

// What Events.Unknown may be.
const (
	UnknownDrop = "drop"
	UnknownPass = "pass"
)

// API is what the router listens on and whom it lets in.
type API struct {
	// Host is an IP address or a host name, without a port and without
	// brackets. Port 0 asks the system for a free port.
	Host string `toml:"host" form:"host" doc:"address to listen on; 0.0.0.0 is every IPv4 address of the machine, :: every address"`
	Port int    `toml:"port" range:"0..65535" doc:"TCP port to listen on; 0 takes a free one"`

	EnableWebSocket         bool `toml:"enable_websocket" doc:"serve the WebSocket stream"`
	EnableSSE               bool `toml:"enable_sse" doc:"serve the Server-Sent Events stream"`
	EnableMetrics           bool `toml:"enable_metrics" doc:"serve the metrics; admin.listen serves them in any case"`
	LivePage                bool `toml:"live_page" reload:"true" doc:"serve the live page at /, which shows the stream in a browser"`
	MaxWebSocketConnections int  `toml:"max_websocket_connections" range:"1..1000000" unit:"connections" reload:"true" doc:"WebSocket connections held at once; more are answered with 503"`
	MaxSSEConnections       int  `toml:"max_sse_connections" range:"1..1000000" unit:"connections" reload:"true" doc:"Server-Sent Events connections held at once; more are answered with 503"`

	// CORSOrigins are the browser origins let in besides the router's own.
	// Each is "*" for all, an origin as a browser sends it (RFC 6454 §6.2:
	// lower case, no default port, no path), or such an origin whose host
	// begins with "*.", which stands for every host below that domain, however
	// deep, and not for the domain itself. "*.example.org" without a scheme is
	// "https://*.example.org".
	CORSOrigins []string `toml:"cors_origins" form:"origin" reload:"true" doc:"browser origins let in besides the router's own, such as https://example.org, https://*.example.org or *"`

	// TrustedProxies are IP addresses and networks in CIDR notation (RFC 4632
	// §3.1), without bits set behind the prefix.
	TrustedProxies []string `toml:"trusted_proxies" form:"network" reload:"true" doc:"networks of the proxies in front, whose X-Forwarded-For is believed, such as 127.0.0.1/32 or 10.0.0.0/8"`

	HeaderTimeout time.Duration `toml:"header_timeout" range:"1ms..1h" doc:"longest that a client may take to send the head of a request"`
	BodyTimeout   time.Duration `toml:"body_timeout" range:"1ms..1h" doc:"longest that a publisher may take to send the body of a request"`
	MaxHeaderSize int           `toml:"max_header_size" range:"4KiB..1MiB" unit:"bytes" doc:"largest head of a request"`

	// TLSCert and TLSKey are both paths, from the working directory, or both
	// empty: then the router speaks plain HTTP.
	TLSCert string `toml:"tls_cert" form:"path" doc:"file with the certificate chain in PEM, for HTTPS; read again when it changes"`
	TLSKey  string `toml:"tls_key" form:"path" doc:"file with the private key of the certificate in PEM"`
}

// Admin is what operators reach the router by. Nothing on it asks for a
// credential: whoever reaches it is trusted.
type Admin struct {
	// Listen is HOST:PORT, or empty: then there is no admin address.
	Listen string `toml:"listen" form:"address" doc:"address for operators only: metrics, health, profiles, connections; without it there is none"`
}

// Limits bound what one client may take, so that it cannot take it all. 0 is no
// limit. An address is all of its network of IPv4Prefix or IPv6Prefix bits.
type Limits struct {
	ConnectionsPerAddress int `toml:"connections_per_address" range:"0..1000000" unit:"connections" reload:"true" doc:"streams and long polls of one address at once, more are answered with 429; 0 is no limit"`
	ConnectionsPerUser    int `toml:"connections_per_user" range:"0..1000000" unit:"connections" reload:"true" doc:"streams and long polls of one user at once, more are answered with 429; 0 is no limit"`

	// Rates are token buckets that hold twice as many.
	HandshakesPerSecond      int `toml:"handshakes_per_second" range:"0..1000000" unit:"handshakes a second" reload:"true" doc:"streams that one address may begin, twice as many at once, more are answered with 429; 0 is no limit"`
	TotalHandshakesPerSecond int `toml:"total_handshakes_per_second" range:"0..1000000" unit:"handshakes a second" reload:"true" doc:"streams that all addresses together may begin, twice as many at once, more are answered with 503; 0 is no limit"`
	RequestsPerSecond        int `toml:"requests_per_second" range:"0..1000000" unit:"requests a second" reload:"true" doc:"publishing, polling and API requests of one address, twice as many at once, more are answered with 429; 0 is no limit"`

	IPv4Prefix int `toml:"ipv4_prefix" range:"1..32" unit:"bits" reload:"true" doc:"leading bits that IPv4 addresses have in common to count as one"`
	IPv6Prefix int `toml:"ipv6_prefix" range:"1..128" unit:"bits" reload:"true" doc:"leading bits that IPv6 addresses have in common to count as one"`

	MaxSubscription int `toml:"max_subscription" range:"1..10000" unit:"names" reload:"true" doc:"most names in events= or in one Subscribe or Unsubscribe"`
}

// Auth holds credentials. Formatted with any verb or encoded as JSON it does
// not show them.
type Auth struct {
	// PublishToken is the bearer token of publishers (RFC 6750 §2.1), at most
	// 1024 visible ASCII characters. Empty switches publishing off.
	PublishToken string `toml:"publish_token" json:"-" form:"token" reload:"true" secret:"true" doc:"bearer token that may publish every type; without it and without a table below publishing is refused"`

	// Subscribe says who may subscribe: anyone, holders of the tokens in
	// Subscriber, or holders of a JSON Web Token (RFC 7519), whose key is in exactly
	// one of JWTSecret, JWTKeyFile and JWTJWKSFile.
	Subscribe   string `toml:"subscribe" oneof:"open,token,jwt" reload:"true" doc:"who may subscribe: open is anyone, token who is in a table [auth.subscriber.NAME], jwt holders of a JSON Web Token"`
	JWTSecret   string `toml:"jwt_secret" json:"-" form:"jwtsecret" reload:"true" secret:"true" doc:"secret, 32 characters or more, that tokens are signed with (HS256)"`
	JWTKeyFile  string `toml:"jwt_key_file" form:"path" reload:"true" doc:"PEM file of the public key or certificate that tokens are signed for (RS256, ES256 or EdDSA)"`
	JWTJWKSFile string `toml:"jwt_jwks_file" form:"path" reload:"true" doc:"file of a JWK Set (RFC 7517) with such keys, chosen by kid; read again when it changes"`

	JWTAudience string        `toml:"jwt_audience" form:"claim" reload:"true" doc:"name of this router, which must be in the aud of tokens; while it is empty, tokens with an aud are refused"`
	JWTIssuer   string        `toml:"jwt_issuer" form:"claim" reload:"true" doc:"what must be the iss of tokens; empty takes any"`
	JWTLeeway   time.Duration `toml:"jwt_leeway" range:"0s..10m" reload:"true" doc:"by how much the clock of the issuer may be off: tokens are good for this much longer, and sooner"`

	// Publisher and Subscriber are named tables: [auth.publisher.NAME]. A name
	// has 1 to 64 letters, digits, dashes and underscores, so that it needs no
	// quotes in TOML and is fit for a metric's label.
	Publisher  map[string]Publisher  `toml:"publisher" reload:"true" doc:"one who may publish"`
	Subscriber map[string]Subscriber `toml:"subscriber" reload:"true" doc:"one who may subscribe"`
}

// Publisher is one who may publish. The hash of its token is no secret: the
// token cannot be found from it (package access says why).
type Publisher struct {
	Token  string   `toml:"token" form:"token_hash" doc:"hash of the token that it sends, as 'adic token new' prints it: sha256: and 64 hexadecimal digits"`
	Events []string `toml:"events" form:"event" default:"all" doc:"types that it may publish: names, aliases, prefixes such as vrf.*, or all"`
	Rate   int      `toml:"rate" range:"0..10000000" unit:"events a second" default:"0" doc:"how fast it may publish, twice as many at once; 0 is no limit"`
}

// Subscriber is one who may subscribe. The hash of its token is no secret either.
type Subscriber struct {
	Token    string   `toml:"token" form:"token_hash" doc:"hash of the token that it sends, as 'adic token new' prints it: sha256: and 64 hexadecimal digits"`
	Events   []string `toml:"events" form:"event" default:"all" doc:"types that it may see: names, aliases, prefixes such as vrf.*, or all"`
	Priority []string `toml:"priority" form:"priority" default:"all" doc:"priorities that it may see: all, or some of high, medium and low"`
}

// The values of [Auth.Subscribe].
const (
	SubscribeOpen  = "open"
	SubscribeToken = "token"
	SubscribeJWT   = "jwt"
)

// Format keeps the secrets out of logs, which would print the struct as it is.
func (a Auth) Format(f fmt.State, _ rune) {
	// The state of a fmt call takes what it is given; its errors are reported
	// by that call.
	_, _ = fmt.Fprintf(f, "{PublishToken:%s Subscribe:%s JWTSecret:%s Publisher:%d Subscriber:%d}",
		mask(a.PublishToken), a.Subscribe, mask(a.JWTSecret), len(a.Publisher), len(a.Subscriber))
}

// Stream says how streams behave.
type Stream struct {
	HeartbeatInterval time.Duration `toml:"heartbeat_interval" range:"1s..1h" doc:"time between heartbeat comments on a Server-Sent Events stream"`
	PingInterval      time.Duration `toml:"ping_interval" range:"1s..1h" doc:"time between pings to a WebSocket client, which is closed after two without an answer"`
	StallTimeout      time.Duration `toml:"stall_timeout" range:"1s..1h" doc:"a client that accepted no byte for this long, while some waited, is closed"`
	DrainTimeout      time.Duration `toml:"drain_timeout" range:"0s..1h" doc:"time over which connections are closed when the router shuts down"`

	// BatchDelay is for clients that ask for no window of their own. Both are
	// rounded down to 1, 2 or 5 times a power of ten milliseconds.
	BatchDelay    time.Duration `toml:"batch_delay" range:"0s..1s" doc:"how long events may be held back so that one write carries several; 0s sends each at once"`
	MaxBatchDelay time.Duration `toml:"max_batch_delay" range:"0s..1s" doc:"longest batch_delay that a client may ask for"`

	MaxMessageSize int `toml:"max_message_size" range:"125..16MiB" unit:"bytes" doc:"largest message taken from a WebSocket client"`
	MaxEventSize   int `toml:"max_event_size" range:"256..64MiB" unit:"bytes" doc:"largest event taken from a publisher"`
	MaxBodySize    int `toml:"max_body_size" range:"1KiB..1GiB" unit:"bytes" doc:"largest body of a publishing request"`

	// ClientMessageRate is for each client; twice as many are taken at once.
	ClientMessageRate int `toml:"client_message_rate" range:"1..1000000" unit:"messages a second" reload:"true" doc:"messages taken from one WebSocket client, twice as many at once"`

	SendBuffer  int  `toml:"send_buffer" range:"4KiB..16MiB" unit:"bytes" doc:"kernel's send buffer of one connection, which is how much can be ahead of a high-priority event"`
	Compression bool `toml:"compression" doc:"offer permessage-deflate (RFC 7692) to WebSocket clients"`
}

// Demo is a source of made-up events, to see the router work.
type Demo struct {
	Enabled bool    `toml:"enabled" doc:"publish the events of a made-up network"`
	Rate    float64 `toml:"rate" range:"0.001..100000" unit:"events a second" doc:"how fast the made-up network publishes"`
}

// Log says what is logged, and how.
type Log struct {
	Level  string `toml:"level" oneof:"debug,info,warn,error" reload:"true" doc:"least level that is logged"`
	Format string `toml:"format" oneof:"text,json" doc:"form of the log lines"`
}

// Default returns the configuration of a router that was told nothing. It is
// valid, and publishing is off.
func Default() Config {
	return Config{
		Events: Events{
			HighPriorityBuffer:   1000,
			MediumPriorityBuffer: 500,
			LowPriorityBuffer:    100,
			Unknown:              UnknownDrop,
			JournalSync:          100 * time.Millisecond,
			PendingEvents:        65536,
			PendingBytes:         64 << 20,
		},
		API: API{
			Host:                    "0.0.0.0",
			Port:                    9121,
			EnableWebSocket:         true,
			EnableSSE:               true,
			EnableMetrics:           true,
			LivePage:                true,
			MaxWebSocketConnections: 10000,
			MaxSSEConnections:       5000,
			HeaderTimeout:           10 * time.Second,
			BodyTimeout:             60 * time.Second,
			MaxHeaderSize:           16 << 10,
		},
		Limits: Limits{
			IPv4Prefix:      32,
			IPv6Prefix:      64, // what one customer is given at least (RFC 6177 §2)
			MaxSubscription: 512,
		},
		Stream: Stream{
			HeartbeatInterval: 15 * time.Second,
			PingInterval:      30 * time.Second,
			StallTimeout:      30 * time.Second,
			DrainTimeout:      10 * time.Second,
			MaxBatchDelay:     100 * time.Millisecond,
			MaxMessageSize:    4 << 10,
			MaxEventSize:      128 << 10,
			MaxBodySize:       4 << 20,
			ClientMessageRate: 100,
			SendBuffer:        64 << 10,
		},
		Auth: Auth{Subscribe: SubscribeOpen, JWTLeeway: 30 * time.Second},
		Cluster: Cluster{
			StreamPrefix: "adic",
			Replicas:     1,
			MaxAge:       24 * time.Hour,
			MaxBytes:     1 << 30,
			ReplayLimit:  100_000,
			ClusterName:  "adic",
		},
		Demo: Demo{Rate: 20},
		Explorer: Explorer{
			Host:                 "0.0.0.0",
			Port:                 9122,
			NodeURL:              "http://127.0.0.1:9121",
			EnableEventStreaming: true,
			EnableWebSocket:      true,
			EnableSSE:            true,
			Database:             "explorer.db",
		},
		Log: Log{Level: "info", Format: "text"},
	}
}
