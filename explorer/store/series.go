package store

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Series are kept in two resolutions: fine for as long as fineKept, coarse for as long as
// events are.
const (
	fineStep   = 10 * time.Second
	coarseStep = 10 * time.Minute
	fineKept   = 48 * time.Hour
)

// point is a row of series, and pointKey its key.
type point struct {
	Count               int64
	Sum, Min, Max, Last float64
}

type pointKey struct {
	step   int64 // seconds
	metric string
	at     int64
}

type value struct {
	value float64
	at    int64
}

// series is the projection of metrics over time.
type series struct {
	rows   map[pointKey]*point
	latest map[string]value
}

func newSeries() *series {
	return &series{rows: map[pointKey]*point{}, latest: map[string]value{}}
}

// value returns what f adds to the metric.
func (m *Metric) value(f *fact) (float64, bool) {
	if m.class != anyClass && m.class != int(f.Class) {
		return 0, false
	}
	if m.Kind == MetricCount {
		return 1, true
	}
	return f.number(m.field)
}

// each calls do for every metric that f adds to, with its value.
func (p *series) each(f *fact, do func(m *Metric, v float64)) {
	for _, list := range [...][]*Metric{metricsOf[""], metricsOf[f.Type]} {
		for _, m := range list {
			if v, ok := m.value(f); ok {
				do(m, v)
			}
		}
	}
}

func stepOf(us int64, step time.Duration) int64 {
	length := step.Microseconds()
	n := us / length
	if us%length < 0 {
		n--
	}
	return n * length
}

func keys(m *Metric, f *fact) [2]pointKey {
	at := micros(f.counted())
	return [...]pointKey{
		{int64(fineStep / time.Second), m.Name, stepOf(at, fineStep)},
		{int64(coarseStep / time.Second), m.Name, stepOf(at, coarseStep)},
	}
}

func (p *series) note(f *fact) {
	p.each(f, func(m *Metric, _ float64) {
		for _, key := range keys(m, f) {
			p.rows[key] = nil
		}
	})
}

func (p *series) load(ctx context.Context, w *writer) error {
	times := map[int64]map[int64]bool{} // by step
	for key := range p.rows {
		if times[key.step] == nil {
			times[key.step] = map[int64]bool{}
		}
		times[key.step][key.at] = true
	}
	for step, set := range times {
		// All metrics of a time are loaded: most of them are wanted.
		load := many{
			head:    fmt.Sprintf(`SELECT metric, time, count, sum, min, max, last FROM series WHERE step = %d AND time IN (`, step),
			tail:    `)`,
			columns: 1,
		}
		args := make([]any, 0, len(set))
		for at := range set {
			args = append(args, at)
		}
		err := w.query(ctx, load, args, func(row scanner) error {
			key := pointKey{step: step}
			var pt point
			if err := row.Scan(&key.metric, &key.at, &pt.Count, &pt.Sum, &pt.Min, &pt.Max, &pt.Last); err != nil {
				return err
			}
			if _, wanted := p.rows[key]; wanted {
				p.rows[key] = &pt
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *series) apply(f *fact) {
	p.each(f, func(m *Metric, v float64) {
		for _, key := range keys(m, f) {
			if p.rows[key] == nil {
				p.rows[key] = &point{Min: math.Inf(1), Max: math.Inf(-1)}
			}
			pt := p.rows[key]
			pt.Count++
			pt.Sum = finite(pt.Sum + v)
			if m.Kind == MetricCount {
				pt.Min, pt.Max = 0, 0
				continue
			}
			pt.Min, pt.Max, pt.Last = min(pt.Min, v), max(pt.Max, v), v
		}
		if m.Kind == MetricGauge {
			p.latest[m.Name] = value{v, micros(f.Time)}
		}
	})
}

// finite keeps a sum in what JSON can say.
func finite(v float64) float64 { return max(-math.MaxFloat64, min(v, math.MaxFloat64)) }

var (
	saveSeries = many{
		head: `INSERT INTO series (step, metric, time, count, sum, min, max, last) VALUES `,
		tail: ` ON CONFLICT (step, time, metric) DO UPDATE SET count = excluded.count, sum = excluded.sum,
	min = excluded.min, max = excluded.max, last = excluded.last`,
		columns: 8,
	}
	saveLatest = many{
		head:    `INSERT INTO latest (metric, value, time) VALUES `,
		tail:    ` ON CONFLICT (metric) DO UPDATE SET value = excluded.value, time = excluded.time`,
		columns: 3,
	}
)

func (p *series) save(ctx context.Context, w *writer) error {
	args := make([]any, 0, saveSeries.columns*len(p.rows))
	for key, pt := range p.rows {
		args = append(args, key.step, key.metric, key.at, pt.Count, pt.Sum, pt.Min, pt.Max, pt.Last)
	}
	if err := w.exec(ctx, saveSeries, args); err != nil {
		return err
	}
	args = nil
	for metric, v := range p.latest {
		args = append(args, metric, v.value, v.at)
	}
	return w.exec(ctx, saveLatest, args)
}

// Series returns the points of a metric, oldest first, those without a value left out.
// Steps of a multiple of ten minutes reach as far back as events are kept, finer ones two
// days. A point that begins before the span is not among them.
func (s *Store) Series(ctx context.Context, q SeriesQuery) ([]Point, error) {
	m, ok := LookupMetric(q.Metric)
	if !ok {
		return nil, fmt.Errorf("unknown metric %q; see Metrics", q.Metric)
	}
	if q.Step <= 0 || q.Step%fineStep != 0 {
		return nil, fmt.Errorf("step %v is not a multiple of %v", q.Step, fineStep)
	}
	kept := fineStep
	if q.Step%coarseStep == 0 {
		kept = coarseStep
	}
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		from = stepOf(micros(q.From)+q.Step.Microseconds()-1, q.Step)
	}
	if !q.To.IsZero() {
		to = micros(q.To)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT time, count, sum, min, max, last FROM series
		WHERE step = $1 AND metric = $2 AND time >= $3 AND time < $4 ORDER BY time`,
		int64(kept/time.Second), m.Name, from, to)
	if err != nil {
		return nil, fmt.Errorf("cannot read the series of %s: %w", m.Name, classify(err))
	}
	defer rows.Close()
	var points []Point
	for rows.Next() {
		var at int64
		var pt point
		if err := rows.Scan(&at, &pt.Count, &pt.Sum, &pt.Min, &pt.Max, &pt.Last); err != nil {
			return nil, fmt.Errorf("cannot read the series of %s: %w", m.Name, classify(err))
		}
		begins := fromMicros(stepOf(at, q.Step))
		if n := len(points); n > 0 && points[n-1].Time.Equal(begins) {
			points[n-1].add(pt)
			continue
		}
		points = append(points, Point{Time: begins, Count: pt.Count, Sum: pt.Sum, Min: pt.Min, Max: pt.Max, Last: pt.Last})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the series of %s: %w", m.Name, classify(err))
	}
	return points, nil
}

// add adds a later part of the same step.
func (p *Point) add(pt point) {
	p.Count += pt.Count
	p.Sum = finite(p.Sum + pt.Sum)
	p.Min, p.Max, p.Last = min(p.Min, pt.Min), max(p.Max, pt.Max), pt.Last
}
