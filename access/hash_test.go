package access

import (
	"fmt"
	"strings"
	"testing"
)

func ExampleHashToken() {
	fmt.Println(HashToken("adic_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	// Output: sha256:baf308c461e18ae29f85463529c6098a99dc57099072d43d6a8d341fad96b739
}

func TestNewToken(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token := NewToken()
		if err := CheckToken(token); err != nil || len(token) != 48 || seen[token] {
			t.Fatalf("%s: %v, seen before: %t", token, err, seen[token])
		}
		seen[token] = true
	}
}

func TestCheckToken(t *testing.T) {
	good := "adic_" + strings.Repeat("A", 43)
	for name, bad := range map[string]string{
		"nothing": "", "the prefix": "adic_", "another prefix": "ADIC_" + strings.Repeat("A", 43), "no prefix": strings.Repeat("A", 48),
		"too short": good[:47], "too long": good + "A", "padding": good + "=", "a space": good + " ", "line break": good[:20] + "\n" + good[20:],
		"plain base64": good[:10] + "+" + good[11:], "bits of no byte": good[:47] + "B",
	} {
		if err := CheckToken(bad); err == nil {
			t.Errorf("%s: %q is taken", name, bad)
		} else if len(bad) > 20 && strings.Contains(err.Error(), bad[5:]) {
			t.Errorf("%s: the error shows it: %v", name, err)
		}
	}
	if err := CheckToken(good); err != nil {
		t.Error(err)
	}
}

// A text that is taken for a hash is the hash of one token at most, and is written
// as it is read but for the case. Nothing panics.
func FuzzHash(f *testing.F) {
	for _, text := range []string{"", "sha256:", HashToken("a"), strings.ToUpper(HashToken("a")), "sha256:" + strings.Repeat("g", 64),
		"sha512:" + strings.Repeat("0", 64), HashToken("a") + "0", NewToken(), "adic_" + strings.Repeat("A", 43)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := parseHash(text); err == nil {
			if again := hashPrefix + fmt.Sprintf("%x", h); !strings.EqualFold(again, text) {
				t.Errorf("%q is read as %s", text, again)
			}
		} else if len(text) > 8 && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the text: %v", err)
		}
		if err := CheckToken(text); err == nil && (len(text) != 48 || !strings.HasPrefix(text, "adic_")) {
			t.Errorf("%q is taken for a token", text)
		}
		if h, err := parseHash(HashToken(text)); err != nil || h != hashOf(text) {
			t.Errorf("the hash of %q is not read: %v", text, err)
		}
	})
}
