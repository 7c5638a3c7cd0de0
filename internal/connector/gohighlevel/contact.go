package gohighlevel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// contact is what is read of a contact, by its id or as a row of a search.
type contact struct {
	ID          string          `json:"id"`
	LocationID  string          `json:"locationId"`
	Email       string          `json:"email"`
	Phone       string          `json:"phone"`
	MoreEmails  []moreEmail     `json:"additionalEmails"`
	FirstName   string          `json:"firstName"`
	LastName    string          `json:"lastName"`
	ContactName string          `json:"contactName"`
	CompanyName string          `json:"companyName"`
	Tags        []string        `json:"tags"`
	Fields      []fieldValue    `json:"customFields"`
	DateUpdated moment          `json:"dateUpdated"`
	Deleted     bool            `json:"deleted"`
	SearchAfter json.RawMessage `json:"searchAfter"`
	// Opportunities are summaries, in rows of a search only.
	Opportunities []opportunity `json:"opportunities"`
}

// moreEmail is a further address of a contact: an object in the descriptions of
// HighLevel's webhooks, read as a plain text too. What is neither is none, so
// that it costs no contact.
type moreEmail string

// UnmarshalJSON implements json.Unmarshaler.
func (m *moreEmail) UnmarshalJSON(text []byte) error {
	var s string
	var object struct {
		Email string `json:"email"`
	}
	if json.Unmarshal(text, &s) != nil && json.Unmarshal(text, &object) == nil {
		s = object.Email
	}
	*m = moreEmail(s)
	return nil
}

// firstMoreEmail is the key of the first further address; those behind it are
// numbered from 2.
const firstMoreEmail = "additional_email"

var numberedEmail = regexp.MustCompile(`^` + firstMoreEmail + `(_[2-9]|_[1-9][0-9])?$`)

func isMoreEmail(key string) bool { return numberedEmail.MatchString(key) }

func moreEmailKey(i int) string {
	if i == 0 {
		return firstMoreEmail
	}
	return fmt.Sprintf("%s_%d", firstMoreEmail, i+1)
}

// fieldValue is the value of one custom field. Fields without one are left out.
type fieldValue struct {
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value"`
}

// text returns the value as one text. What is no single value is returned as
// the JSON it is, which no sync maps.
func (f fieldValue) text() string {
	var s string
	if json.Unmarshal(f.Value, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(f.Value, &list) == nil {
		switch len(list) {
		case 0:
			return ""
		case 1:
			return list[0]
		}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, f.Value) != nil {
		return ""
	}
	return compact.String()
}

// field returns the contact's value of a custom field, "" when it has none.
func (c contact) field(id string) string {
	for _, f := range c.Fields {
		if f.ID == id {
			return f.text()
		}
	}
	return ""
}

func (c contact) name() string {
	if full := strings.TrimSpace(c.FirstName + " " + c.LastName); full != "" {
		return full
	}
	return c.ContactName
}

// keys are the values match rules may use; what is empty is left out. A custom
// field has its key with and without the word contact before it.
func (c contact) keys(known []field, opportunity string) map[string]string {
	all := map[string]string{}
	add := func(key, value string) {
		if _, taken := all[key]; value != "" && key != "" && !taken {
			all[key] = value
		}
	}
	add("id", c.ID)
	add("email", c.Email)
	add("phone", c.Phone)
	for i, more := range c.MoreEmails {
		add(moreEmailKey(i), string(more))
	}
	add("name", c.name())
	add("company_name", c.CompanyName)
	add("opportunity_id", opportunity)
	for _, f := range known {
		value := c.field(f.ID)
		add(f.Key, value)
		add(strings.TrimPrefix(f.Key, contactPrefix), value)
	}
	return all
}

// moment is a time as HighLevel writes it: ISO 8601, or milliseconds in the
// rows of a search.
type moment struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		if s == "" { // null as well
			return nil
		}
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return errors.New("a time is not ISO 8601")
		}
		m.Time = at.UTC()
		return nil
	}
	var ms int64
	if json.Unmarshal(text, &ms) != nil || ms <= 0 || ms > 253402300799999 {
		return errors.New("a time is neither ISO 8601 nor milliseconds")
	}
	m.Time = time.UnixMilli(ms).UTC()
	return nil
}
