package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSecretsAreNotShown(t *testing.T) {
	c := Default()
	c.Auth.PublishToken = "46371"
	next := c
	next.Auth.PublishToken = "46371-2"

	changes := Diff(&c, &next)
	if want := []Change{{Key: "auth.publish_token", Old: "***", New: "***", Reload: true}}; !reflect.DeepEqual(changes, want) {
		t.Errorf("a changed secret is %+v, want %+v", changes, want)
	}
	if data, err := json.Marshal(c); err != nil || strings.Contains(string(data), "46371") {
		t.Errorf("JSON shows the secret: %s, %v", data, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{c, &c, c.Auth, &c.Auth} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "46371") || strings.Contains(s, "3436333731") {
				t.Errorf("%s of a %T shows the secret: %s", verb, v, s)
			}
		}
	}
}

// Diff names just the keys that differ, and Reloaded takes over just those
// that can change.
func TestDiffAndReloaded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		running := drawConfig(t, "running")
		next := drawConfig(t, "next")
		now := Reloaded(running, next)
		for _, c := range Diff(&running, &next) {
			if c.Old == c.New && !strings.Contains(c.Old, "***") {
				t.Errorf("%+v is no change", c)
			}
		}
		for _, c := range Diff(&running, &now) {
			if !c.Reload {
				t.Errorf("%s was reloaded", c.Key)
			}
		}
		for _, c := range Diff(&now, &next) {
			if c.Reload {
				t.Errorf("%s was not reloaded", c.Key)
			}
		}
		if again := running; Diff(&running, &again) != nil {
			t.Error("a copy differs")
		}
	})
}
