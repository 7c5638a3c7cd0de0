package makecom

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/connector"
)

// answer is a JSON object by its exact keys: what a scenario says, or an event
// it sends.
type answer map[string]any

// inBase64 ends the key of a text that comes in base64.
const inBase64 = "_base64"

// text returns the text under the key, plain or in base64. An absent one and
// null are not there.
func (a answer) text(key string) (s string, there bool, err error) {
	plain, hasPlain := a[key]
	coded, hasCoded := a[key+inBase64]
	switch {
	case hasPlain && hasCoded:
		return "", false, fmt.Errorf("%s appears twice, plain and in base64", key)
	case hasCoded:
		code, ok := coded.(string)
		if !ok {
			return "", false, fmt.Errorf("%s is not a text", key+inBase64)
		}
		b, err := base64.StdEncoding.Strict().DecodeString(code)
		if err != nil || !utf8.Valid(b) {
			return "", false, fmt.Errorf("%s is not the base64 of a text", key+inBase64)
		}
		return string(b), true, nil
	case !hasPlain || plain == nil:
		return "", false, nil
	}
	s, ok := plain.(string)
	if !ok {
		return "", false, fmt.Errorf("%s is not a text", key)
	}
	return s, true, nil
}

// id returns a text that names something.
func (a answer) id(key string) (string, error) {
	s, _, err := a.text(key)
	switch {
	case err != nil:
		return "", err
	case s == "":
		return "", fmt.Errorf("%s is missing or empty", key)
	case !plausibleID(s):
		return "", fmt.Errorf("%s is too long for an id, or contains a control character", key)
	}
	return s, nil
}

const maxID = 255

func plausibleID(s string) bool {
	return s != "" && len(s) <= maxID && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// time returns a time, zero when it is absent or empty: what nothing is mapped
// to arrives empty from Make.
func (a answer) time(key string) (time.Time, error) {
	s, _, err := a.text(key)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%s is not a time such as 2026-03-01T12:00:00Z; format it with formatDate(...; \"YYYY-MM-DDTHH:mm:ssZ\")", key)
	}
	return t.UTC(), nil
}

// keys returns the values for match rules, without the empty ones.
func (a answer) keys() (map[string]string, error) {
	out := map[string]string{}
	switch given := a["keys"].(type) {
	case nil:
	case map[string]any:
		for name := range given {
			name = strings.TrimSuffix(name, inBase64)
			s, _, err := answer(given).text(name)
			if err != nil {
				// Not the name: it is foreign text.
				return nil, errors.New("a value of keys is not a text, or appears twice")
			}
			if s = strings.TrimSpace(s); s != "" {
				out[name] = s
			}
		}
	default:
		return nil, errors.New("keys is not an object")
	}
	return out, nil
}

// shape is one customer as a scenario tells of it.
type shape struct {
	id, value string
	// hasValue is false when the tool has no status for the customer. Make
	// writes an empty text for what is not there.
	hasValue  bool
	changedAt time.Time
	changedBy string
	keys      map[string]string
}

// shape reads a customer whose id and status stand under these keys.
func (a answer) shape(idKey, valueKey string) (s shape, err error) {
	if s.id, err = a.id(idKey); err != nil {
		return s, err
	}
	if s.value, _, err = a.text(valueKey); err != nil {
		return s, err
	}
	s.hasValue = s.value != ""
	if s.changedAt, err = a.time("changed_at"); err != nil {
		return s, err
	}
	if s.changedBy, _, err = a.text("changed_by"); err != nil {
		return s, err
	}
	s.keys, err = a.keys()
	return s, err
}

// has reports whether a text stands under the key, be it empty.
func (a answer) has(key string) bool {
	_, plain := a[key]
	_, coded := a[key+inBase64]
	return plain || coded
}

// misfit is an answer that does not keep the contract.
func misfit(err error) error {
	return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: "the scenario's answer is not valid: " + err.Error(), Err: err}
}
