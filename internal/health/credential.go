package health

import (
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
)

const (
	day = 24 * time.Hour
	// rotateAhead is how long before a credential should be replaced people are
	// warned, and idleAhead how long before an unused one ends.
	rotateAhead = 10 * day
	idleAhead   = 30 * day
)

// CredentialOf is the check of a credential that was first used here at first.
// A tool does not tell how old it is.
func CredentialOf(connection string, c config.Credential, first, now time.Time) Check {
	age := now.Sub(first)
	text := fmt.Sprintf("%s was first used here on %s, %s", c.Key, first.UTC().Format(time.DateOnly), ago(age))
	switch {
	case c.Rotate == 0:
		return pass(Credential, connection, text)
	case age >= c.Rotate-rotateAhead:
		return warning(Credential, connection, text+fmt.Sprintf("; the tool advises a new one after %s", days(c.Rotate)),
			"make a new one in the tool and write it as "+c.Key)
	}
	return pass(Credential, connection, text+fmt.Sprintf("; the tool advises a new one after %s", days(c.Rotate)))
}

// ConsentOf is the check of a refresh token that was renewed last at renewed, zero
// when no one has given consent.
func ConsentOf(connection string, c config.Credential, renewed, now time.Time) Check {
	if renewed.IsZero() {
		return warning(Credential, connection, "no one has given consent yet", "connect the account")
	}
	age := now.Sub(renewed)
	text := fmt.Sprintf("%s: the consent was renewed last on %s, and ends after %s without use", c.Key, renewed.UTC().Format(time.DateOnly), days(c.Idle))
	switch {
	case age >= c.Idle:
		return fault(Credential, connection, text, "connect the account again")
	case age >= c.Idle-idleAhead:
		return warning(Credential, connection, text, "start the service, which renews it, or connect the account again")
	}
	return pass(Credential, connection, text)
}

func ago(d time.Duration) string {
	if d < day {
		return "today"
	}
	return days(d) + " ago"
}

func days(d time.Duration) string {
	n := int(d / day)
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
