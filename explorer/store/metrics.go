package store

import "slices"

// Metric is something that is measured over time.
type Metric struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"` // count or gauge
	Unit        string `json:"unit"`
	Description string `json:"description"`

	typ   string // of the events that it is made of; empty is all
	class int    // of those events, if typ is empty; -1 is all
	field string // that holds the value of a gauge
}

// The kinds of metric.
const (
	// MetricCount counts events.
	MetricCount = "count"
	// MetricGauge is a value that events tell.
	MetricGauge = "gauge"
)

const anyClass = -1

var metrics = []Metric{
	{"events", MetricCount, "events", "events indexed", "", anyClass, ""},
	{"events.high", MetricCount, "events", "events of high priority", "", 0, ""},
	{"events.medium", MetricCount, "events", "events of medium priority", "", 1, ""},
	{"events.low", MetricCount, "events", "events of low priority", "", 2, ""},
	{"messages", MetricCount, "messages", "messages added", "MessageAdded", anyClass, ""},
	{"finalized", MetricCount, "messages", "messages finalised", "MessageFinalized", anyClass, ""},
	{"rejected", MetricCount, "messages", "messages rejected", "MessageRejected", anyClass, ""},
	{"tips", MetricGauge, "messages", "messages that nothing has approved yet", "TipsUpdated", anyClass, "count"},
	{"diversity.score", MetricGauge, "", "diversity of the tips", "DiversityUpdated", anyClass, "diversity_score"},
	{"energy.total", MetricGauge, "", "energy of all conflicts", "EnergyUpdated", anyClass, "total_energy"},
	{"energy.active_conflicts", MetricGauge, "conflicts", "conflicts that are not resolved", "EnergyUpdated", anyClass, "active_conflicts"},
	{"kcore.finalized", MetricGauge, "messages", "messages that the k-core has finalised", "KCoreUpdated", anyClass, "finalized_count"},
	{"kcore.pending", MetricGauge, "messages", "messages that wait for the k-core", "KCoreUpdated", anyClass, "pending_count"},
	{"admissibility.overall", MetricGauge, "ratio", "messages that are admissible", "AdmissibilityUpdated", anyClass, "overall_rate"},
	{"admissibility.c1", MetricGauge, "ratio", "messages that meet the first condition", "AdmissibilityUpdated", anyClass, "c1_rate"},
	{"admissibility.c2", MetricGauge, "ratio", "messages that meet the second condition", "AdmissibilityUpdated", anyClass, "c2_rate"},
	{"admissibility.c3", MetricGauge, "ratio", "messages that meet the third condition", "AdmissibilityUpdated", anyClass, "c3_rate"},
	{"economics.circulating", MetricGauge, "ADIC", "supply in circulation", "EconomicsUpdated", anyClass, "circulating_supply"},
	{"economics.treasury", MetricGauge, "ADIC", "balance of the treasury", "EconomicsUpdated", anyClass, "treasury_balance"},
	{"economics.total", MetricGauge, "ADIC", "total supply", "EconomicsUpdated", anyClass, "total_supply"},
}

// Metrics returns what there are series of. The caller owns the result.
func Metrics() []Metric { return slices.Clone(metrics) }

// LookupMetric returns the metric with the name.
func LookupMetric(name string) (Metric, bool) {
	i := slices.IndexFunc(metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return metrics[i], true
}

// metricsOf are the metrics by the type of event, those of all events under "".
var metricsOf = func() map[string][]*Metric {
	of := map[string][]*Metric{}
	for i := range metrics {
		of[metrics[i].typ] = append(of[metrics[i].typ], &metrics[i])
	}
	return of
}()
