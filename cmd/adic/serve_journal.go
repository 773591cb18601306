package main

import (
	"log/slog"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/journal"
)

// openJournal opens the journal that events.journal asks for; without one it
// returns nil.
func openJournal(cfg *config.Config, catalogue *event.Catalogue, set *metrics.Set, log *slog.Logger) (*journal.Journal, error) {
	if cfg.Events.Journal == "" {
		return nil, nil
	}
	j, err := journal.Open(journal.Options{
		Dir:       cfg.Events.Journal,
		Sync:      cfg.Events.JournalSync,
		Retain:    routerSettings(cfg).Retain,
		Catalogue: catalogue,
		Log:       log,
	})
	if err != nil {
		return nil, err
	}
	found := j.Restart()
	log.Info("journal opened", "directory", cfg.Events.Journal, "sync", cfg.Events.JournalSync.String(),
		"restored", found.Restored, "cursors_valid", found.NewEpoch == "")
	gauge := func(name string, value func() float64) { set.NewGauge(name, value) }
	gauge("adic_journal_restored_events", func() float64 { return float64(found.Restored) })
	gauge("adic_journal_cut_bytes", func() float64 { return float64(found.CutBytes) })
	gauge("adic_journal_skipped_events", func() float64 { return float64(found.Skipped) })
	gauge("adic_journal_writable", func() float64 {
		if j.Err() != nil {
			return 0
		}
		return 1
	})
	return j, nil
}

// closeJournal syncs the journal and notes that nothing is missing from it.
func closeJournal(j *journal.Journal, log *slog.Logger) {
	if err := j.Close(); err != nil {
		log.Error("journal: the next start finds it as after a crash", "error", err)
	}
}
