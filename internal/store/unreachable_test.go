package store_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

func TestAServerThatCannotBeReachedIsNamedWithWhatToDo(t *testing.T) {
	there, err := url.Parse(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	nobody := *there
	nobody.User, nobody.Path = url.UserPassword("nobody_such", "sesame"), "/postgres"
	nowhere := *there
	nowhere.Path = "/none_such"
	for dsn, says := range map[string]string{
		"postgres://trueup:sesame@127.0.0.1:1/x":                                 "PostgreSQL at 127.0.0.1:1 does not answer: connect: connection refused; start it",
		"postgres://trueup:sesame@nowhere.invalid/x":                             `the host "nowhere.invalid" of the database is not known; correct database`,
		"postgres://trueup:sesame@127.0.0.1:1,127.0.0.1:2/x":                     "PostgreSQL at 127.0.0.1:1 and 127.0.0.1:2 does not answer",
		strings.Replace(there.String(), "sslmode=disable", "sslmode=require", 1): "server refused TLS connection; correct database",
		nowhere.String(): `has no database "none_such"; make it`,
		nobody.String():  `does not let the user "nobody_such" in`,
	} {
		_, err := store.Open(t.Context(), store.Options{DSN: dsn})
		if !errors.Is(err, store.ErrUnreachable) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}
