package api

import (
	"context"
	_ "embed"
	"encoding/json"
)

//go:embed openapi.json
var openapi []byte

// description answers GET /api/v1/openapi.json.
func (h *Handler) description(_ context.Context, p *params, _ string) (any, error) {
	return json.RawMessage(openapi), p.err()
}
