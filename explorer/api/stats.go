package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/adic-network/router/explorer/store"
)

// stats answers GET /api/v1/stats.
func (h *Handler) stats(ctx context.Context, p *params, _ string) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	return h.store.Stats(ctx)
}

const (
	// finest is the finest resolution that is kept.
	finest = 10 * time.Second
	// coarsest is the coarsest step that is taken.
	coarsest    = 366 * 24 * time.Hour
	defaultStep = time.Minute
	// defaultSteps is how many steps an answer has if its span has no beginning.
	defaultSteps = 60
	// maxPoints is the most points of an answer, of all its series together: two days
	// of one metric in the finest resolution, and a little more.
	maxPoints = 20_000
)

// series is the answer of GET /api/v1/stats/series.
type series struct {
	Step   int64          `json:"step"` // seconds
	Series []metricPoints `json:"series"`
}

// metricPoints is one metric over time.
type metricPoints struct {
	Metric string        `json:"metric"`
	Kind   string        `json:"kind"` // count or gauge
	Unit   string        `json:"unit"`
	Points []store.Point `json:"points"` // steps without a value are left out
}

// statsSeries answers GET /api/v1/stats/series.
func (h *Handler) statsSeries(ctx context.Context, p *params, _ string) (any, error) {
	wanted, step, span := p.seriesMetrics(), p.step(), p.span()
	if span.To.IsZero() {
		span.To = time.Now().UTC()
		if span.From.After(span.To) {
			p.wrong.note("from lies in the future; give to as well")
		}
	}
	if span.From.IsZero() {
		span.From = span.To.Add(-defaultSteps * step)
	}
	if points := int64(len(wanted)) * (int64(span.To.Sub(span.From)/step) + 1); points > maxPoints && len(p.wrong) == 0 {
		p.wrong.note("this would be up to %d points, at most %d are given at once; take a larger step, a shorter span or fewer metrics", points, maxPoints)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	answer := series{int64(step / time.Second), make([]metricPoints, len(wanted))}
	for i, m := range wanted {
		points, err := h.store.Series(ctx, store.SeriesQuery{Span: span, Metric: m.Name, Step: step})
		if err != nil {
			return nil, err
		}
		answer.Series[i] = metricPoints{m.Name, m.Kind, m.Unit, append([]store.Point{}, points...)}
	}
	return answer, nil
}

// seriesMetrics reads the metrics that are wanted.
func (p *params) seriesMetrics() (wanted []store.Metric) {
	var names []string
	for _, m := range store.Metrics() {
		names = append(names, m.Name)
	}
	all := strings.Join(names, ", ")
	value := p.text("metric")
	if value == "" {
		p.wrong.note("metric is missing; it is one or more of %s, separated by commas", all)
		return nil
	}
	for name := range strings.SplitSeq(value, ",") {
		m, ok := store.LookupMetric(name)
		if !ok || slices.Contains(wanted, m) {
			p.wrong.note("metric has %s, which is unknown or there twice; it is one or more of %s, separated by commas", quote(name), all)
			return nil
		}
		wanted = append(wanted, m)
	}
	return wanted
}

// step reads the step of a series.
func (p *params) step() time.Duration {
	value := p.text("step")
	if value == "" {
		return defaultStep
	}
	step, err := time.ParseDuration(value)
	if err != nil || step < finest || step > coarsest || step%finest != 0 {
		p.wrong.note("step is %s; it is a multiple of 10s up to %.0fh, such as 60s, 10m or 24h", quote(value), coarsest.Hours())
		return defaultStep
	}
	return step
}

// found is the answer of GET /api/v1/search.
type found struct {
	Q     string      `json:"q"`
	Items []store.Hit `json:"items"`
}

// search answers GET /api/v1/search.
func (h *Handler) search(ctx context.Context, p *params, _ string) (any, error) {
	q := strings.TrimSpace(p.short("q")) // what is pasted often comes with some
	if q == "" && len(p.wrong) == 0 {
		p.wrong.note("q is missing; it is an identifier, or its beginning")
	}
	limit := p.limit()
	if err := p.err(); err != nil {
		return nil, err
	}
	hits, err := h.store.Search(ctx, q, limit)
	return found{q, append([]store.Hit{}, hits...)}, err
}
