package main

import (
	"strings"
	"testing"
)

func TestAnAddressThatIsShownHoldsNoPassword(t *testing.T) {
	for _, dsn := range []string{
		"postgres://u:canary@h/db", "postgres://u@h/db?password=canary&sslmode=require", "postgres://u@h/db?sslkey=k.pem&sslpassword=canary", "postgres://u:canary@h:port/db",
	} {
		if got := withoutPassword(dsn); strings.Contains(got, "canary") || !strings.HasPrefix(got, "postgres://") {
			t.Errorf("%s is shown as %s", dsn, got)
		}
	}
}
