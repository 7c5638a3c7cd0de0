package app_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/assertiontest"
)

// This is a small copy of Salesforce: one address gives tokens, the others take them.

func salesforce(s *shop) {
	salesforceThatGrants(s, func(form url.Values) string {
		if form.Get("grant_type") != "client_credentials" || form.Get("client_secret") != "value-of-SALESFORCE_CLIENT_SECRET" {
			return "invalid_client"
		}
		return ""
	})
}

// salesforceByKey is one whose app has a certificate, and no secret.
func salesforceByKey(s *shop) {
	salesforceThatGrants(s, (&assertiontest.Endpoint{Issuer: "value-of-SALESFORCE_CLIENT_ID", Subject: "integration@example.com",
		Audience: "https://login.salesforce.com", Key: &assertiontest.Key().PublicKey, Now: time.Now}).Refuses)
}

func salesforceThatGrants(s *shop, refuses func(form url.Values) string) {
	s.need, s.open, s.field = oneHeader("Authorization", "Bearer granted-"), "/services/oauth2/token", "Status__c"
	s.missing = salesforceRefusal(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	s.invalid = salesforceRefusal(http.StatusBadRequest, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Status: bad value for restricted picklist field: Paused")
	shape := func(r *shopRow) any {
		var into any
		if r.into > 0 {
			into = fmt.Sprintf("r%017d", r.into)
		}
		return object{"attributes": object{"type": "Contact"}, "Id": fmt.Sprintf("r%017d", r.n), "Email": r.email, "Name": "A B", "Status__c": orNull(r.status),
			"SystemModstamp": r.edited().UTC().Format("2006-01-02T15:04:05.000+0000"), "LastModifiedById": cmp.Or(r.by, "005000000000001AAA"), "IsDeleted": r.gone || r.into > 0, "MasterRecordId": into}
	}
	s.on("POST /services/oauth2/token", func(r *http.Request) any {
		if err := r.ParseForm(); err != nil || refuses(r.PostForm) != "" {
			s.t.Errorf("a token is asked for with %v: %s", r.Form, refuses(r.PostForm))
			return http.StatusBadRequest
		}
		s.granted++
		token := fmt.Sprint("granted-", s.granted)
		return object{"access_token": token, "token_type": "Bearer", "instance_url": s.url} // there is no expires_in
	})
	const base = "/services/data/v62.0"
	// A cursor keeps what was asked for: since when, and deleted records too.
	page := func(after string, since time.Time, deleted bool) object {
		all, next := s.pageOf(after, 2000, func(r *shopRow) bool { return (deleted || !r.gone && r.into == 0) && !r.edited().Before(since) }, shape)
		if next == "" {
			return object{"done": true, "records": all}
		}
		return object{"done": false, "nextRecordsUrl": fmt.Sprintf("%s/query/01g-%s-%d-%t", base, next, max(since.Unix(), 0), deleted), "records": all}
	}
	where := regexp.MustCompile(`WHERE Email='((?:[^'\\]|\\.)*)' `)
	s.on("GET "+base+"/sobjects/Contact/describe", func(*http.Request) any {
		values := []any{object{"active": false, "value": "Old", "label": "Old"}}
		for _, word := range s.words {
			if s.text {
				values = []any{}
				break
			}
			values = append(values, object{"active": true, "value": word, "label": word})
		}
		return object{"name": "Contact", "updateable": !s.readOnly, "fields": []any{object{"name": "Id", "type": "id", "picklistValues": []any{}}, object{"name": s.field, "type": "picklist", "updateable": !s.readOnly, "picklistValues": values}}}
	})
	s.on("GET "+base+"/sobjects/Contact/{id}", func(r *http.Request) any { return s.shown(s.id(r), shape) })
	s.on("GET "+base+"/query", func(r *http.Request) any {
		q := r.URL.Query().Get("q")
		if strings.Contains(q, "Status__c") && s.field != "Status__c" {
			return salesforceRefusal(http.StatusBadRequest, "INVALID_FIELD", "No such column 'Status__c' on entity 'Contact'.")
		}
		if strings.Contains(q, "WHERE") {
			said := where.FindStringSubmatch(q)
			if said == nil {
				s.t.Errorf("MALFORMED_QUERY: %s", q)
				return http.StatusBadRequest
			}
			return object{"done": true, "records": s.found(strings.ReplaceAll(said[1], `\'`, "'"), shape)}
		}
		return page("", time.Time{}, false)
	})
	s.on("GET "+base+"/query/{id}", func(r *http.Request) any {
		place := strings.Split(r.PathValue("id"), "-")
		since, err := strconv.ParseInt(place[2], 10, 64)
		if err != nil {
			s.t.Errorf("INVALID_QUERY_LOCATOR: %s", r.URL.Path)
		}
		return page(place[1], time.Unix(since, 0), place[3] == "true")
	})
	all := regexp.MustCompile(`^SELECT [\w,]+ FROM Contact WHERE (?:Id='(\w+)'|SystemModstamp>=(\S+) ORDER BY Id)$`)
	s.on("GET "+base+"/queryAll", func(r *http.Request) any {
		said := all.FindStringSubmatch(r.URL.Query().Get("q"))
		if said == nil {
			s.t.Errorf("MALFORMED_QUERY: %s", r.URL.Query().Get("q"))
			return salesforceRefusal(http.StatusBadRequest, "MALFORMED_QUERY", "unexpected token")
		}
		if said[1] != "" {
			return object{"done": true, "records": []any{shape(s.row(said[1]))}}
		}
		since, err := time.Parse("2006-01-02T15:04:05Z", said[2])
		if err != nil {
			s.t.Errorf("MALFORMED_QUERY: %v", err)
		}
		return page("", since, true)
	})
	s.on("PATCH "+base+"/sobjects/Contact/{id}", func(r *http.Request) any {
		row := s.id(r)
		if until, err := http.ParseTime(r.Header.Get("If-Unmodified-Since")); err != nil || row.edited().Truncate(time.Second).After(until) {
			s.t.Errorf("the condition is %q: %v", r.Header.Get("If-Unmodified-Since"), err)
			return http.StatusPreconditionFailed
		}
		s.write(row, r, "Status__c")
		return http.StatusNoContent
	})
}

func salesforceRefusal(code int, word, text string) refusal {
	return refusal{code: code, body: []any{object{"message": text, "errorCode": word}}}
}
