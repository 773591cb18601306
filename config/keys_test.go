package config

import (
	"fmt"
	"strings"
	"testing"
)

// The contract of the configuration: a change here is a change for everybody
// who runs a router.
func TestKeys(t *testing.T) {
	want := strings.TrimSpace(`
events.high_priority_buffer   integer  1000     reload
events.medium_priority_buffer integer  500      reload
events.low_priority_buffer    integer  100      reload
events.catalogue              string            -
events.unknown                string   drop     -
events.journal                string            -
events.journal_sync           duration 100ms    -
events.pending_events         integer  65536    -
events.pending_bytes          size     64MiB    -
api.host                      string   0.0.0.0  -
api.port                      integer  9121     -
api.enable_websocket          boolean  true     -
api.enable_sse                boolean  true     -
api.enable_metrics            boolean  true     -
api.live_page                 boolean  true     reload
api.max_websocket_connections integer  10000    reload
api.max_sse_connections       integer  5000     reload
api.cors_origins              list              reload
api.trusted_proxies           list              reload
api.header_timeout            duration 10s      -
api.body_timeout              duration 1m       -
api.max_header_size           size     16KiB    -
api.tls_cert                  string            -
api.tls_key                   string            -
auth.publish_token            string            reload secret
auth.subscribe                string   open     reload
auth.jwt_secret               string            reload secret
auth.jwt_key_file             string            reload
auth.jwt_jwks_file            string            reload
auth.jwt_audience             string            reload
auth.jwt_issuer               string            reload
auth.jwt_leeway               duration 30s      reload
admin.listen                  string            -
limits.connections_per_address integer  0        reload
limits.connections_per_user   integer  0        reload
limits.handshakes_per_second  integer  0        reload
limits.total_handshakes_per_second integer  0        reload
limits.requests_per_second    integer  0        reload
limits.ipv4_prefix            integer  32       reload
limits.ipv6_prefix            integer  64       reload
limits.max_subscription       integer  512      reload
stream.heartbeat_interval     duration 15s      -
stream.ping_interval          duration 30s      -
stream.stall_timeout          duration 30s      -
stream.drain_timeout          duration 10s      -
stream.batch_delay            duration 0s       -
stream.max_batch_delay        duration 100ms    -
stream.max_message_size       size     4KiB     -
stream.max_event_size         size     128KiB   -
stream.max_body_size          size     4MiB     -
stream.client_message_rate    integer  100      reload
stream.send_buffer            size     64KiB    -
stream.compression            boolean  false    -
cluster.nats                  string            -
cluster.stream_prefix         string   adic     -
cluster.replicas              integer  1        -
cluster.max_age               duration 24h      -
cluster.max_bytes             size     1GiB     -
cluster.replay_limit          integer  100000   -
cluster.creds_file            string            -
cluster.nkey_file             string            -
cluster.user                  string            -
cluster.password              string            - secret
cluster.token                 string            - secret
cluster.tls_ca                string            -
cluster.tls_cert              string            -
cluster.tls_key               string            -
cluster.store_dir             string            -
cluster.server_name           string            -
cluster.cluster_name          string   adic     -
cluster.listen                string            -
cluster.routes_listen         string            -
cluster.routes                list              -
source.relay.url              list              -
source.relay.token            string            - secret
source.relay.ca               string            -
demo.enabled                  boolean  false    -
demo.rate                     number   20       -
explorer.host                 string   0.0.0.0  -
explorer.port                 integer  9122     -
explorer.cors_origins         list              - also CORS_ORIGINS
explorer.node_url             string   http://127.0.0.1:9121 - also ADIC_NODE_URL
explorer.node_token           string            - secret
explorer.node_ca              string            -
explorer.enable_event_streaming boolean  true     - also ENABLE_EVENT_STREAMING
explorer.enable_websocket     boolean  true     - also ENABLE_WEBSOCKET
explorer.enable_sse           boolean  true     - also ENABLE_SSE
explorer.database             string   explorer.db -
explorer.database_password    string            - secret
explorer.retention            duration 0s       -
log.level                     string   info     reload
log.format                    string   text     -`)
	var got []string
	for _, k := range Keys() {
		line := fmt.Sprintf("%-29s %-8s %-8s -", k.Name, k.Type, k.Default)
		if k.Reload {
			line = strings.TrimSuffix(line, "-") + "reload"
		}
		if k.Secret {
			line += " secret"
		}
		if k.Also != "" {
			line += " also " + k.Also
		}
		got = append(got, line)
	}
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestKeysAreDocumented(t *testing.T) {
	for _, k := range Keys() {
		doc, _, _ := strings.Cut(k.Doc, " (")
		if doc == "" || strings.Contains(k.Doc, "\n") {
			t.Errorf("%s has the documentation %q, want one line", k.Name, k.Doc)
		}
		if want := "ADIC_" + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_")); k.Env != want {
			t.Errorf("%s has the variable %s, want %s", k.Name, k.Env, want)
		}
		switch k.Type {
		case TypeInteger, TypeSize, TypeNumber, TypeDuration:
			if !strings.Contains(k.Doc, " to ") {
				t.Errorf("%s says no range: %s", k.Name, k.Doc)
			}
		}
	}
}

// Texts that may be written, and how what they mean is printed.
func TestTexts(t *testing.T) {
	tests := []struct{ key, text, printed, literal string }{
		{"api.port", "80", "80", "80"},
		{"stream.send_buffer", "65536", "64KiB", `"64KiB"`},
		{"stream.send_buffer", "65537", "65537", "65537"},
		{"stream.send_buffer", "1024KiB", "1MiB", `"1MiB"`},
		{"stream.ping_interval", "60s", "1m", `"1m"`},
		{"stream.ping_interval", "3600s", "1h", `"1h"`},
		{"stream.ping_interval", "90s", "1m30s", `"1m30s"`},
		{"stream.ping_interval", "10m", "10m", `"10m"`},
		{"stream.drain_timeout", "0", "0s", `"0s"`},
		{"stream.drain_timeout", "1500ms", "1.5s", `"1.5s"`},
		{"demo.rate", "1e3", "1000", "1000.0"},
		{"demo.rate", "0.001", "0.001", "0.001"},
		{"api.enable_sse", "T", "true", "true"},
		{"api.cors_origins", " https://a.org ,*", "https://a.org,*", `["https://a.org", "*"]`},
		{"api.cors_origins", "", "", "[]"},
		{"events.catalogue", `a "b" \c`, `a "b" \c`, `"a \"b\" \\c"`},
	}
	keys := newTable()
	for _, test := range tests {
		k := keys.lookup(test.key)
		v, p := k.parse(test.text)
		if p != nil {
			t.Errorf("%s: %v", test.key, p)
			continue
		}
		if got := k.format(v); got != test.printed {
			t.Errorf("%s: %q is printed as %q, want %q", test.key, test.text, got, test.printed)
		}
		if got := k.formatTOML(v); got != test.literal {
			t.Errorf("%s: %q is printed in TOML as %s, want %s", test.key, test.text, got, test.literal)
		}
	}
}
