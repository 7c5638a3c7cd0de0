package httpconn

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

func TestAFormIsAnObjectOfTexts(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       any
		fails      string
	}{
		{"names stay as they are", "type=contact_update&contact%5Bid%5D=7&contact[email]=ana%40example.com", map[string]any{"type": "contact_update", "contact[id]": "7", "contact[email]": "ana@example.com"}, ""},
		{"a plus is a space", "name=Ana+Canary", map[string]any{"name": "Ana Canary"}, ""},
		{"an empty value", "a=&b=1", map[string]any{"a": "", "b": "1"}, ""},
		{"a name that comes again has a list", "tag=a&x=1&tag=b&tag=c", map[string]any{"tag": []any{"a", "b", "c"}, "x": "1"}, ""},
		{"names that differ in case are two", "a=1&A=2", map[string]any{"a": "1", "A": "2"}, ""},
		{"what looks like JSON is JSON, whatever it is called", ` {"a":1}`, map[string]any{"a": int64(1)}, ""},
		{"nothing", "", nil, "empty body"},
		{"no names", "hello", nil, "not a valid form at byte 0"},
		{"an empty name", "a=1&=x", nil, "not a valid form at byte 4"},
		{"a spare separator", "a=1&", nil, "not a valid form at byte 4"},
		{"half an escape", "a=1&b=%4", nil, "at byte 4: a wrong escape"},
		{"no UTF-8", "a=%FF", nil, "invalid UTF-8 in the field at byte 0"},
		{"too many fields", strings.Repeat("a=1&", mostFields) + "a=1", nil, "more than 10000 fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := decodeBody("application/x-www-form-urlencoded; charset=UTF-8", []byte(c.body))
			if d := cmp.Diff(c.want, got); c.fails == "" && (err != nil || d != "") {
				t.Errorf("%v %s", err, d)
			}
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
	if _, err := decodeBody("application/x-www-form-urlencoded; charset=latin1", []byte("a=1")); err == nil {
		t.Error("another charset is read as UTF-8")
	}
	if _, err := decodeBody("application/json", []byte("a=1")); err == nil {
		t.Error("a form is read though nobody says that it is one")
	}
}

func TestAFormBecomesAnEventThatIsReadAgainTheSame(t *testing.T) {
	r := receiverOf(t, func(s *Settings) {
		s.Webhook.Events, s.Webhook.ID, s.Webhook.Customer, s.Webhook.Status = "", "event['event[id]']", "event['contact[id]']", "event.status"
	})
	body := []byte("event%5Bid%5D=e1&contact%5Bid%5D=7&status=Active")
	first, err := r.Events(http.Header{"Content-Type": {formType}}, body)
	if err != nil || first[0].Event.ID != "e1" || first[0].Event.Customer != "7" || first[0].Event.Value != "Active" {
		t.Fatalf("%+v, %v", first, err)
	}
	for _, kept := range [][]byte{body, first[0].Event.Payload} {
		again, err := r.(connector.Rereader).Reread(http.Header{}, kept)
		if d := cmp.Diff(first, again); err != nil || d != "" {
			t.Errorf("%s: %v %s", kept, err, d)
		}
	}
}

func TestWhatTheFilterDropsIsIgnoredAndAboutNobody(t *testing.T) {
	r := receiverOf(t, func(s *Settings) { s.Webhook.When = "event.type.startsWith('subscription')" })
	got, err := r.Events(nil, []byte(`{"events":[{"id":"e1","type":"subscription_created","customer_id":"c1"},{"id":"e2","type":"invoice_paid","customer_id":"c1"},{"type":"invoice_paid"},{"id":"e4"},{"id":"e5","type":7}]}`))
	if err != nil || len(got) != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	if e := got[0]; e.Skip != "" || e.Err != nil || e.Event.Customer != "c1" {
		t.Errorf("the one that is ours: %+v", e)
	}
	if e := got[1]; e.Skip != "webhook.when is false for it" || e.Err != nil || e.Event.ID != "e2" || e.Event.Customer != "" || e.Event.HasValue || e.Mute {
		t.Errorf("one that is not: %+v", e)
	}
	if e := got[2]; e.Skip == "" || e.Err != nil || !strings.HasPrefix(e.Event.ID, "dropped:") {
		t.Errorf("one that is not and has no id: %+v", e)
	}
	// A misspelt name must not drop everything.
	if e := got[3]; e.Err == nil || e.Err.Error() != "webhook.when: what it reads is missing" {
		t.Errorf("one without a type: %+v", e)
	}
	if e := got[4]; e.Err == nil {
		t.Errorf("one whose type is no text: %+v", e)
	}
}

// FuzzForm checks that what is read of a form is what every reader of forms reads,
// and can be written as JSON.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a[b]=%C3%A4+x", "a=1&a=2", "%", "&", "=", "a=%FF", "a;b=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		v, err := decodeForm([]byte(body))
		if err != nil {
			return
		}
		fields := v.(map[string]any)
		if _, err := strictjson.Encode(v); err != nil {
			t.Errorf("%q cannot be written: %v", body, err)
		}
		if strings.Contains(body, ";") {
			return // the standard library refuses them
		}
		want, err := url.ParseQuery(body)
		if err != nil || len(want) != len(fields) {
			t.Fatalf("%q: %v, %d fields and not %d", body, err, len(fields), len(want))
		}
		for name, values := range want {
			got := fields[name]
			if one, ok := got.(string); ok {
				got = []any{one}
			}
			list, _ := got.([]any)
			if len(list) != len(values) {
				t.Fatalf("%q: %q has %v, want %q", body, name, list, values)
			}
			for i := range values {
				if list[i] != values[i] {
					t.Errorf("%q: %q has %v, want %q", body, name, list, values)
				}
			}
		}
	})
}
