package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// defaultAdmin is the address that the documentation has for operators.
const defaultAdmin = "http://127.0.0.1:9123"

func newConnectionsCommand() *cobra.Command {
	var admin, sort string
	var limit int
	cmd := &cobra.Command{
		Use:   "connections",
		Short: "List a router's connections, or close one",
		Long: `List the connections of a router, the slowest first, from its admin address
(admin.listen).

LAG and DROPPED are events by class, high/medium/low, of those that the client has
subscribed to: those that wait for it, and those it will not get any more. A
BLOCKED client does not read as fast as it is written to.`,
		Example: `  adic connections
  adic connections --sort drops --limit 100
  adic connections close 4711`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"sort": {sort}, "limit": {strconv.Itoa(limit)}}
			body, err := askAdmin(cmd.Context(), http.MethodGet, admin, "admin/connections", query)
			if err != nil {
				return err
			}
			return printConnections(cmd.OutOrStdout(), body)
		},
	}
	cmd.PersistentFlags().StringVar(&admin, "admin", defaultAdmin, "the admin address of the router, as a `URL`")
	cmd.Flags().StringVar(&sort, "sort", "lag", "`ORDER`: lag, drops, bytes or age")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many to list at most")
	complete(cmd, "sort", "lag", "drops", "bytes", "age")
	closeOne := &cobra.Command{
		Use:   "close ID",
		Short: "Close a connection",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := askAdmin(cmd.Context(), http.MethodDelete, admin, "admin/connections/"+url.PathEscape(args[0]), nil)
			return err
		},
	}
	explainArgs(closeOne)
	cmd.AddCommand(closeOne)
	return cmd
}

// askAdmin makes a request to the admin address of a router and returns the body of
// its answer.
func askAdmin(ctx context.Context, method, admin, path string, query url.Values) ([]byte, error) {
	router, err := parseRouter(admin)
	if err != nil {
		return nil, err
	}
	target := router.JoinPath(path)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("cannot make the request: %w", err)
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return nil, unreachable(router.Redacted(), err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound && method == http.MethodGet:
		return nil, errors.New("this is not the admin address of a router: see admin.listen")
	case res.StatusCode >= http.StatusMultipleChoices:
		return nil, readFailure(res)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read the router's answer: %w", err)
	}
	return body, nil
}

// printConnections prints a table of what a router answered.
func printConnections(w io.Writer, body []byte) error {
	type classes struct{ High, Medium, Low uint64 }
	var page struct {
		Total       int
		Connections []struct {
			ID, Transport, Address, User string
			Events                       []string
			Since                        time.Time
			Lag, Dropped                 classes
			Messages, Bytes              uint64
			Blocked                      bool
		}
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return fmt.Errorf("cannot read the router's answer: %w", err)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tTRANSPORT\tADDRESS\tUSER\tAGE\tLAG\tDROPPED\tMESSAGES\tBYTES\tBLOCKED\tEVENTS")
	for _, c := range page.Connections {
		user := c.User
		if user == "" {
			user = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%v\t%d/%d/%d\t%d/%d/%d\t%d\t%d\t%v\t%s\n", printable(c.ID), printable(c.Transport), printable(c.Address),
			printable(clip(user, 40)), time.Since(c.Since).Round(time.Second), c.Lag.High, c.Lag.Medium, c.Lag.Low,
			c.Dropped.High, c.Dropped.Medium, c.Dropped.Low, c.Messages, c.Bytes, c.Blocked, printable(clip(strings.Join(c.Events, ","), 40)))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d connections\n", len(page.Connections), page.Total)
	return err
}
