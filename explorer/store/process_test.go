package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Tests start the test binary again to be another program; a role in the environment says
// which, and another variable with which database.
const (
	roleVariable     = "STORE_TEST_ROLE"
	databaseVariable = "STORE_TEST_DATABASE"

	roleAppend = "append" // without end
	roleOpen   = "open"   // unprivileged
)

func play(role string) int {
	var err error
	switch dsn := os.Getenv(databaseVariable); role {
	case roleAppend:
		err = appendForever(dsn)
	case roleOpen:
		err = openUnprivileged(dsn)
	}
	fmt.Println(err)
	return 0
}

func roleCommand(t *testing.T, role, dsn string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), roleVariable+"="+role, databaseVariable+"="+dsn)
	c.Stderr = os.Stderr
	return c
}

func runRole(t *testing.T, role, dsn string) string {
	t.Helper()
	out, err := roleCommand(t, role, dsn).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// messagesOfStory is how many messages there are in a story, told of again and again.
const messagesOfStory = 40

// story returns the next events of a story that always goes on the same way.
func story(from uint64, count int) ([]Entry, Position) {
	f := newFeed()
	f.at.At.Pos[0] = from
	f.clock = f.clock.Add(time.Duration(from) * time.Second)
	for range count {
		n := f.at.At.Pos[0]
		switch n % 3 {
		case 0:
			f.tell("MessageAdded", fmt.Sprintf(`"message_id":"m%d","depth":1`, n/3%messagesOfStory))
		case 1:
			f.tell("MessageFinalized", fmt.Sprintf(`"message_id":"m%d","finality_type":"kcore"`, n/3%messagesOfStory))
		case 2:
			f.tell("BalanceChanged", fmt.Sprintf(`"address":"a%d","balance_before":"0","balance_after":"%d","change_amount":"1","change_type":"credit"`, n%7, n))
		}
	}
	return f.take()
}

func appendForever(dsn string) error {
	ctx := context.Background()
	s, err := Open(ctx, dsn, Options{})
	if err != nil {
		return err
	}
	for {
		from, err := s.Position(ctx)
		if err != nil {
			return err
		}
		entries, to := story(from.At.Pos[0], 1+rand.IntN(100))
		if err := s.Append(ctx, from, entries, to); err != nil {
			return err
		}
		fmt.Println(to.At)
	}
}

// Whenever the program is killed, what is stored is what the position says.
func TestKill(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		for range 5 {
			c := roleCommand(t, roleAppend, dsn)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			said := ""
			for range 1 + rand.IntN(5) {
				if said, err = lines.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			// It is somewhere in the next transaction, or behind it.
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(lines)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Wait() // it was killed
			checkStory(t, dsn, said+string(rest))
		}
	})
}

func checkStory(t *testing.T, dsn, said string) {
	t.Helper()
	s := open(t, dsn)
	at, err := s.Position(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if at.At.Pos[0] == 0 {
		t.Fatalf("nothing is stored after %q", said)
	}
	m := newModel()
	entries, to := story(0, int(at.At.Pos[0]))
	if at != to {
		t.Fatalf("the position is %v, want %v", at, to)
	}
	for _, e := range entries {
		m.add(e)
	}
	m.check(t, s, 1000)
}
