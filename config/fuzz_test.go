package config

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// Any file either loads, and then is valid and survives being printed, or is
// refused with problems that each name a line of it.
func FuzzLoadFile(f *testing.F) {
	for _, name := range []string{"testdata/good.toml", "testdata/bad.toml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, file := range []string{
		"", "\ufeff", "\r\n", "#", "[", "[[api]]\n[[api]]", "[api]\nport=1\nport=2", "[api.port.x]\ny=1",
		"api={port=1,host={}}", "a={b={c=[{d=1}]}}", "'api'.\"port\"=0x50", "''=1", "\"\\u0000\"=1",
		"[demo]\nrate=nan", "[demo]\nrate=9e999", "[stream]\nsend_buffer='-9223372036854775808B'",
		"[stream]\nping_interval=1979-05-27T07:32:00Z", "[auth]\npublish_token=\"\"\"\nx\"\"\"",
		"[events]\ncatalogue='\"\\'", "[api]\ncors_origins=['*',['*']]", "[api]\ntrusted_proxies=['10.0.0.1/8', '::1/128']", "[limits]\nipv6_prefix=0", "[api]\nhost='\xff'",
		"[auth.publisher.a]\ntoken='sha256:0000000000000000000000000000000000000000000000000000000000000000'\nrate=1",
		"auth.publisher={a={token='x'}}", "[auth.publisher]\na=1", "[[auth.subscriber]]", "[auth.subscriber.'']",
		"auth.publisher.a.token.x=1", "[auth.subscriber.a.priority]\nx=1",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := load(Sources{File: "adic.toml"}, data)
		if err != nil {
			checkProblems(t, err, bytes.Count(data, []byte("\n"))+1)
			return
		}
		if err := loaded.Config.Validate(); err != nil {
			t.Fatalf("loaded, but: %v", err)
		}
		for _, k := range Keys() {
			if o, ok := loaded.Origin[k.Name]; !ok || o.Layer > LayerFile {
				t.Errorf("%s comes from %q", k.Name, o)
			}
		}
		if loaded.Config.Auth.JWTSecret != "" {
			loaded.Config.Auth.Subscribe = SubscribeOpen // what is printed lacks the secret, which jwt needs
		}
		want := loaded.Config
		want.Auth.PublishToken, want.Auth.JWTSecret = "", ""
		if got := reload(t, loaded); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// checkProblems checks that err says where in a file of that many lines it is.
func checkProblems(t *testing.T, err error, lines int) {
	problems, ok := errors.AsType[Problems](err)
	if !ok || len(problems) == 0 {
		t.Fatalf("got a %T: %v", err, err)
	}
	for _, p := range problems {
		if p.Origin.Layer != LayerFile || p.Origin.Line < 1 || p.Origin.Line > lines {
			t.Errorf("this is at line %d of %d: %v", p.Origin.Line, lines, p)
		}
		if p.What == "" || p.Remedy == "" || strings.Contains(p.Error(), "\n") {
			t.Errorf("not a line that says what is wrong and what to do: %q", p)
		}
	}
}

// A text that a key takes is printed as one that it takes as the same value,
// and the right form of an origin is an origin.
func FuzzText(f *testing.F) {
	for _, text := range []string{
		"", "0", "-1", "9121", "0x50", "1_000", "64KiB", "1.5MiB", "-1GiB", "9007199254740993KiB", "90s", "1h0m0s",
		"1e3", "nan", "true", "debug", "*", "https://example.org:443/", "example.org:080", "http://[::ffff:7f00:1]:3000,*",
		"fe80::1%eth0", "\x00", "\xff", "***",
	} {
		f.Add(text)
	}
	keys := newTable()
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range keys {
			v, p := k.parse(text)
			if p != nil || k.check(v) != nil {
				continue
			}
			again, p := k.parse(k.format(v))
			if p != nil || !reflect.DeepEqual(again, v) {
				t.Errorf("%s: %q is %v, which is printed as what is read as %v, %v", k.Name, text, v, again, p)
			}
		}
		if right := browserOrigin(text); right != "" && checkOrigin(right) != nil {
			t.Errorf("the origin of %q is %q, which is refused", text, right)
		}
	})
}
