package app_test

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// These are small copies of the tools that know subscriptions: each customer has one.

func subscription(r *shopRow) string { return "sub_" + strconv.Itoa(r.n) }

// stripe lists its events newest first, one for each customer, at the time when the
// status was set.
func stripe(s *shop) {
	s.need = oneHeader("Authorization", "Bearer rk_test_x")
	customer := func(r *shopRow) string { return "cus_" + strconv.Itoa(r.n) }
	row := func(id string) *shopRow { return s.row(strings.TrimPrefix(id, "cus_")) }
	sub := func(r *shopRow) object {
		return object{"id": subscription(r), "object": "subscription", "customer": customer(r), "status": r.status, "ended_at": r.at.Unix()}
	}
	s.on("GET /v1/customers/{id}", func(r *http.Request) any {
		if c := row(r.PathValue("id")); c.gone {
			return object{"id": customer(c), "object": "customer", "deleted": true}
		}
		return object{"id": r.PathValue("id"), "object": "customer", "email": row(r.PathValue("id")).email}
	})
	s.on("GET /v1/customers", func(*http.Request) any {
		return object{"object": "list", "data": []any{object{"id": "cus_1", "object": "customer", "email": s.rows[0].email}}, "has_more": true}
	})
	s.on("GET /v1/subscriptions", func(r *http.Request) any {
		data := []any{}
		if id := r.URL.Query().Get("customer"); id != "" {
			data = append(data, sub(row(id)))
		}
		return object{"object": "list", "data": data, "has_more": false}
	})
	s.on("GET /v1/webhook_endpoints", func(*http.Request) any { return object{"object": "list", "data": []any{}} })
	s.on("GET /v1/events", func(r *http.Request) any {
		q := r.URL.Query()
		after, _ := strconv.ParseInt(q.Get("created[gte]"), 10, 64)
		before, err := strconv.ParseInt(q.Get("created[lt]"), 10, 64)
		if err != nil {
			before = time.Now().Unix() + 1
		}
		size, _ := strconv.Atoi(q.Get("limit"))
		rows := s.newestFirst()
		from := 0
		if last, ok := strings.CutPrefix(q.Get("starting_after"), "evt_list_"); ok {
			seen := s.row(last)
			from = slices.Index(rows, seen) + 1
		} else {
			from, _ = slices.BinarySearchFunc(rows, before, func(r *shopRow, before int64) int {
				if r.at.Unix() >= before {
					return -1
				}
				return 1
			})
		}
		data := []any{}
		for _, r := range rows[from:] {
			if r.at.Unix() < after || len(data) == size {
				return object{"object": "list", "data": data, "has_more": r.at.Unix() >= after}
			}
			data = append(data, object{"id": "evt_list_" + strconv.Itoa(r.n), "object": "event", "type": "customer.subscription.updated", "created": r.at.Unix(), "livemode": false, "data": object{"object": sub(r)}})
		}
		return object{"object": "list", "data": data, "has_more": false}
	})
}

// newestFirst are the records by when their status was set.
func (s *shop) newestFirst() []*shopRow {
	newer := func(a, b *shopRow) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.n, a.n)) }
	if !slices.IsSortedFunc(s.byTime, newer) || len(s.byTime) != len(s.rows) {
		s.byTime = slices.SortedFunc(slices.Values(s.rows), newer)
	}
	return s.byTime
}

func chargebee(s *shop) {
	// base64 of value-of-CHARGEBEE_KEY:
	s.need, s.spec = oneHeader("Authorization", "Basic dmFsdWUtb2YtQ0hBUkdFQkVFX0tFWTo="), "chargebee"
	shape := func(r *shopRow) any {
		id := "c" + strconv.Itoa(r.n)
		return object{"subscription": object{"id": subscription(r), "status": r.status, "customer_id": id, "currency_code": "EUR", "deleted": r.gone, "has_scheduled_changes": false, "updated_at": r.edited().Unix()},
			"customer": object{"id": id, "email": r.email, "first_name": "A", "last_name": "B", "created_at": 1767225600, "deleted": r.gone}}
	}
	s.on("GET /api/v2/subscriptions", func(r *http.Request) any {
		q := r.URL.Query()
		if id := q.Get("customer_id[is]"); id != "" {
			if row := s.row(strings.TrimPrefix(id, "c")); !row.gone && row.into == 0 { // a merge moves the subscription
				return object{"list": []any{shape(row)}}
			}
			return object{"list": []any{}}
		}
		since, _ := strconv.ParseInt(q.Get("updated_at[after]"), 10, 64)
		all, next := s.pageOf(q.Get("offset"), 50, func(r *shopRow) bool { return r.edited().Unix() > since }, shape)
		if next != "" {
			return object{"list": all, "next_offset": next}
		}
		return object{"list": all}
	})
}

func paddle(s *shop) {
	s.need = map[string]string{"Authorization": "Bearer value-of-PADDLE_KEY", "Paddle-Version": "1"}
	shape := func(r *shopRow) any {
		return object{"id": subscription(r), "status": r.status, "customer_id": "ctm_" + strconv.Itoa(r.n), "currency_code": "EUR", "custom_data": object{"contact_id": "ghl" + strconv.Itoa(r.n)}, "updated_at": stamp(r.edited())}
	}
	list := func(all []any, next string) any {
		return object{"data": all, "meta": object{"request_id": "r", "pagination": object{"per_page": 50, "has_more": next != "", "estimated_total": len(s.rows), "next": "https://api.paddle.com/subscriptions?after=" + next}}}
	}
	s.on("GET /subscriptions", func(r *http.Request) any {
		q := r.URL.Query()
		if id := q.Get("customer_id"); id != "" {
			if row := s.row(strings.TrimPrefix(id, "ctm_")); !row.gone {
				return list([]any{shape(row)}, "")
			}
			return list([]any{}, "")
		}
		after := strings.TrimPrefix(q.Get("after"), "sub_") // the next page begins behind a row
		return list(s.page(after, 50, shape))
	})
}
