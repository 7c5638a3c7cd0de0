package demo

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/strictjson"
)

// contact is a record of the sample CRM, as its API shows it.
type contact struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	ExternalID string    `json:"external_id"`
	Name       string    `json:"name"`
	Status     string    `json:"status"`
	UpdatedAt  time.Time `json:"updated_at"`
	// UpdatedBy is api:<name of the token>, human:<who>, or "" for a record
	// that nobody has touched since it was imported.
	UpdatedBy string `json:"updated_by"`
	// ETag is the record's version with its quotes, ready for If-Match.
	ETag string `json:"etag"`
}

// The editors of the CRM.
const (
	apiTrueup  = "api:trueup"
	someHuman  = "human:you"       // a visitor of the page
	salesHuman = "human:sam.sales" // the person in the script
)

// crm is the sample tool that follows.
type crm struct {
	token   string
	journal *journal

	mu       sync.Mutex
	contacts []contact
	versions int
}

func newCRM(cast []member, token string, j *journal) *crm {
	c := &crm{token: token, journal: j}
	for _, m := range cast {
		for _, r := range m.contacts {
			r.UpdatedAt = now().Add(-90 * 24 * time.Hour)
			r.ETag = c.version()
			c.contacts = append(c.contacts, r)
		}
	}
	return c
}

func (c *crm) version() string {
	c.versions++
	return strconv.Quote("v" + strconv.Itoa(c.versions))
}

// edit sets a contact's status as a person would, on the page.
func (c *crm) edit(id, value, who, by string) error {
	if !slices.Contains(crmValues, value) {
		return errors.New("the CRM has no status of that name")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.find(id)
	if r == nil {
		return fmt.Errorf("the CRM has no contact %s", id)
	}
	from := r.Status
	c.set(r, value, who)
	c.journal.add(happening{at: r.UpdatedAt, what: edited, record: id, from: from, to: value, by: by})
	return nil
}

func (c *crm) set(r *contact, value, who string) {
	r.Status, r.UpdatedBy, r.UpdatedAt, r.ETag = value, who, now(), c.version()
}

func (c *crm) find(id string) *contact {
	for i := range c.contacts {
		if c.contacts[i].ID == id {
			return &c.contacts[i]
		}
	}
	return nil
}

// list returns every contact, in a fixed order.
func (c *crm) list() []contact {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.contacts)
}

// routes adds the API to mux.
func (c *crm) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /contacts", guarded(c.token, c.search))
	mux.HandleFunc("GET /contacts/{id}", guarded(c.token, func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		found := c.find(r.PathValue("id"))
		var copied contact
		if found != nil {
			copied = *found
		}
		c.mu.Unlock()
		if found == nil {
			refuse(w, http.StatusNotFound, "there is no contact with this id")
			return
		}
		w.Header().Set("ETag", copied.ETag)
		answer(w, http.StatusOK, copied)
	}))
	mux.HandleFunc("PUT /contacts/{id}", guarded(c.token, c.put))
}

func (c *crm) search(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !known(w, query, "email", "external_id", "limit", "after") {
		return
	}
	found := slices.DeleteFunc(c.list(), func(r contact) bool {
		return query.Has("email") && !strings.EqualFold(r.Email, query.Get("email")) ||
			query.Has("external_id") && r.ExternalID != query.Get("external_id")
	})
	part, next, err := page(found, func(r contact) string { return r.ID }, query)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]any{"contacts": part, "next": next})
}

// put takes {"status": "…"} and nothing else. With If-Match it refuses a record
// that has moved since it was read, as RFC 9110 section 13.1.1 describes.
func (c *crm) put(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	no := func(code int, why string) {
		c.journal.add(happening{what: refused, record: id, by: apiTrueup, note: strconv.Itoa(code) + " " + why})
		refuse(w, code, why)
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
		no(http.StatusUnsupportedMediaType, "send application/json")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<10))
	if err != nil {
		no(http.StatusRequestEntityTooLarge, "the body is larger than 16 KiB or was cut off")
		return
	}
	value, err := readPut(body)
	if err != nil {
		no(http.StatusUnprocessableEntity, err.Error())
		return
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	record := c.find(id)
	if record == nil {
		no(http.StatusNotFound, "there is no contact with this id")
		return
	}
	if !matches(r.Header.Values("If-Match"), record.ETag) {
		no(http.StatusPreconditionFailed, "the contact has changed since it was read")
		return
	}
	from := record.Status
	c.set(record, value, apiTrueup)
	c.journal.add(happening{at: record.UpdatedAt, what: written, record: id, from: from, to: value, by: apiTrueup})
	w.Header().Set("ETag", record.ETag)
	answer(w, http.StatusOK, *record)
}

// readPut reads the body of a write.
func readPut(body []byte) (value string, err error) {
	decoded, err := strictjson.Decode(body)
	if err != nil {
		return "", fmt.Errorf("the body is not JSON: %w", err)
	}
	fields, ok := decoded.(map[string]any)
	if _, has := fields["status"]; !ok || !has || len(fields) != 1 {
		return "", errors.New("the body must be an object with the field status and no other")
	}
	value, ok = fields["status"].(string)
	if !ok || !slices.Contains(crmValues, value) {
		return "", errors.New("status must be one of " + strings.Join(crmValues, ", "))
	}
	return value, nil
}

// matches reports whether an If-Match header, where there is one, names etag.
func matches(header []string, etag string) bool {
	if len(header) == 0 {
		return true
	}
	for _, line := range header {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || one == etag {
				return true
			}
		}
	}
	return false
}
