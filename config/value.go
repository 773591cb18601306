package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parse reads the text of an environment variable or flag. The value it
// returns has the type of the key's field.
func (k *Key) parse(text string) (any, *Problem) {
	switch k.Type {
	case TypeString:
		return text, nil
	case TypeList:
		return parseList(text), nil
	}
	if text == "" {
		return nil, &Problem{What: "is set to nothing", Remedy: k.remedy() + ", or leave it unset"}
	}
	var v any
	var err error
	switch k.Type {
	case TypeInteger:
		v, err = strconv.Atoi(text)
	case TypeSize:
		v, err = parseSize(text)
	case TypeNumber:
		v, err = strconv.ParseFloat(text, 64)
	case TypeDuration:
		v, err = time.ParseDuration(text)
	case TypeBoolean:
		v, err = strconv.ParseBool(text)
	}
	if err != nil {
		return nil, &Problem{What: quote(text) + " is not " + k.kind(), Remedy: k.remedy()}
	}
	return v, nil
}

func (k *Key) mustParse(text string) any {
	v, p := k.parse(text)
	if p != nil {
		panic("config: " + k.Name + ": " + p.What)
	}
	return v
}

// convert takes a value as the TOML decoder returns it.
func (k *Key) convert(v any) (any, *Problem) {
	switch v := v.(type) {
	case string:
		switch k.Type {
		case TypeString, TypeSize, TypeDuration:
			return k.parse(v)
		}
	case int64:
		switch k.Type {
		case TypeInteger, TypeSize:
			if int64(int(v)) != v {
				return nil, k.outOfRange(v)
			}
			return int(v), nil
		case TypeNumber:
			return float64(v), nil
		}
	case float64:
		if k.Type == TypeNumber {
			return v, nil
		}
	case bool:
		if k.Type == TypeBoolean {
			return v, nil
		}
	case []any:
		if k.Type == TypeList {
			return convertList(v)
		}
	}
	got := describe(v)
	if k.Secret || k.form == "token_hash" {
		got = "its value"
	}
	return nil, &Problem{What: got + " is not " + k.kind(), Remedy: k.remedyTOML(v)}
}

func convertList(elements []any) (any, *Problem) {
	var list []string
	for i, e := range elements {
		s, ok := e.(string)
		if !ok {
			return nil, &Problem{
				What:   fmt.Sprintf("element %d of the list, %s, is not text", i+1, describe(e)),
				Remedy: "put each element in quotes",
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// format returns the text that parse reads as v.
func (k *Key) format(v any) string {
	switch v := v.(type) {
	case int:
		if k.Type == TypeSize {
			return formatSize(v)
		}
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Duration:
		return formatDuration(v)
	case bool:
		return strconv.FormatBool(v)
	case []string:
		return strings.Join(v, ",")
	}
	return v.(string)
}

// formatTOML returns the TOML literal that convert takes as v.
func (k *Key) formatTOML(v any) string {
	switch v := v.(type) {
	case string:
		return quoteTOML(v)
	case time.Duration:
		return quoteTOML(k.format(v))
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = quoteTOML(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case float64:
		// TOML's floats have a decimal point; its integers are taken too, but
		// hide that a fraction is allowed.
		if text := k.format(v); !strings.Contains(text, ".") {
			return text + ".0"
		}
	case int:
		if text := k.format(v); text != strconv.Itoa(v) {
			return quoteTOML(text)
		}
	}
	return k.format(v)
}

// show returns v for people, without what is secret.
func (k *Key) show(v any) string {
	if k.Secret {
		return mask(k.format(v))
	}
	return k.format(v)
}

// kind names the type in a sentence.
func (k *Key) kind() string {
	if k.Type == TypeInteger {
		return "an integer"
	}
	return "a " + k.Type
}

// remedy says what text would do.
func (k *Key) remedy() string {
	switch k.Type {
	case TypeSize:
		return "use " + k.allowed() + ", in bytes or with B, KiB, MiB or GiB behind the number"
	case TypeDuration:
		return "use " + k.allowed() + ", with a unit, such as 90s or 1m30s"
	}
	return "use " + k.allowed()
}

// remedyTOML says what would do instead of v in a file.
func (k *Key) remedyTOML(v any) string {
	_, text := v.(string)
	switch k.Type {
	case TypeString:
		return "put it in quotes"
	case TypeList:
		return `write a list of texts: ["a", "b"]`
	case TypeDuration:
		return k.remedy() + ", in quotes"
	case TypeSize:
		return k.remedy()
	}
	if text {
		return k.remedy() + ", without quotes"
	}
	return k.remedy()
}

func (k *Key) outOfRange(v any) *Problem {
	return &Problem{What: fmt.Sprint(v, " is out of range"), Remedy: "use " + k.allowed()}
}

// describe names a decoded TOML value and its type.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return "the text " + quote(v)
	case int64:
		return fmt.Sprint("the integer ", v)
	case float64:
		return fmt.Sprint("the number ", v)
	case bool:
		return fmt.Sprint("the boolean ", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return fmt.Sprint("the time ", v)
}

// quote returns s in quotes and on one line, shortened if it is long.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return strconv.Quote(string(r[:most])) + "..."
	}
	return strconv.Quote(s)
}

func parseList(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// formatDuration is time.Duration's String without the zeros at its end: "1h"
// where that says "1h0m0s".
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseSize reads a number of bytes, with or without a unit.
func parseSize(text string) (int, error) {
	unit := int64(1)
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, err
	}
	// The bounds keep n*unit from overflowing.
	if most := int64(math.MaxInt) / unit; n > most || n < -most {
		return 0, strconv.ErrRange
	}
	return int(n * unit), nil
}

// formatSize writes n with the largest unit that divides it.
func formatSize(n int) string {
	for _, u := range sizeUnits {
		if n != 0 && u.bytes > 1 && int64(n)%u.bytes == 0 {
			return strconv.FormatInt(int64(n)/u.bytes, 10) + u.name
		}
	}
	return strconv.Itoa(n)
}
