package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/token"
)

// consentTime is how long a person has for it.
const consentTime = 10 * time.Minute

// errNotGranted means that a person came back without a code.
var errNotGranted = errors.New("access was not granted; run trueup connect again")

// Connecting is how a person is walked through a consent.
type Connecting struct {
	// Show gives the page to open, and where he comes back to from there.
	Show func(page, back string)
	// Paste returns what the person pasted: the code, or the address at which the
	// browser ended. nil waits for him to come back by himself.
	Paste func(ctx context.Context) (string, error)
}

// Connect gets the first token of a connection and stores it in place of any
// other. Where that needs a person's consent, he comes back to this process, to
// the running service, or pastes what he came back with. It returns for which
// account the token is.
func Connect(ctx context.Context, cfg *config.Config, name string, how Connecting) (account string, err error) {
	c := cfg.Connections[name]
	client := dialguard.Client(c.Name, c.AlsoAllow)
	defer client.CloseIdleConnections()
	consent, err := registry.Consent(c, connector.Deps{HTTP: client, Uses: usesOf(cfg, name), FindBy: findBy(cfg, name)})
	if err != nil {
		return "", err
	}
	// The database first: a consent that cannot be stored is not asked for.
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.Reveal(), Migrate: true})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keeper, err := token.New(db, cfg.Key(), name)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, consentTime)
	defer cancel()
	visit, code := connector.NewVisit(), ""
	if back := consent.Redirect(); back != "" {
		show := func() { how.Show(consent.Page(visit), back) }
		switch {
		case how.Paste != nil:
			show()
			code, err = pasted(ctx, back, visit.State, how.Paste)
		case back == c.ReturnAddress():
			code, err = token.Await(ctx, db, cfg.Key(), name, visit.State, consentTime, show)
		default:
			code, err = callback(ctx, back, visit.State, show)
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return "", errors.New("access was not granted within 10 minutes; run trueup connect again")
		case err != nil:
			return "", fmt.Errorf("wait for access to be granted: %w", err)
		case code == "":
			return "", errNotGranted
		}
	}
	granted, account, err := consent.Exchange(ctx, visit, code)
	if err != nil {
		return "", err
	}
	return account, keeper.Put(ctx, granted)
}
