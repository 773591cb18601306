package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// metricNames are those that rules and dashboards are made of.
var metricNames = regexp.MustCompile(`\b(adic_\w+|process_\w+|up)\b`)

// wantMetrics wants every metric of ours in an expression to be one that is documented.
func wantMetrics(t *testing.T, where, expr string) {
	t.Helper()
	help, err := os.ReadFile("../../../server/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range metricNames.FindAllString(expr, -1) {
		if strings.HasPrefix(name, "adic_") && !strings.Contains(string(help), strconv.Quote(strings.TrimSuffix(name, "_bucket"))) {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}

// The alerts are rules that Prometheus takes, and do what their cases say.
func TestAlertsWithPromtool(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", "adic.rules.yml"}, {"test", "rules", "adic.rules_test.yml"},
		{"check", "config", "prometheus.yml"}} {
		cmd := exec.CommandContext(t.Context(), tool(t, "promtool"), args...)
		cmd.Dir = "../../../deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// Each alert has a case in which it fires and one in which it is quiet, both with all that
// it looks at, a text, and a chapter of the runbook where its link leads. Its metrics exist.
func TestAlerts(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      struct{ Severity string }
				Annotations struct {
					Summary, Description string
					Runbook              string `json:"runbook_url"`
				}
			}
		}
	}
	readYAML(t, deployFile(t, "prometheus/adic.rules.yml"), &rules)
	var cases struct {
		Tests []struct {
			Name  string
			Input []struct{ Series string } `json:"input_series"`
			Tests []struct {
				Expr    string
				Samples []struct{ Labels string } `json:"exp_samples"`
			} `json:"promql_expr_test"`
		}
	}
	readYAML(t, deployFile(t, "prometheus/adic.rules_test.yml"), &cases)
	runbook, err := os.ReadFile("../../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, rule := range rules.Groups[0].Rules {
		name := rule.Alert
		names = append(names, name)
		wantMetrics(t, name, rule.Expr)
		if rule.Labels.Severity == "" || rule.Annotations.Summary == "" || rule.Annotations.Description == "" {
			t.Errorf("%s has no severity or no text: %+v", name, rule)
		}
		page, anchor, _ := strings.Cut(rule.Annotations.Runbook, "#")
		if !strings.HasSuffix(page, "/docs/runbook.md") || anchor != strings.ToLower(name) || !strings.Contains(string(runbook), "\n## "+name+"\n") {
			t.Errorf("%s links to %s, where there is nothing", name, rule.Annotations.Runbook)
		}
		for what, fires := range map[string]bool{" is quiet": false, " fires": true} {
			found := false
			for _, c := range cases.Tests {
				if c.Name != name+what {
					continue
				}
				found = true
				var given string
				for _, input := range c.Input {
					given += input.Series + "\n"
				}
				for _, metric := range metricNames.FindAllString(rule.Expr, -1) {
					if !strings.Contains(given, metric+"{") {
						t.Errorf("%s: the case has no %s", c.Name, metric)
					}
				}
				if len(c.Tests) != 1 || !strings.Contains(c.Tests[0].Expr, strconv.Quote(name)) || fires != (len(c.Tests[0].Samples) > 0) {
					t.Errorf("%s: the case expects something else: %+v", c.Name, c.Tests)
				}
			}
			if !found {
				t.Errorf("there is no case %q", name+what)
			}
		}
	}
	for _, name := range []string{"NoEventsEmitted", "HighWebSocketConnections", "EventStreamingDown"} { // of the checklist
		if !slices.Contains(names, name) {
			t.Errorf("there is no alert %s", name)
		}
	}
}
