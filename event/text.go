package event

import (
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEcho is the most bytes of somebody's input that an error repeats.
const maxEcho = 40

// quote returns s for an error message: in quotes, printable, and cut.
func quote(s string) string {
	if short := cut(s, maxEcho); len(short) < len(s) {
		return strconv.Quote(short) + "…"
	}
	return strconv.Quote(s)
}

// printable returns raw JSON for an error message: as it came, but cut and
// with everything escaped that a terminal would not show as itself.
func printable(raw []byte) string {
	short := cut(string(raw[:min(len(raw), maxEcho+utf8.UTFMax)]), maxEcho)
	var b strings.Builder
	for _, r := range short {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	if len(short) < len(raw) {
		b.WriteString("…")
	}
	return b.String()
}

// cut returns the first n bytes of s, or a little less so as not to cut a
// character in two.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}

// didYouMean returns the candidate nearest to name as the end of an error
// message, or "" if none is near.
func didYouMean(name string, candidates iter.Seq[string]) string {
	if best := nearest(name, candidates); best != "" {
		return " (did you mean " + strconv.Quote(best) + "?)"
	}
	return ""
}

// nearest returns the candidate that name was most likely meant to be, or ""
// if none is near. Case and separators do not count: a name in another style
// is as good as right.
func nearest(name string, candidates iter.Seq[string]) string {
	name = fold(name)
	best, limit := "", 1+len(name)/4
	for c := range candidates {
		if d := distance(name, fold(c), limit); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r == ' ' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// distance returns the number of bytes to insert, delete or replace to make b
// of a, or a number over limit if there are more than limit.
func distance(a, b string, limit int) int {
	const longest = 64
	if len(a) > longest || len(b) > longest || max(len(a)-len(b), len(b)-len(a)) > limit {
		return limit + 1
	}
	// row[j] is the distance of a[:i] and b[:j].
	var row [longest + 1]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
