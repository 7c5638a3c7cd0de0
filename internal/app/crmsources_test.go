package app_test

import (
	"cmp"
	"crypto/sha1" // #nosec G505 -- Intercom signs with it
	"crypto/sha256"
	"fmt"
	"net/url"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// These are the tools where people keep contacts, as tools that decide.

// Nothing tells of a contact that is deleted or merged: its webhooks have no such event.
var activecampaignDecides = atSource{example: "activecampaign-source", build: activecampaign, base: "https://example.api-us1.com", id: "%d", words: capital,
	event: func(r *shopRow, _ int) string {
		return url.Values{"type": {"update"}, "date_time": {r.edited().Format("2006-01-02T15:04:05-07:00")}, "initiated_from": {"admin"}, "initiated_by": {"admin"}, "list": {"0"},
			"contact[id]": {fmt.Sprint(r.n)}, "contact[email]": {r.email}, "contact[first_name]": {"A"}, "contact[last_name]": {"B"}, "contact[tags]": {""}, "contact[fields][12]": {r.status}}.Encode()
	}, kind: "application/x-www-form-urlencoded", secret: "value-of-ACTIVECAMPAIGN_WEBHOOK_PATH",
	limit: atTools["activecampaign"].limit, expired: atTools["activecampaign"].expired, page: 100, unknown: status.UnmappedStatus}

// Nothing is in what it sends but that there is something.
var airtableDecides = atSource{example: "airtable-source", build: airtable, base: "https://api.airtable.com", id: "rec%d", words: capital, pings: true,
	event: func(*shopRow, int) string {
		return fmt.Sprintf(`{"base":{"id":"appXXXXXXXXXXXXXX"},"webhook":{"id":"ach00000000000000"},"timestamp":%q}`, time.Now().UTC().Format(time.RFC3339Nano))
	}, secret: macSecret, signed: airtableSigned,
	limit: atTools["airtable"].limit, expired: atTools["airtable"].expired, page: 100, unknown: status.UnmappedStatus}

var intercomDecides = atSource{example: "intercom-source", build: intercom, base: "https://api.intercom.io", id: "%d", words: capital,
	event: func(r *shopRow, e int) string {
		topic := "contact.user.updated"
		switch {
		case r.gone:
			topic = "contact.deleted"
		case r.into > 0:
			topic = "contact.merged"
		}
		return fmt.Sprintf(`{"type":"notification_event","app_id":"a86dr8yl","topic":%q,"id":"notif_%d","created_at":%d,"delivery_attempts":1,"data":{"type":"notification_event_data","item":{"type":"contact","id":"%d","role":"user"}}}`,
			topic, e, r.edited().Unix(), r.n)
	}, secret: "value-of-INTERCOM_CLIENT_SECRET", signed: hexMAC("X-Hub-Signature", "sha1=", sha1.New),
	limit: atTools["intercom"].limit, expired: atTools["intercom"].expired, page: 150, unknown: status.UnmappedStatus, gone: status.BrokenLink}

var notionDecides = atSource{example: "notion-source", build: notion, base: "https://api.notion.com", id: "%d", words: capital,
	event: func(r *shopRow, e int) string {
		kind := "page.properties_updated"
		if r.gone {
			kind = "page.deleted"
		}
		return fmt.Sprintf(`{"id":"367cba44-b6f3-4c92-81e7-6a2e9659ef%02d","timestamp":%q,"workspace_id":"w","subscription_id":"s","type":%q,"authors":[{"id":"u1","type":"person"}],"attempt_number":1,"entity":{"id":"%d","type":"page"},"data":{"parent":{"id":"DATABASE","type":"database"},"updated_properties":["x"]}}`,
			e, stamp(r.edited()), kind, r.n)
	}, secret: "value-of-NOTION_WEBHOOK_TOKEN", signed: hexMAC("X-Notion-Signature", "sha256=", sha256.New),
	limit: atTools["notion"].limit, expired: atTools["notion"].expired, page: 100, unknown: status.UnmappedStatus, gone: status.BrokenLink}

var pipedriveDecides = atSource{example: "pipedrive-source", build: pipedrive, base: "https://example.pipedrive.com", id: "%d", words: map[string]string{"active": "12", "paused": "13", "churned": "14", "grace": "11"},
	event: func(r *shopRow, e int) string {
		action, data := "change", fmt.Sprintf(`{"id":%d,"update_time":%q,"custom_fields":{"9dc80c50d78a15643bfc4ca79d76156a73a1ca0e":{"id":%s,"type":"enum"}}}`, r.n, r.edited().UTC().Format(time.RFC3339), cmp.Or(r.status, "null"))
		if r.gone || r.into > 0 {
			action, data = "delete", "null"
		}
		return fmt.Sprintf(`{"meta":{"action":%q,"company_id":"1","correlation_id":"c","entity_id":"%d","entity":"person","id":"9f1d-%d","is_bulk_edit":false,"timestamp":%q,"type":"general","user_id":"2","version":"2.0","webhook_id":"3","attempt":1},"data":%s,"previous":{}}`,
			action, r.n, e, stamp(r.edited()), data)
	}, secret: "value-of-PIPEDRIVE_WEBHOOK_PASSWORD", signed: basicSigned,
	limit: atTools["pipedrive"].limit, expired: atTools["pipedrive"].expired, page: 500, unknown: status.UnmappedStatus, gone: status.BrokenLink}

// It sends nothing that is signed, and is polled.
var salesforceDecides = atSource{example: "salesforce-source", build: salesforce, base: "https://example.my.salesforce.com", id: "r%017d", words: capital,
	limit: atTools["salesforce"].limit, expired: atTools["salesforce"].expired, page: 2000, unknown: status.UnmappedStatus, gone: status.BrokenLink}

var zendeskDecides = atSource{example: "zendesk-source", build: zendesk, base: "https://example.zendesk.com", id: "%d", words: map[string]string{"active": "status_active", "paused": "status_paused", "churned": "status_churned"},
	event: func(r *shopRow, e int) string {
		kind := "custom_field_changed"
		switch {
		case r.gone:
			kind = "deleted"
		case r.into > 0:
			kind = "merged"
		}
		return fmt.Sprintf(`{"account_id":22129848,"detail":{"id":"%d","email":%q,"role":"end-user"},"event":{"current":"x","previous":"y"},"id":"cbe4028c-7239-495d-b020-f22348516046-%d","subject":"zen:user:%d","time":%q,"type":"zen:event-type:user.%s","zendesk_event_version":"2022-06-20"}`,
			r.n, r.email, e, r.n, stamp(r.edited()), kind)
	}, secret: "value-of-ZENDESK_WEBHOOK_SECRET", signed: zendeskSigned,
	limit: atTools["zendesk"].limit, expired: atTools["zendesk"].expired, page: 100, unknown: status.UnmappedStatus, gone: status.BrokenLink}
