package e2e

import (
	"encoding/json"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The dashboards are what Grafana's schema says a dashboard is, down to the options of
// each panel and its queries: no key that Grafana does not know, none missing that it
// needs, each of the right type. (Of what an enum may be the library knows nothing.) No
// two panels lie upon each other, and each asks the data source that was chosen.
func TestDashboardsAreOfTheSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, file := range []string{"grafana/adic.json", "grafana/adic-explorer.json"} {
		t.Run(file, func(t *testing.T) {
			text := []byte(deployFile(t, file))
			//lint:ignore SA1019 the schema of version 2 is not yet what Grafana provisions from files
			var whole dashboard.Dashboard
			// The library returns an error without text where there is none.
			if err := whole.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
				t.Fatalf("not of the schema:\n%v", err)
			}
			if err := json.Unmarshal(text, &whole); err != nil {
				t.Fatal(err)
			}
			if err := whole.Validate(); err != nil {
				t.Errorf("not valid:\n%v", err)
			}
			var d struct {
				Panels []struct {
					ID                       int
					Type, Title, Description string
					Datasource               struct{ UID string }
					Targets                  []struct{ Expr string }
					GridPos                  struct{ X, Y, W, H int }
				}
			}
			if err := json.Unmarshal(text, &d); err != nil {
				t.Fatal(err)
			}
			ids, places := map[int]bool{}, map[[2]int]string{}
			for _, p := range d.Panels {
				if ids[p.ID] {
					t.Errorf("%s has no ID of its own", p.Title)
				}
				ids[p.ID] = true
				if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 || p.Description == "") {
					t.Errorf("%s asks nothing, or not the data source that was chosen, or does not say what it shows", p.Title)
				}
				if at := p.GridPos; at.W == 0 || at.H == 0 || at.X+at.W > 24 {
					t.Errorf("%s is nowhere, or beyond the right edge", p.Title)
				}
				for x := range p.GridPos.W {
					for y := range p.GridPos.H {
						place := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
						if other := places[place]; other != "" {
							t.Fatalf("%s lies upon %s", p.Title, other)
						}
						places[place] = p.Title
					}
				}
			}
			if len(ids) < 10 {
				t.Errorf("%d panels", len(ids))
			}
		})
	}
}
