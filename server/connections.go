package server

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// connectionsPage is the answer of GET /admin/connections.
type connectionsPage struct {
	Total       int              `json:"total"` // of all connections, listed or not
	Connections []connectionJSON `json:"connections"`
}

// connectionJSON is a connection as operators see it.
type connectionJSON struct {
	ID         string    `json:"id"`
	Transport  string    `json:"transport"` // websocket or sse
	Address    string    `json:"address"`
	User       string    `json:"user"` // empty without a credential
	Events     []string  `json:"events"`
	Priorities []string  `json:"priorities"`
	Format     string    `json:"format"`
	Since      time.Time `json:"since"`
	Lag        classes   `json:"lag"`     // events that it wants and has not got yet
	Dropped    classes   `json:"dropped"` // events that it wanted and will not get
	Messages   uint64    `json:"messages"`
	Bytes      uint64    `json:"bytes"`
	Blocked    bool      `json:"blocked"` // its client does not read as fast as it is written to
}

type classes struct {
	High   uint64 `json:"high"`
	Medium uint64 `json:"medium"`
	Low    uint64 `json:"low"`
}

func byClass(n [event.NumPriorities]uint64) classes {
	return classes{n[event.High], n[event.Medium], n[event.Low]}
}

// orders are the values of the parameter sort.
var orders = map[string]actors.Order{
	"lag": actors.ByLag, "drops": actors.ByDropped, "bytes": actors.ByBytes, "age": actors.ByAge,
}

const (
	usualConnections = 20
	mostConnections  = 1000
)

// listConnections serves GET /admin/connections.
func (s *Server) listConnections(ctx *fasthttp.RequestCtx) {
	by, limit, err := listParams(ctx.QueryArgs())
	if err != nil {
		s.metrics.reject(badParameter)
		refuse(ctx, fasthttp.StatusBadRequest, "%v", err)
		return
	}
	found, total, err := s.router.Connections(ctx, by, limit)
	if err != nil {
		s.log.Error("cannot list connections", "error", err)
		refuse(ctx, fasthttp.StatusInternalServerError, "%v", err)
		return
	}
	page := connectionsPage{Total: total, Connections: make([]connectionJSON, 0, len(found))}
	for _, c := range found {
		page.Connections = append(page.Connections, s.describe(&c))
	}
	writeJSON(ctx, page)
}

// listParams reads the query. A name that it does not know is an error: an
// operator who mistyped it would be shown something else than asked for.
func listParams(args *fasthttp.Args) (by actors.Order, limit int, err error) {
	var wrong problems
	limit = usualConnections
	for name, value := range args.All() {
		switch name, value := string(name), string(value); name {
		case "sort":
			var known bool
			if by, known = orders[value]; !known {
				wrong.note(fmt.Errorf("sort is none of %s", strings.Join(slices.Sorted(maps.Keys(orders)), ", ")))
			}
		case "limit":
			if limit, err = strconv.Atoi(value); err != nil || limit < 1 || limit > mostConnections {
				wrong.note(fmt.Errorf("limit is not a number from 1 to %d", mostConnections))
			}
		default:
			wrong.note(fmt.Errorf("unknown parameter; there are sort and limit"))
		}
	}
	return by, limit, wrong.err()
}

func (s *Server) describe(c *actors.ConnectionInfo) connectionJSON {
	d := connectionJSON{
		ID: c.ID, Transport: "websocket", Address: c.Address, User: c.User,
		Events: []string{"all"}, Priorities: []string{}, Format: c.Format.String(), Since: c.Since.UTC().Truncate(time.Second),
		Lag: byClass(c.Lag), Dropped: byClass(c.Dropped), Messages: c.Messages, Bytes: c.Bytes, Blocked: c.Blocked,
	}
	if c.SSE {
		d.Transport = "sse"
	}
	if !c.Subscription.All {
		d.Events = append([]string{}, s.catalogue.Names(c.Subscription.Types)...)
	}
	for _, p := range event.Priorities() {
		if c.Subscription.Priorities.Has(p) {
			d.Priorities = append(d.Priorities, p.String())
		}
	}
	return d
}

// closeConnection serves DELETE /admin/connections/ID.
func (s *Server) closeConnection(ctx *fasthttp.RequestCtx, id string) {
	if !s.router.CloseConnection(id) {
		refuse(ctx, fasthttp.StatusNotFound, "there is no connection with this ID; it may have ended")
		return
	}
	s.log.Info("connection closed by the operator", "connection", id, "operator", ctx.RemoteAddr().String())
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}
