package main

import (
	"bytes"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/journal"
	"github.com/adic-network/router/server"
)

// reloader applies a changed configuration to a running router.
type reloader struct {
	cmd       *cobra.Command
	current   config.Config
	catalogue *event.Catalogue
	level     *slog.LevelVar
	router    *actors.Router
	journal   *journal.Journal // nil without one
	front     *server.Server
	log       *slog.Logger
}

// reload reads the configuration again, applies what can change while running,
// and says what did and what needs a restart. A bad configuration changes
// nothing.
func (r *reloader) reload() {
	loaded, err := loadServeConfig(r.cmd)
	if err != nil {
		r.log.Error("configuration not reloaded, the old one stays in force", "error", err)
		return
	}
	next := config.Reloaded(r.current, loaded.Config)
	if err := next.Validate(); err != nil { // what is new may contradict what stays
		r.log.Error("configuration not reloaded, the old one stays in force", "error", err)
		return
	}
	level, err := parseLevel(next.Log.Level)
	if err != nil {
		r.log.Error("configuration not reloaded, the old one stays in force", "error", err)
		return
	}
	catalogue, err := loadCatalogue(next.Events.Catalogue)
	if err != nil { // the next start would fail
		r.log.Error("configuration not reloaded, the old one stays in force", "error", err)
		return
	}
	if err := r.front.Reload(next); err != nil {
		r.log.Error("configuration not reloaded, the old one stays in force", "error", err)
		return
	}
	if !bytes.Equal(catalogue.JSON(), r.catalogue.JSON()) {
		r.log.Warn("configuration change needs a restart: the catalogue", "file", next.Events.Catalogue,
			"types", catalogue.Len(), "running", r.catalogue.Len())
	}
	applied := 0
	for _, c := range config.Diff(&r.current, &loaded.Config) {
		if c.Reload {
			applied++
			r.log.Info("configuration changed", "key", c.Key, "from", c.Old, "to", c.New)
		} else {
			r.log.Warn("configuration change needs a restart", "key", c.Key, "running", c.Old, "file", c.New)
		}
	}
	r.level.Set(level)
	settings := routerSettings(&next)
	if r.journal != nil {
		r.journal.Retain(settings.Retain) // first: the rings never hold more than it
	}
	r.router.Reload(settings)
	r.current = next
	r.log.Info("configuration reloaded", "changes", applied)
}
