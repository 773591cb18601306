package config

import (
	"strings"
	"testing"
)

func TestBadEnvironment(t *testing.T) {
	tests := []struct{ name, variable, want string }{
		{"misspelt", "ADIC_EVENT_HIGH_PRIORITY_BUFFER=1",
			"environment ADIC_EVENT_HIGH_PRIORITY_BUFFER: unknown variable (did you mean ADIC_EVENTS_HIGH_PRIORITY_BUFFER?)"},
		{"without its section", "ADIC_HOST=::1",
			"environment ADIC_HOST: unknown variable (did you mean ADIC_API_HOST?)"},
		{"lower case", "ADIC_api_port=1",
			"environment ADIC_api_port: unknown variable (did you mean ADIC_API_PORT?)"},
		{"misspelt path of the file", "ADIC_CONFIGURE=adic.toml",
			"environment ADIC_CONFIGURE: unknown variable (did you mean ADIC_CONFIG?)"},
		{"unlike any other", "ADIC_SOMETHING_ELSE=x",
			"environment ADIC_SOMETHING_ELSE: unknown variable (unset it; adic config lists every key)"},
		{"the prefix alone", "ADIC_=x",
			"environment ADIC_: unknown variable (unset it; adic config lists every key)"},
		{"of a Kubernetes Service", "ADIC_PORT=tcp://10.0.0.1:9121",
			"environment ADIC_PORT: unknown variable (Kubernetes sets it for a Service whose name begins with adic: set enableServiceLinks: false in the pod)"},
		{"set to nothing", "ADIC_API_PORT=",
			"environment ADIC_API_PORT: is set to nothing (use 0 to 65535, or leave it unset)"},
		{"no value at all", "ADIC_API_PORT",
			"environment ADIC_API_PORT: is set to nothing (use 0 to 65535, or leave it unset)"},
		{"white space", "ADIC_API_PORT= 80",
			`environment ADIC_API_PORT: " 80" is not an integer (use 0 to 65535)`},
		{"wrong type", "ADIC_API_ENABLE_SSE=on",
			`environment ADIC_API_ENABLE_SSE: "on" is not a boolean (use true or false)`},
		{"out of range", "ADIC_EVENTS_LOW_PRIORITY_BUFFER=0",
			"environment ADIC_EVENTS_LOW_PRIORITY_BUFFER: 0 is out of range (use 1 to 1000000 events)"},
		{"comma too many", "ADIC_API_CORS_ORIGINS=*,",
			`environment ADIC_API_CORS_ORIGINS: "" is not an origin as a browser sends it (write "https://example.org", "https://*.example.org" for every host below it, or "*" for all)`},
		{"long", "ADIC_API_PORT=" + strings.Repeat("7", 100),
			`environment ADIC_API_PORT: "` + strings.Repeat("7", 80) + `"... is not an integer (use 0 to 65535)`},
		{"contradicts a default", "ADIC_EVENTS_PENDING_EVENTS=999",
			"environment ADIC_EVENTS_PENDING_EVENTS: 999 is less than events.high_priority_buffer, which is 1000 (raise it or lower the other: what waits must be able to fill a buffer)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(Sources{Environ: []string{test.variable}}, nil)
			wantProblems(t, err, []string{test.want})
		})
	}
}

func TestForeignVariablesArePassedOver(t *testing.T) {
	_, err := load(Sources{Environ: []string{"PATH=/bin", "ADIC_CONFIG=x", "ADIC_TOKEN=y", "ADICT=1", "", "=C:=C:\\"}}, nil)
	if err != nil {
		t.Error(err)
	}
}
