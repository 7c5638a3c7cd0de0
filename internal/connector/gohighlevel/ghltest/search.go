package ghltest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

type query struct {
	LocationID  string `json:"locationId"`
	PageLimit   int    `json:"pageLimit"`
	SearchAfter []any  `json:"searchAfter"`
	Filters     []struct {
		Field    string          `json:"field"`
		Operator string          `json:"operator"`
		Value    json.RawMessage `json:"value"`
	} `json:"filters"`
	Sort []struct {
		Field     string `json:"field"`
		Direction string `json:"direction"`
	} `json:"sort"`
}

// search answers POST /contacts/search by the page that the specification
// names: filters joined by and, one order, pages by searchAfter.
func (a *Account) search(w http.ResponseWriter, r *http.Request) {
	var q query
	if problem := strict(r, &q); problem != "" {
		refuse(w, http.StatusUnprocessableEntity, problem)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case q.LocationID != LocationID:
		refuse(w, http.StatusForbidden, "The token does not have access to this location.")
		return
	case q.PageLimit < 1 || q.PageLimit > 500:
		refuse(w, http.StatusUnprocessableEntity, "pageLimit must not be greater than 500")
		return
	}
	var rows []Contact
	for _, c := range a.found {
		fits, problem := a.fits(c, q)
		if problem != "" {
			a.t.Errorf("search: %s", problem)
			refuse(w, http.StatusUnprocessableEntity, problem)
			return
		}
		if fits {
			rows = append(rows, c)
		}
	}
	newest := len(q.Sort) > 0 && q.Sort[0].Direction == "desc"
	if len(q.Sort) > 0 && (q.Sort[0].Field != "dateUpdated" || q.Sort[0].Direction != "asc" && !newest) {
		a.t.Errorf("search: an order that this account does not know: %v", q.Sort)
	}
	slices.SortFunc(rows, func(x, y Contact) int { return cmp.Or(x.Updated.Compare(y.Updated), cmp.Compare(x.ID, y.ID)) })
	if newest {
		slices.Reverse(rows)
	}
	total := len(rows)
	if len(q.SearchAfter) == 2 {
		ms, _ := q.SearchAfter[0].(float64)
		id, _ := q.SearchAfter[1].(string)
		rows = slices.DeleteFunc(rows, func(c Contact) bool {
			return cmp.Or(cmp.Compare(c.Updated.UnixMilli(), int64(ms)), cmp.Compare(c.ID, id)) <= 0
		})
	} else if len(q.SearchAfter) != 0 {
		refuse(w, http.StatusUnprocessableEntity, "searchAfter must be an array of two")
		return
	}
	out := []map[string]any{}
	for _, c := range rows[:min(len(rows), q.PageLimit)] {
		row := c.json()
		row["searchAfter"] = []any{c.Updated.UnixMilli(), c.ID}
		row["opportunities"] = a.summaries(c.ID)
		row["firstNameLowerCase"], row["address"] = strings.ToLower(c.FirstName), nil
		if c.Email == "" {
			row["email"] = nil
		}
		delete(row, "createdBy")
		out = append(out, row)
	}
	reply(w, http.StatusOK, map[string]any{"contacts": out, "total": total, "traceId": "t"})
}

// fits reports whether a contact passes every filter.
func (a *Account) fits(c Contact, q query) (ok bool, problem string) {
	for _, f := range q.Filters {
		var has string
		switch {
		case f.Field == "dateUpdated" && f.Operator == "range":
			var within struct {
				From time.Time `json:"gte"`
				To   time.Time `json:"lte"`
			}
			if json.Unmarshal(f.Value, &within) != nil || within.From.IsZero() && within.To.IsZero() {
				return false, "range needs times"
			}
			if c.Updated.Before(within.From) || !within.To.IsZero() && c.Updated.After(within.To) {
				return false, ""
			}
			continue
		case f.Operator != "eq":
			return false, "the operator " + f.Operator + " is not known here"
		case f.Field == "email":
			has = strings.ToLower(c.Email)
		case f.Field == "phone":
			has = c.Phone
		case f.Field == "contactName":
			has = strings.TrimSpace(c.FirstName + " " + c.LastName)
		case strings.HasPrefix(f.Field, "customFields."):
			id := strings.TrimPrefix(f.Field, "customFields.")
			if !slices.ContainsFunc(a.fields, func(known Field) bool { return known.ID == id }) {
				return false, "there is no field " + id
			}
			has, _ = c.Values[id].(string)
		default:
			return false, "the filter field " + f.Field + " is not known here"
		}
		var want string
		if json.Unmarshal(f.Value, &want) != nil || want == "" || utf8.RuneCountInString(want) > 75 {
			return false, "a filter's value has 1 to 75 characters"
		}
		if f.Field == "email" {
			want = strings.ToLower(want)
		}
		if has != want {
			return false, ""
		}
	}
	return true, ""
}
