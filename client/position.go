package client

import (
	"context"
	"encoding/json"
)

// Present returns the cursor of the present end of a router's stream: where one would
// go on who wants only what is emitted from now on. It is "" for a node that gives its
// events no cursors. Of the options it uses Token, Header and HTTP.
func Present(ctx context.Context, rawURL string, o Options) (cursor string, err error) {
	f, token, err := once(ctx, rawURL, o)
	if err != nil {
		return "", err
	}
	return f.present(ctx, token)
}

// Info is what a router says of itself.
type Info struct {
	Status   string   `json:"status"`
	Reasons  []string `json:"reasons"`
	Instance string   `json:"instance"` // of the process; a node has none
	Upstream []string `json:"upstream"` // the instances that a relay has its events from, the nearest first
}

// About asks a router for its health (GET /v1/health/streaming). Of the options it uses
// Token, Header and HTTP. A router that drains answers with a *StatusError.
func About(ctx context.Context, rawURL string, o Options) (Info, error) {
	var info Info
	f, token, err := once(ctx, rawURL, o)
	if err != nil {
		return info, err
	}
	body, err := f.get(ctx, "/v1/health/streaming", nil, token)
	if err == nil {
		err = json.Unmarshal(body, &info)
	}
	return info, err
}

// once is a follower that follows nothing, for single requests, and its token.
func once(ctx context.Context, rawURL string, o Options) (f *follower, token string, err error) {
	base, err := parseURL(rawURL)
	if err != nil {
		return nil, "", err
	}
	o.Events, o.Priorities, o.Since = nil, nil, ""
	if err := o.complete(); err != nil {
		return nil, "", err
	}
	f = &follower{Client: &Client{o: o, base: base, http: o.HTTP}}
	token, err = f.token(ctx)
	return f, token, err
}
