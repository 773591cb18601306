package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
)

// A jsonPrinter prints every event whole, one a line, and losses as JSON on
// standard error.
type jsonPrinter struct {
	out, errors io.Writer
}

func (p *jsonPrinter) event(data []byte) error { return printJSON(p.out, data) }

func (p *jsonPrinter) lagged(gap *client.Gap) error {
	return printJSON(p.errors, gap.Dropped.AppendMessage(nil))
}

func printJSON(out io.Writer, data []byte) error {
	_, err := out.Write(append(printableJSON(data), '\n'))
	return err
}

// A linePrinter prints events for people.
type linePrinter struct {
	out, errors io.Writer
	color       bool
	// types returns the router's catalogue, for the priorities, which events do not
	// carry; nil if it is not known.
	types func() *event.Catalogue
	zone  *time.Location // in which times are shown
}

// Colours of the priorities, and their end (ECMA-48 SGR).
var priorityColors = [event.NumPriorities]string{
	event.High:   "\x1b[1;31m",
	event.Medium: "\x1b[33m",
	event.Low:    "\x1b[2m",
}

const colorEnd = "\x1b[0m"

func (p *linePrinter) event(data []byte) error {
	e, err := parseShown(data, p.zone)
	if err != nil {
		return fmt.Errorf("an event that is no JSON: %w", err)
	}
	priority, color := "", ""
	if class, ok := p.priority(e.name); ok {
		priority = class.String()
		if p.color {
			color = priorityColors[class]
		}
	}
	var line strings.Builder
	fmt.Fprintf(&line, "%-8s %s%-6s %-24s", e.time, color, priority, printable(e.name))
	if color != "" {
		line.WriteString(colorEnd)
	}
	for _, f := range e.fields {
		fmt.Fprintf(&line, " %s=%s", printable(f.name), compact(f.value))
	}
	line.WriteByte('\n')
	_, err = io.WriteString(p.out, line.String())
	return err
}

// priority returns the priority of a type, if it is known.
func (p *linePrinter) priority(name string) (event.Priority, bool) {
	types := p.types()
	if types == nil {
		return 0, false
	}
	id, ok := types.Lookup(name)
	if !ok {
		return 0, false
	}
	return types.Type(id).Priority, true
}

func (p *linePrinter) lagged(gap *client.Gap) error {
	var lost []string
	for _, class := range event.Priorities() {
		switch count := gap.Dropped.Counts[class]; {
		case gap.Dropped.Unknown[class]:
			lost = append(lost, "an unknown number of "+class.String())
		case count > 0:
			lost = append(lost, fmt.Sprintf("%s %s", thousands(count), class))
		}
	}
	_, err := fmt.Fprintf(p.errors, "adic: lagged: lost %s events\n", strings.Join(lost, ", "))
	return err
}

// shown is what a line shows of an event.
type shown struct {
	name   string
	time   string // of the day, here; "" if the event has none
	fields []shownField
}

type shownField struct {
	name  string
	value json.RawMessage
}

// parseShown reads an event in the flat or the tagged form.
func parseShown(data []byte, zone *time.Location) (shown, error) {
	fields, err := parseObject(data)
	if err != nil {
		return shown{}, err
	}
	var e shown
	if i := len(fields) - 1; i == 1 && fields[1].name == "data" && fields[1].value[0] == '{' {
		inner, err := parseObject(fields[1].value)
		if err != nil {
			return shown{}, err
		}
		fields = append(fields[:1], inner...)
	}
	for _, f := range fields {
		switch f.name {
		case "type":
			e.name = text(f.value)
		case "timestamp":
			e.time = timeOfDay(f.value, zone)
		default:
			e.fields = append(e.fields, f)
		}
	}
	return e, nil
}

// parseObject returns the members of an object in their order.
func parseObject(data []byte) ([]shownField, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil {
		return nil, err
	} else if start != json.Delim('{') {
		return nil, fmt.Errorf("expected an object, not %v", start)
	}
	var fields []shownField
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		fields = append(fields, shownField{fmt.Sprint(name), value})
	}
	return fields, nil
}

// text returns a JSON string's text, and other values as they are.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return string(value)
	}
	return s
}

// timeOfDay reads a time in RFC 3339 or Unix seconds.
func timeOfDay(value json.RawMessage, zone *time.Location) string {
	t, err := time.Parse(time.RFC3339, text(value))
	if err != nil {
		seconds, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil {
			return ""
		}
		t = time.Unix(seconds, 0)
	}
	return t.In(zone).Format(time.TimeOnly)
}

// compact returns a value as it fits into a line.
func compact(value json.RawMessage) string {
	const longestWord, longestText, mostElements = 20, 60, 3
	switch value[0] {
	case '"':
		s := text(value)
		if strings.ContainsFunc(s, func(c rune) bool { return c == ' ' || c == '"' || c == '=' || !strconv.IsPrint(c) }) || s == "" {
			return strconv.Quote(clip(s, longestText))
		}
		return clip(s, longestWord)
	case '[':
		var elements []json.RawMessage
		if json.Unmarshal(value, &elements) != nil {
			break
		}
		shown := make([]string, 0, mostElements+1)
		for i, element := range elements {
			if i == mostElements {
				shown = append(shown, fmt.Sprintf("+%d", len(elements)-mostElements))
				break
			}
			shown = append(shown, compact(element))
		}
		return "[" + strings.Join(shown, " ") + "]"
	}
	return printable(clip(string(value), longestText))
}
