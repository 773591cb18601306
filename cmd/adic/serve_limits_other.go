//go:build !unix

package main

import (
	"log/slog"

	"github.com/adic-network/router/config"
)

// raiseDescriptorLimit has nothing to do: the system has no such limit.
func raiseDescriptorLimit(*slog.Logger, *config.Config) {}
