package main

import (
	"fmt"
	"slices"
	"strings"
)

// row is a server under a load.
type row struct {
	server string
	first  spread
}

// rows are the servers that have a figure under a load, the best first.
func (r *results) rows(load string, f figure, more bool) (rows []row) {
	for _, name := range serverNames() {
		if s, ok := r.of(load, name, f); ok {
			rows = append(rows, row{name, s})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		less := a.first.median < b.first.median
		switch {
		case a.first.median == b.first.median:
			return 0
		case less != more:
			return -1
		}
		return 1
	})
	return rows
}

func (r *results) writeTable(b *strings.Builder, l load, columns []column, more bool) {
	title := l.title
	if len(columns) == 1 && !strings.Contains(title, "idle") {
		title = title[strings.LastIndex(title, " to ")+len(" to "):] + ", before the first event"
	}
	if s, ok := r.of(l.name, router, columns[0].figure); ok && s.runs > 1 {
		title += fmt.Sprintf(" (%d runs)", s.runs)
	}
	fmt.Fprintf(b, "### %s%s\n\n", strings.ToUpper(title[:1]), title[1:])
	b.WriteString("| server | to the floor | to the best peer |")
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.title)
	}
	b.WriteString("\n| --- | ---: | ---: |" + strings.Repeat(" ---: |", len(columns)) + "\n")
	rows := r.rows(l.name, columns[0].figure, more)
	to := func(mine spread, others []row) string {
		if len(others) == 0 || others[0].first.median == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", mine.median/others[0].first.median)
	}
	floor := rowsOf(rows, "floor")
	best := rowsOf(rows, peerNames()...)
	for _, row := range rows {
		fmt.Fprintf(b, "| %s | %s | %s |", emphasized(row.server), to(row.first, floor), to(row.first, best))
		for _, c := range columns {
			b.WriteString(" " + r.cell(l.name, row.server, c) + " |")
		}
		b.WriteString("\n")
	}
	// Who has nothing in the first column is not left out.
	for _, name := range serverNames() {
		if r.reported(l.name, name) && len(rowsOf(rows, name)) == 0 {
			fmt.Fprintf(b, "| %s | | |", emphasized(name))
			for _, c := range columns {
				b.WriteString(" " + r.cell(l.name, name, c) + " |")
			}
			b.WriteString("\n")
		}
	}
	for _, name := range serverNames() {
		for _, reason := range r.failures(l.name, name) {
			fmt.Fprintf(b, "\n%s: %s\n", name, reason)
		}
	}
	b.WriteString("\n")
}

func emphasized(server string) string {
	if server == router {
		return "**" + server + "**"
	}
	return server
}

// rowsOf returns the rows of some servers, in their order.
func rowsOf(rows []row, servers ...string) (some []row) {
	for _, row := range rows {
		if slices.Contains(servers, row.server) {
			some = append(some, row)
		}
	}
	return some
}

// cell is a figure with its spread, or a dash.
func (r *results) cell(load, server string, c column) string {
	s, ok := r.of(load, server, c.figure)
	if !ok {
		return "–"
	}
	text := fmt.Sprintf(c.format, s.median)
	if least, most := fmt.Sprintf(c.format, s.least), fmt.Sprintf(c.format, s.most); least != most {
		text += " (" + least + "–" + most + ")"
	}
	return text
}
