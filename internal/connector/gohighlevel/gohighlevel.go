// Package gohighlevel connects a sub-account (a location) of HighLevel, as
// source and as target. The status of a contact is kept in a dropdown custom
// field, in one of a set of tags, or as the status of its opportunity.
//
// Main types: Settings (what the configuration says), Open (the connection),
// place (where the status is kept) and records (contacts as they are now).
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. A webhook is never more than "look at this contact again": its body
//     tells neither what changed nor when.
//  2. A write changes the status and nothing else: the one custom field by its
//     id, the one tag through the calls for tags. Nothing is ever created.
//  3. HighLevel stores any text in a dropdown, so a value is compared with the
//     field's options before it is written, and with the answer after.
//  4. A search lags behind writes by seconds: it finds contacts, and what is
//     found is read by its id before anything rests on it.
//  5. Of several statuses at once none is chosen. They become one value that
//     nobody maps, which people see.
//
// HighLevel's answers are not held to package strictjson's rules, though
// anybody's would be under type http: one name that was cut in the middle of a
// character would make a page of a hundred contacts unreadable. Nothing rests on
// it: what decides is written by HighLevel's own encoder, which writes no key
// twice, and compared with the field's options.
//
// It must not import the store, the pipeline or another connector.
package gohighlevel

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// Type is the connection's type in the configuration.
const Type = "gohighlevel"

// APIVersion is sent with every request. Version v3 renames fields and paths;
// this one is supported until a date that is not set.
const APIVersion = "2021-07-28"

const (
	defaultBaseURL = "https://services.leadconnectorhq.com"
	defaultTimeout = 10 * time.Second
)

// Open returns the connection. It makes no request.
func Open(name string, common config.Connection, s *Settings, deps connector.Deps) (connector.Connection, error) {
	fail := func(err error) (connector.Connection, error) {
		return connector.Connection{}, fmt.Errorf("open connection %s: %w", name, err)
	}
	base, err := url.Parse(or(common.BaseURL, defaultBaseURL))
	if err != nil || !isURL(base.String(), "http") && !isURL(base.String(), "https") {
		return fail(errors.New("base_url is not an http address"))
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	timeout := common.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	calls := &rest.Client{Base: base, HTTP: deps.HTTP, Timeout: timeout, Gate: deps.Gate, Now: deps.Now, Answered: answered(deps.Gate),
		Authorize: func(r *http.Request) { r.Header.Set("Version", APIVersion) }}
	api := &client{rest: calls, location: s.LocationID, auth: s.credentials(calls, deps)}
	conn := connector.Connection{Name: name, Type: Type}
	if s.Webhook != nil {
		if conn.Receiver, err = newReceiver(s, deps.Now); err != nil {
			return fail(err)
		}
	}
	where, err := placeOf(deps.Use, s.Pipeline)
	if err != nil {
		return fail(err)
	}
	all := &records{api: api, place: where, fields: newFields(api, deps.Now), pipelines: connector.Remember(deps.Now, api.pipelines)}
	conn.Knows = connector.Knowledge{
		// A contact has one time for all of it, which is that of our own
		// writes as well; an opportunity has a time of its status. Nobody
		// tells who edited either, and no write is conditional.
		Order:        true,
		FieldTime:    where.kind == opportunityStatus,
		OptionList:   where.kind == customField || where.kind == opportunityStatus,
		DeleteNotice: s.Webhook != nil && s.Webhook.AppID != "",
	}
	conn.Probe = probe{records: all, settings: s, use: deps.Use, now: deps.Now}
	conn.Fields = places{all.fields}
	if where.kind == nowhere {
		return conn, nil
	}
	if where.kind == opportunityStatus {
		conn.Values = opportunityWords()
	}
	if where.kind == customField {
		conn.Options = options{all}
	}
	conn.Source, conn.SourceList = source{all}, sourceList{all}
	conn.Target, conn.TargetList = target{all}, targetList{all}
	if where.kind != opportunityStatus {
		// An opportunity's change does not move the time of its contact.
		conn.Changes = changes{records: all, now: deps.Now}
	}
	return conn, nil
}

func isURL(text, scheme string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == scheme && u.Host != ""
}
