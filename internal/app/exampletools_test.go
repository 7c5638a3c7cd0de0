package app_test

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

func hubspot(s *shop) {
	s.need, s.spec, s.beside = oneHeader("Authorization", "Bearer value-of-HUBSPOT_TOKEN"), "hubspot", "/oauth/v2/private-apps/get/access-token-info"
	s.follows, s.field, s.missing = true, "trueup_status", hubspotRefusal(http.StatusNotFound, "OBJECT_NOT_FOUND", "resource not found")
	s.invalid = hubspotRefusal(http.StatusBadRequest, "VALIDATION_ERROR", `Property values were not valid: [{"isValid":false,"message":"Paused was not one of the allowed options","error":"INVALID_OPTION","name":"trueup_status"}]`)
	shape := func(r *shopRow) any {
		return object{"id": strconv.Itoa(r.n), "archived": false, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": stamp(r.edited()),
			"properties":            object{"email": r.email, "firstname": "A", "lastname": "B", "stripe_customer_id": nil, s.field: orNull(r.status)},
			"propertiesWithHistory": object{s.field: []any{object{"value": r.status, "timestamp": at(r), "sourceType": cmp.Or(r.by, "INTEGRATION")}}}}
	}
	s.on("GET /crm/v3/objects/contacts/{id}", func(r *http.Request) any {
		if r.URL.Query().Get("idProperty") == "email" {
			if found := s.found(r.PathValue("id"), shape); len(found) > 0 {
				return found[0]
			}
			return s.missing
		}
		return s.shown(s.id(r), shape)
	})
	s.on("POST "+s.beside, func(r *http.Request) any {
		if got := s.body(r); got["tokenKey"] != "value-of-HUBSPOT_TOKEN" || len(got) != 1 {
			s.t.Errorf("the scopes are asked for with %v", got)
		}
		scopes := []string{"oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"}
		if s.readOnly {
			scopes = scopes[:2]
		}
		return object{"userId": 1, "hubId": 62515, "appId": 54321, "scopes": scopes}
	})
	s.on("POST /crm/v3/objects/contacts/search", func(*http.Request) any { return object{"total": 0, "results": []any{}} })
	s.on("GET /crm/v3/objects/contacts", func(r *http.Request) any {
		all, next := s.page(r.URL.Query().Get("after"), 50, shape)
		if next == "" {
			return object{"results": all}
		}
		return object{"results": all, "paging": object{"next": object{"after": next}}}
	})
	s.on("PATCH /crm/v3/objects/contacts/{id}", func(r *http.Request) any { return shape(s.write(s.id(r), r, "properties", "trueup_status")) })
	s.on("GET /crm/v3/properties/contacts/{name}", func(r *http.Request) any {
		if r.PathValue("name") != s.field {
			return hubspotRefusal(http.StatusNotFound, "OBJECT_NOT_FOUND", "property trueup_status does not exist")
		}
		options := []any{}
		if s.text {
			return object{"name": "trueup_status", "label": "Status", "groupName": "contactinformation", "description": "", "type": "string", "fieldType": "text", "options": options}
		}
		for _, word := range s.words {
			options = append(options, object{"value": word, "label": "Customer is " + word, "hidden": false})
		}
		return object{"name": "trueup_status", "label": "Status", "groupName": "contactinformation", "description": "", "type": "enumeration", "fieldType": "select", "options": options}
	})
}

func hubspotRefusal(code int, category, message string) refusal {
	return refusal{code: code, body: object{"status": "error", "category": category, "message": message, "correlationId": "a43683b0-5717-4ceb-80b4-104d02915d8c"}}
}

func oneHeader(name, value string) map[string]string { return map[string]string{name: value} }

