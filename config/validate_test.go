package config

import (
	"math"
	"testing"
	"time"
)

func TestDefaultIsValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *Config)
		want   []string
	}{
		{"buffer of 0", func(c *Config) { c.Events.LowPriorityBuffer = 0 },
			[]string{"events.low_priority_buffer: 0 is out of range (use 1 to 1000000 events)"}},
		{"several", func(c *Config) { c.API.Port = -1; c.Demo.Rate = math.NaN(); c.Log.Format = "xml" }, []string{
			"api.port: -1 is out of range (use 0 to 65535)",
			"demo.rate: NaN is out of range (use 0.001 to 100000 events a second)",
			`log.format: "xml" is none of the choices (use text or json)`}},
		{"short ping", func(c *Config) { c.Stream.PingInterval = time.Second - 1 },
			[]string{"stream.ping_interval: 999.999999ms is out of range (use 1s to 1h)"}},
		{"negative drain", func(c *Config) { c.Stream.DrainTimeout = -1 },
			[]string{"stream.drain_timeout: -1ns is out of range (use 0s to 1h)"}},
		{"no time for headers", func(c *Config) { c.API.HeaderTimeout = 0 },
			[]string{"api.header_timeout: 0s is out of range (use 1ms to 1h)"}},
		{"event over body", func(c *Config) { c.Stream.MaxEventSize = 5 << 20 },
			[]string{"stream.max_event_size: 5MiB is more than stream.max_body_size, which is 4MiB (lower it or raise the other: a body must be able to hold an event)"}},
		{"body over what may wait", func(c *Config) { c.Events.PendingBytes = 1 << 20 },
			[]string{"stream.max_body_size: 4MiB is more than events.pending_bytes, which is 1MiB (lower it or raise the other: a body is accepted whole or not at all)"}},
		{"a certificate without its key", func(c *Config) { c.API.TLSCert = "cert.pem" },
			[]string{"api.tls_cert: is set without api.tls_key (set both or none)"}},
		{"a key without its certificate", func(c *Config) { c.API.TLSKey = "key.pem" },
			[]string{"api.tls_key: is set without api.tls_cert (set both or none)"}},
		{"token without a token", func(c *Config) { c.Auth.Subscribe = "token" },
			[]string{"auth.subscribe: token lets in who has one, and there is none (put the lines that 'adic token new NAME --subscriber' prints into the file)"}},
		{"jwt without a key", func(c *Config) { c.Auth.Subscribe = "jwt" },
			[]string{"auth.subscribe: jwt needs a key to verify tokens with (set auth.jwt_secret, auth.jwt_key_file or auth.jwt_jwks_file)"}},
		{"jwt with two keys", func(c *Config) { c.Auth = Auth{Subscribe: "jwt", JWTKeyFile: "a", JWTJWKSFile: "b"} },
			[]string{"auth.subscribe: jwt takes one source of keys, and there are several (keep one of auth.jwt_secret, auth.jwt_key_file or auth.jwt_jwks_file)"}},
		{"short secret", func(c *Config) { c.Auth.Subscribe, c.Auth.JWTSecret = "jwt", "0123456789" },
			[]string{"auth.jwt_secret: the secret is shorter than 32 characters (make one with: openssl rand -base64 48)"}},
		{"an order that follows from what is wrong", func(c *Config) { c.Stream.MaxBodySize = 1 },
			[]string{"stream.max_body_size: 1 is out of range (use 1KiB to 1GiB)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Default()
			test.change(&c)
			wantProblems(t, c.Validate(), test.want)
		})
	}
}
