package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A refusal is an error whose text is for the client.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// problems are what is wrong with a request, to be reported all at once.
type problems []string

func (p *problems) note(format string, args ...any) {
	*p = append(*p, fmt.Sprintf(format, args...))
}

// err returns what is wrong as one error, or nil.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	const most = 8 // the sender decides how many there are
	if len(p) > most {
		p = append(p[:most:most], fmt.Sprintf("and %d more", len(p)-most))
	}
	return &refusal{http.StatusBadRequest, strings.Join(p, "; ")}
}

// quote returns what came with a request for an error message: in quotes, printable,
// and cut.
func quote(s string) string {
	const most = 40 // bytes
	if len(s) <= most {
		return strconv.Quote(s)
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return strconv.Quote(s[:end]) + "…"
}