func pipedrive(s *shop) {
	s.field = "9dc80c50d78a15643bfc4ca79d76156a73a1ca0e"
	s.invalid = pipedriveRefusal(http.StatusBadRequest, "Validation failed", "ERR_SCHEMA_VALIDATION_FAILED")
	s.need, s.spec = oneHeader("X-Api-Token", "value-of-PIPEDRIVE_TOKEN"), "pipedrive"
	shape := func(r *shopRow) any {
		var option any
		if n, err := strconv.Atoi(r.status); err == nil {
			option = n
		}
		return object{"id": r.n, "name": "A B", "emails": []any{object{"value": r.email, "primary": true}}, "update_time": r.edited().UTC().Format(time.RFC3339), "is_deleted": r.gone || r.into > 0,
			"custom_fields": object{s.field: option}}
	}
	s.on("GET /api/v2/persons/{id}", func(r *http.Request) any { return object{"success": true, "data": shape(s.id(r))} })
	s.on("GET /api/v2/personFields/{code}", func(r *http.Request) any {
		if r.PathValue("code") != s.field {
			return pipedriveRefusal(http.StatusNotFound, "Field not found", "")
		}
		definition := object{"field_code": s.field, "field_name": "Status", "field_type": "varchar", "is_custom_field": true, "is_optional_response_field": false}
		if s.text {
			return object{"success": true, "data": definition}
		}
		options := []any{object{"id": 11, "label": "Lead"}}
		for _, word := range s.words {
			options = append(options, object{"id": map[string]int{"Active": 12, "Paused": 13, "Churned": 14}[word], "label": word})
		}
		definition["field_type"], definition["options"] = "enum", options
		return object{"success": true, "data": definition}
	})
	s.on("GET /api/v2/persons/search", func(r *http.Request) any {
		items := s.found(r.URL.Query().Get("term"), func(row *shopRow) any {
			return object{"result_score": 1, "item": object{"id": row.n, "name": "A B", "emails": []any{row.email}, "custom_fields": []any{}}}
		})
		return object{"success": true, "data": object{"items": items}}
	})
	s.on("GET /api/v2/persons", func(r *http.Request) any {
		q := r.URL.Query()
		since, err := time.Parse("2006-01-02T15:04:05Z", q.Get("updated_since"))
		if q.Has("updated_since") && err != nil { // a time with milliseconds, too
			return pipedriveRefusal(http.StatusBadRequest, "Validation failed: updated_since", "ERR_SCHEMA_VALIDATION_FAILED")
		}
		all, next := s.pageOf(q.Get("cursor"), 500, func(row *shopRow) bool { return !row.edited().Before(since) }, shape)
		return object{"success": true, "data": all, "additional_data": object{"next_cursor": orNull(next)}}
	})
	s.on("PATCH /api/v2/persons/{id}", func(r *http.Request) any {
		return object{"success": true, "data": shape(s.write(s.id(r), r, "custom_fields", s.field))}
	})
}

func pipedriveRefusal(code int, text, word string) refusal {
	body := object{"success": false, "error": text, "error_info": "Please check developers.pipedrive.com"}
	if word != "" {
		body["code"] = word
	}
	return refusal{code: code, body: body}
}

