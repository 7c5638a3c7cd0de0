package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// These are small copies of the tools whose records are rows that people lay out.

func airtable(s *shop) {
	s.need, s.field = oneHeader("Authorization", "Bearer value-of-AIRTABLE_TOKEN"), "Status"
	s.missing = refusal{code: http.StatusNotFound, body: object{"error": "NOT_FOUND"}}
	s.invalid = refusal{code: http.StatusUnprocessableEntity, body: object{"error": object{"type": "INVALID_MULTIPLE_CHOICE_OPTIONS", "message": "Insufficient permissions to create new select option \"\"Paused\"\""}}}
	shape := func(r *shopRow) any {
		fields := object{"Email": r.email, "Name": "A B"} // an empty field is left out
		if r.status != "" {
			fields[s.field], fields["Status changed"] = r.status, at(r)
		}
		return object{"id": fmt.Sprintf("rec%d", r.n), "createdTime": at(r), "fields": fields}
	}
	row := func(r *http.Request) *shopRow { return s.row(strings.TrimPrefix(r.PathValue("id"), "rec")) }
	formula := regexp.MustCompile(`^\{Email\}='((?:[^'\\]|\\.)*)'$`)
	changed := regexp.MustCompile(`^OR\(\{Status changed\}=BLANK\(\),IS_AFTER\(\{Status changed\},DATETIME_PARSE\('([^']*)'\)\)\)$`)
	const table = "/v0/appXXXXXXXXXXXXXX/Customers"
	s.on("GET "+table+"/{id}", func(r *http.Request) any { return s.shown(row(r), shape) })
	s.on("GET "+table, func(r *http.Request) any {
		q, since := r.URL.Query(), time.Time{}
		if said := changed.FindStringSubmatch(q.Get("filterByFormula")); said != nil {
			var err error
			if since, err = time.Parse(time.RFC3339, said[1]); err != nil {
				s.t.Errorf("the formula %s: %v", q.Get("filterByFormula"), err)
			}
		} else if q.Has("filterByFormula") {
			said := formula.FindStringSubmatch(q.Get("filterByFormula"))
			if said == nil {
				s.t.Errorf("the formula %s", q.Get("filterByFormula"))
				return http.StatusUnprocessableEntity
			}
			return object{"records": s.found(strings.ReplaceAll(said[1], `\'`, "'"), shape)}
		}
		all, next := s.pageOf(q.Get("offset"), 100, func(row *shopRow) bool { return !row.gone && (row.status == "" || row.at.After(since)) }, shape)
		if next == "" {
			return object{"records": all}
		}
		return object{"records": all, "offset": next}
	})
	s.on("PATCH "+table+"/{id}", func(r *http.Request) any { return shape(s.write(row(r), r, "fields", "Status")) })
}

func notion(s *shop) {
	s.need = map[string]string{"Authorization": "Bearer value-of-NOTION_TOKEN", "Notion-Version": "2022-06-28"}
	s.field = "Status"
	kind := func() string { // of the property
		if s.text {
			return "rich_text"
		}
		return "select"
	}
	shape := func(r *shopRow) any {
		var chosen any
		switch {
		case s.text:
			chosen = []any{}
		case r.status != "":
			chosen = object{"id": "x", "name": r.status}
		}
		return object{"object": "page", "id": strconv.Itoa(r.n), "in_trash": r.gone, "last_edited_time": stamp(r.edited().Truncate(time.Minute)), "last_edited_by": object{"object": "user", "id": "u1"},
			"properties": object{s.field: object{"type": kind(), kind(): chosen}, "Email": object{"email": r.email}, "Name": object{"title": []any{}}}}
	}
	s.on("GET /v1/pages/{id}", func(r *http.Request) any { return shape(s.id(r)) })
	s.on("GET /v1/databases/DATABASE", func(*http.Request) any {
		options := []any{}
		for _, word := range s.words {
			options = append(options, object{"name": word})
		}
		return object{"properties": object{s.field: object{"type": kind(), kind(): object{"options": options}}}}
	})
	s.on("POST /v1/databases/DATABASE/query", func(r *http.Request) any {
		body := s.body(r)
		since := time.Time{}
		switch filter, _ := body["filter"].(object); {
		case filter["email"] != nil:
			return object{"results": s.found(filter["email"].(object)["equals"].(string), shape), "has_more": false, "next_cursor": nil}
		case filter["timestamp"] == "last_edited_time":
			var err error
			if since, err = time.Parse(time.RFC3339, filter["last_edited_time"].(object)["on_or_after"].(string)); err != nil {
				s.t.Errorf("Notion refuses the filter %v: %v", filter, err)
			}
		case filter != nil:
			s.t.Errorf("Notion refuses the filter %v", filter)
		}
		cursor, given := body["start_cursor"]
		if given && cursor == "" {
			s.t.Error("Notion refuses an empty start_cursor")
		}
		after, _ := cursor.(string)
		all, next := s.pageOf(after, 100, func(row *shopRow) bool { return !row.gone && !row.edited().Truncate(time.Minute).Before(since) }, shape)
		return object{"results": all, "has_more": next != "", "next_cursor": orNull(next)}
	})
	s.on("PATCH /v1/pages/{id}", func(r *http.Request) any { return shape(s.write(s.id(r), r, "properties", "Status", "select", "name")) })
}
