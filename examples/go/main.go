// Command go follows a router, or a node, and prints its events, one a line. After a
// loss of the connection it goes on where it was; what was lost is a line of its own.
//
//	go run ./examples/go http://localhost:9121
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/adic-network/router/client"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./examples/go URL")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := follow(ctx, os.Args[1]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func follow(ctx context.Context, url string) error {
	c, err := client.Dial(ctx, url, client.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintln(os.Stderr, "connected over", c.State().Transport)
	for event, err := range c.Events(ctx) {
		var gap *client.Gap
		switch {
		case errors.As(err, &gap):
			fmt.Println(gap) // and go on
		case err != nil:
			return err
		default:
			fmt.Printf("%s\n", event.Data)
		}
	}
	return nil
}