func activecampaign(s *shop) {
	s.field = "12"
	s.missing = refusal{code: http.StatusNotFound, body: object{"message": "No Result found for Subscriber with id 7"}}
	s.need = oneHeader("Api-Token", "value-of-ACTIVECAMPAIGN_TOKEN")
	shape := func(r *shopRow) any {
		return object{"id": strconv.Itoa(r.n), "email": r.email, "firstName": "A", "lastName": "B", "udate": r.edited().Format(time.RFC3339)}
	}
	values := func(rows ...*shopRow) (all []any) {
		for _, r := range rows {
			all = append(all, object{"contact": strconv.Itoa(r.n), "field": "7", "value": "x"})
			if r.status != "" {
				all = append(all, object{"contact": strconv.Itoa(r.n), "field": s.field, "value": r.status})
			}
		}
		return all
	}
	s.on("GET /api/3/contacts/{id}", func(r *http.Request) any {
		return s.shown(s.id(r), func(row *shopRow) any { return object{"contact": shape(row), "fieldValues": values(row)} })
	})
	s.on("GET /api/3/contacts", func(r *http.Request) any {
		if q := r.URL.Query(); q.Has("email") {
			return object{"contacts": s.found(q.Get("email"), shape)}
		}
		q := r.URL.Query()
		since, err := time.Parse(time.RFC3339, q.Get("filters[updated_after]"))
		if q.Get("orders[id]") != "ASC" || q.Get("include") != "fieldValues" || q.Has("filters[updated_after]") && err != nil {
			s.t.Errorf("listed by %s", r.URL.RawQuery)
		}
		var shown []*shopRow
		all, _ := s.pageOf(q.Get("id_greater"), 100, func(row *shopRow) bool { return !row.gone && row.into == 0 && row.edited().After(since) }, func(row *shopRow) any {
			shown = append(shown, row)
			return shape(row)
		})
		if s.most > 0 { // contacts are shown again on other pages, and their values with them
			shown = s.rows
		}
		return object{"contacts": all, "fieldValues": values(shown...)}
	})
	s.on("PUT /api/3/contacts/{id}", func(r *http.Request) any {
		row := s.write(s.id(r), r, "contact", "fieldValues", "value")
		return object{"contact": shape(row), "fieldValues": values(row)}
	})
}

func zendesk(s *shop) {
	// base64 of value-of-ZENDESK_EMAIL/token:value-of-ZENDESK_TOKEN
	s.need = oneHeader("Authorization", "Basic dmFsdWUtb2YtWkVOREVTS19FTUFJTC90b2tlbjp2YWx1ZS1vZi1aRU5ERVNLX1RPS0VO")
	s.field = "trueup_status"
	s.invalid = refusal{code: http.StatusUnprocessableEntity, body: object{"error": "RecordInvalid", "description": "Record validation errors", "details": object{}}}
	shape := func(r *shopRow) any {
		return object{"id": r.n, "email": r.email, "external_id": nil, "name": "A B", "active": !r.gone && r.into == 0, "updated_at": r.edited().UTC().Format(time.RFC3339),
			"user_fields": object{s.field: orNull(r.status)}}
	}
	s.on("GET /api/v2/users/{id}", func(r *http.Request) any { return object{"user": shape(s.id(r))} })
	s.on("GET /api/v2/users/search", func(r *http.Request) any {
		address, _ := strings.CutPrefix(r.URL.Query().Get("query"), "email:")
		return object{"users": s.found(address, shape)}
	})
	s.on("GET /api/v2/users", func(r *http.Request) any {
		all, next := s.page(r.URL.Query().Get("page[after]"), 100, shape)
		return object{"users": all, "meta": object{"has_more": next != "", "after_cursor": orNull(next)}}
	})
	s.on("PUT /api/v2/users/{id}", func(r *http.Request) any {
		return object{"user": shape(s.write(s.id(r), r, "user", "user_fields", "trueup_status"))}
	})
}

func intercom(s *shop) {
	s.need, s.spec = map[string]string{"Authorization": "Bearer value-of-INTERCOM_TOKEN", "Intercom-Version": "2.14"}, "intercom"
	s.field = "trueup_status"
	s.missing, s.invalid = intercomRefusal(http.StatusNotFound, "not_found", "User Not Found"), intercomRefusal(http.StatusBadRequest, "parameter_invalid", "custom attribute value is not one of its options")
	shape := func(r *shopRow) any {
		// Attributes are people's own, and may differ in letter case alone.
		return object{"type": "contact", "id": strconv.Itoa(r.n), "email": r.email, "external_id": nil, "name": "A B", "updated_at": r.edited().Unix(),
			"custom_attributes": object{s.field: orNull(r.status), "Plan": "a", "plan": "b"}}
	}
	contacts := func(all []any, next string) any {
		if next == "" {
			return object{"data": all, "pages": object{"next": nil}}
		}
		return object{"data": all, "pages": object{"next": object{"starting_after": next}}}
	}
	s.on("GET /contacts/{id}", func(r *http.Request) any { return s.shown(s.id(r), shape) })
	s.on("POST /contacts/search", func(r *http.Request) any {
		body := s.body(r)
		query := body["query"].(object)
		switch query["field"] {
		case "email":
			return object{"data": s.found(query["value"].(string), shape)}
		case "updated_at":
			value, ok := query["value"].(float64)
			paging := body["pagination"].(object)
			if !ok || query["operator"] != ">" {
				s.t.Errorf("Intercom compares no time by %v", query)
			}
			// A time counts for its day, and later begins with the next.
			since := time.Unix(int64(value), 0).UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
			after, _ := paging["starting_after"].(string)
			return contacts(s.pageOf(after, int(paging["per_page"].(float64)), func(row *shopRow) bool {
				return !row.gone && row.into == 0 && !row.edited().Before(since)
			}, shape))
		}
		return object{"data": []any{}}
	})
	s.on("GET /contacts", func(r *http.Request) any {
		return contacts(s.page(r.URL.Query().Get("starting_after"), 150, shape))
	})
	s.on("PUT /contacts/{id}", func(r *http.Request) any { return shape(s.write(s.id(r), r, "custom_attributes", "trueup_status")) })
}

