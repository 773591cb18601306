package e2e

import (
	"path/filepath"
	"testing"
)

// A SIGHUP with a bad file, under load, says why nothing changed, and nobody
// notices; so does one with a bad catalogue.
func TestBadReloadsUnderLoad(t *testing.T) {
	dir := t.TempDir()
	file, catalogue := filepath.Join(dir, "adic.toml"), filepath.Join(dir, "events.json")
	const message = `{"name":"MessageAdded","alias":"message.new","priority":"high","fields":[{"name":"timestamp","type":"timestamp"}]}`
	const good = `{"events":[` + message + `]}`
	mustWrite(t, catalogue, good)
	base := "[events]\ncatalogue = \"" + catalogue + "\"\nhigh_priority_buffer = 60000\n"
	mustWrite(t, file, base)
	r := startOdd(t, nil, "--config", file, "--auth.publish_token", publishToken, "--stream.drain_timeout", "1s")
	c := newCrowd(t, r.addr)
	c.follow(t, 30)
	c.visit(2)
	c.publish(2)

	for _, bad := range []string{"[api\n", "[api]\nport = \"http\"\n", "[limits]\nnone = 1\n", "[events]\nhigh_priority_buffer = 0\n"} {
		before := c.count()
		r.reload(t, file, bad, notReloaded)
		eventually(t, "events are published", func() bool { return c.count() >= before+100 })
	}
	mustWrite(t, catalogue, `{"events":[`)
	r.reload(t, file, base, notReloaded)
	mustWrite(t, catalogue, `{"events":[`+message+`,{"name":"New","alias":"new.one","priority":"low","fields":[{"name":"timestamp","type":"timestamp"}]}]}`)
	lines := r.reload(t, file, base, reloaded)
	if first := lines[0]["msg"]; first != "configuration change needs a restart: the catalogue" {
		t.Errorf("about another catalogue the log says %v", first)
	}
	before := c.count()
	eventually(t, "events are published", func() bool { return c.count() >= before+100 })
	c.hush(t)
	c.wantAll(t)
	c.leave()
	for _, what := range c.refused {
		t.Errorf("refused: %s", what)
	}
	for i, f := range c.followers {
		if len(f.ends) > 0 || f.opened != 1 {
			t.Errorf("client %d was cut off: %v", i, f.ends)
		}
	}
	if c.turned > 0 {
		t.Errorf("%d requests were answered with 503", c.turned)
	}
}
