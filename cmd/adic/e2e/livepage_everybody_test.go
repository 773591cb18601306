package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// Whoever uses a small screen, a dark one, the keyboard or a screen reader can use
// the page; axe-core finds nothing serious.
func TestLivePageIsForEverybody(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=50")
	for _, width := range []int{1280, 390, 320} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%d %s", width, scheme), func(t *testing.T) {
				p := openTab(t, r.http()+"/", map[string]any{"colorScheme": scheme, "viewport": map[string]int{"width": width, "height": 844}})
				p.awaitLive(t, "WebSocket")
				eventually(t, "events show", func() bool { return len(p.texts(t, rows)) > 20 })
				p.act(t, "#types", `fill("nonsense")`)
				p.act(t, "#types", `press("Enter")`)
				p.act(t, "#events", "focus()")
				p.do(t, `await page.keyboard.press("ArrowDown"); await page.keyboard.press("Enter")`, nil)
				p.await(t, "#detail-json", "the event shows", func(text string) bool { return strings.Contains(text, `"timestamp"`) })
				var over int
				p.do(t, "return await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)", &over)
				if over > 0 {
					t.Errorf("the page is %d px wider than the screen", over)
				}
				var found []struct {
					ID, Impact, Help string
					Nodes            []struct{ HTML string }
				}
				p.do(t, "await page.evaluate(axe); return (await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))).violations", &found)
				for _, v := range found {
					t.Errorf("%s (%s): %s\n%+v", v.ID, v.Impact, v.Help, v.Nodes)
				}
				p.do(t, `await page.keyboard.press("Escape")`, nil)
				p.wantNoErrors(t)
			})
		}
	}
}

// However many events come, the page holds few of them, and stays in use.
func TestLivePageUnderLoad(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=1000")
	p := openLivePage(t, r, "WebSocket")
	p.await(t, "#shown", "the page has as many as it keeps", func(text string) bool { return text == "newest 300 of the 2,000 kept" })
	var nodes int
	p.do(t, "return await page.evaluate(() => document.getElementsByTagName('*').length)", &nodes)
	if nodes > 10_000 {
		t.Errorf("the document has %d elements", nodes)
	}
	p.click(t, "#pause")
	p.await(t, "#pause", "the page pauses", func(text string) bool { return text == "Go on" })
	p.wantNoErrors(t)
}