func intercomRefusal(code int, word, text string) refusal {
	return refusal{code: code, body: object{"type": "error.list", "request_id": "b2f8b1d2-8d7e-4a55-9c39-0f6a1f5a2a11", "errors": []any{object{"code": word, "message": text}}}}
}

func supabase(s *shop) {
	s.need = map[string]string{"apikey": "value-of-SUPABASE_SECRET_KEY", "Authorization": "Bearer value-of-SUPABASE_SECRET_KEY", "Prefer": "return=representation"}
	stamp := func(r *shopRow) string { return r.at.UTC().Format("2006-01-02T15:04:05.000000+00:00") }
	shape := func(r *shopRow) any {
		return object{"id": r.n, "email": r.email, "status": orNull(r.status), "updated_at": stamp(r)}
	}
	eq := func(q url.Values, name string) string {
		value, ok := strings.CutPrefix(q.Get(name), "eq.")
		if !ok {
			s.t.Errorf("%s is %q", name, q.Get(name))
		}
		return value
	}
	s.on("GET /rest/v1/customers", func(r *http.Request) any {
		q := r.URL.Query()
		after, listed := strings.CutPrefix(q.Get("id"), "gt.")
		switch {
		case q.Has("email"):
			return s.found(eq(q, "email"), shape)
		case !listed:
			return []any{shape(s.row(eq(q, "id")))}
		case after == "":
			s.t.Error("invalid input syntax for type bigint")
		}
		all, _ := s.page(after, 1000, shape)
		return all
	})
	s.on("PATCH /rest/v1/customers", func(r *http.Request) any {
		row := s.row(eq(r.URL.Query(), "id"))
		if eq(r.URL.Query(), "updated_at") != stamp(row) {
			return []any{}
		}
		return []any{shape(s.write(row, r, "status"))}
	})
}

// guided is the tool of docs/connectors/connect-a-tool.md.
func guided(s *shop) {
	s.need = map[string]string{"Authorization": "Bearer value-of-CRM_TOKEN", "Api-Version": "2026-01-01"}
	shape := func(r *shopRow) any {
		var option any
		if n, err := strconv.Atoi(r.status); err == nil {
			option = n
		}
		return object{"id": r.n, "email": r.email, "name": "A B", "status": option, "updated_at": at(r)}
	}
	s.on("GET /api/contacts/{id}", func(r *http.Request) any { return object{"data": shape(s.id(r))} })
	s.on("GET /api/contacts", func(r *http.Request) any {
		if q := r.URL.Query(); q.Has("email") {
			return object{"data": s.found(q.Get("email"), shape)}
		}
		all, next := s.page(r.URL.Query().Get("after"), 100, shape)
		return object{"data": all, "next": orNull(next)}
	})
	s.on("PATCH /api/contacts/{id}", func(r *http.Request) any { return object{"data": shape(s.write(s.id(r), r, "status"))} })
}
