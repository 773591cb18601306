package main

import (
	"github.com/adic-network/router/explorer"
	"github.com/adic-network/router/explorer/api"
)

// standing is an indexer as the API asks it how it stands.
type standing struct{ *explorer.Indexer }

// Status implements api.Indexer.
func (i standing) Status() api.Status {
	s := i.Indexer.Status()
	return api.Status{
		Enabled: s.Enabled, Mode: string(s.Mode), Connection: string(s.Connection), Since: s.Since, Node: s.Node,
		LastEvent: s.LastEvent, Reconnects: s.Reconnects, Err: s.Err, ByType: s.ByType, Lost: s.Lost, LastLoss: s.LastLoss,
		Behind: s.Behind, Storing: s.Storing,
	}
}
