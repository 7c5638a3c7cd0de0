package gohighlevel

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// contact is what is read of a contact, by its id or as a row of a search.
type contact struct {
	ID          string          `json:"id"`
	LocationID  string          `json:"locationId"`
	Email       string          `json:"email"`
	Phone       string          `json:"phone"`
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
