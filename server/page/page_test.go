package page

import (
	"testing"

	"github.com/adic-network/router/web"
	"github.com/adic-network/router/web/webtest"
)

func TestPageHoldsTogether(t *testing.T) {
	assets, err := web.Assets(Files)
	if err != nil {
		t.Fatal(err)
	}
	webtest.HoldsTogether(t, assets, Index)
}
