package store

import "testing"

func TestSize(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		size := func() int64 {
			t.Helper()
			n, err := s.Size(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := size()
		entries, to := demoEntries(t, 1, 3000)
		if err := s.Append(t.Context(), Position{}, entries, to); err != nil {
			t.Fatal(err)
		}
		if after := size(); before <= 0 || after < before+100*3000 {
			t.Errorf("3000 events more took it from %d to %d bytes", before, after)
		}
	})
}
