package signature

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// vector is one request and its verdict. It is plain data, so that the table
// can be written as JSON for implementations in other languages.
type vector struct {
	Name    string              `json:"name"`
	Scheme  string              `json:"scheme"` // standard-webhooks, hmac-sha256, header, stripe
	Shape   HMAC                `json:"shape"`  // for hmac-sha256; Header also for header
	Secrets []string            `json:"secrets"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	Now     int64               `json:"now"`
	Refusal string              `json:"refusal"` // "" means accepted
}

const (
	standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret    = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVy"
	standardNow    = 1614265330
	stripeSecret   = "whsec_test_secret"
	stripeNow      = 1495999758
)

// genuine are the requests every refusal below is derived from. The Standard
// Webhooks one is from the test suite of the specification's libraries, the
// GitHub one from docs.github.com "Validating webhook deliveries"; the others
// were computed with OpenSSL.
var genuine = map[string]vector{
	"standard-webhooks": {
		Scheme: "standard-webhooks", Secrets: []string{standardSecret}, Now: standardNow,
		Headers: map[string][]string{
			"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
			"Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		},
		Body: `{"test": 2432232314}`,
	},
	"stripe": {
		Scheme: "stripe", Secrets: []string{stripeSecret}, Now: stripeNow,
		Headers: map[string][]string{"Stripe-Signature": {
			"t=1495999758,v1=b2d7def75132b725b44e54778762c83f837c1f2d1130164f29c6efc21a361533"}},
		Body: `{"id":"evt_test","object":"event"}`,
	},
	"hmac hex": {
		Scheme: "hmac-sha256", Shape: HMAC{Header: "X-Hub-Signature-256", Encoding: Hex, Prefix: "sha256="},
		Secrets: []string{"It's a Secret to Everybody"}, Now: stripeNow,
		Headers: map[string][]string{"X-Hub-Signature-256": {
			"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
		Body: "Hello, World!",
	},
	"hmac base64 with timestamp": {
		Scheme: "hmac-sha256", Shape: HMAC{Header: "X-Signature", Encoding: Base64, TimestampHeader: "X-Timestamp"},
		Secrets: []string{"sesame"}, Now: stripeNow,
		Headers: map[string][]string{"X-Timestamp": {"1495999758"}, "X-Signature": {"kGagiMzDwZLdrijD0InBiBFnesIf+qwk0OpicQLD1T0="}},
		Body:    `{"a":1}`,
	},
	"header": {
		Scheme: "header", Shape: HMAC{Header: "X-Token"}, Secrets: []string{"open sesame"}, Now: stripeNow,
		Headers: map[string][]string{"X-Token": {"open sesame"}},
		Body:    `{"a":1}`,
	},
}

// but derives a refused request from a genuine one.
func but(from, name, refusal string, change func(*vector)) vector {
	v := genuine[from]
	v.Headers = maps.Clone(v.Headers)
	v.Name, v.Refusal = from+": "+name, refusal
	change(&v)
	return v
}

func header(name string, values ...string) func(*vector) {
	return func(v *vector) {
		v.Headers[name] = values
		if len(values) == 0 {
			delete(v.Headers, name)
		}
	}
}

func clock(seconds int64) func(*vector) { return func(v *vector) { v.Now += seconds } }

func secrets(s ...string) func(*vector) { return func(v *vector) { v.Secrets = s } }

func vectors() []vector {
	first := func(from, name string) string { return genuine[from].Headers[name][0] }
	std, stp := first("standard-webhooks", "Webhook-Signature"), first("stripe", "Stripe-Signature")
	hex64 := strings.TrimPrefix(stp, "t=1495999758,v1=")
	var all []vector
	for _, name := range slices.Sorted(maps.Keys(genuine)) {
		all = append(all, but(name, "the published request is accepted", "", func(*vector) {}))
		v := genuine[name]
		right := v.Secrets[0]
		wrong := map[bool]string{true: otherSecret, false: "another secret"}[v.Scheme == "standard-webhooks"]
		none := " header matches none of the configured secrets"
		all = append(all,
			but(name, "the second of two secrets matches while rotating", "", secrets(wrong, right)),
			but(name, "the first of two secrets matches while rotating", "", secrets(right, wrong)),
			but(name, "a wrong secret is refused", none, secrets(wrong)))
		for _, h := range slices.Sorted(maps.Keys(v.Headers)) {
			value := v.Headers[h][0]
			all = append(all,
				but(name, "without "+h+" it is refused", "header is missing", header(h)),
				but(name, "with an empty "+h+" it is refused", "header is empty", header(h, "")),
				but(name, "with "+h+" twice it is refused", "header is there 2 times", header(h, value, value)),
				but(name, "with a point after "+h+" it is refused", "the ", header(h, value+".")))
		}
	}
	for _, timed := range []struct{ name, header, before string }{
		{"standard-webhooks", "Webhook-Timestamp", ""},
		{"hmac base64 with timestamp", "X-Timestamp", ""},
		{"stripe", "Stripe-Signature", "t="},
	} {
		all = append(all,
			but(timed.name, "it is accepted 5 minutes later", "", clock(300)),
			but(timed.name, "it is accepted 5 minutes earlier", "", clock(-300)),
			but(timed.name, "a stale one is refused", "more than 5 minutes old", clock(301)),
			but(timed.name, "one from the future is refused", "more than 5 minutes in the future", clock(-301)))
		for _, bad := range []string{"x", "+1614265330", " 1614265330", "1614265330.0", "01614265330", "-1",
			"0x60379f72", "1e9", "١٦", "99999999999999999999", "1_614_265_330"} {
			all = append(all, but(timed.name, "the timestamp "+bad+" is refused",
				"is not a whole number of seconds", header(timed.header, timed.before+bad)))
		}
	}
	return append(all,
		but("standard-webhooks", "a second signature matches", "", header("Webhook-Signature", "v1,AAAA "+std)),
		but("standard-webhooks", "an asymmetric signature beside it is passed over", "", header("Webhook-Signature", "v1a,AAAA "+std)),
		but("standard-webhooks", "the right digest under v1a is refused", "matches none", header("Webhook-Signature", "v1a"+std[2:])),
		but("standard-webhooks", "the digest without its version is refused", "matches none", header("Webhook-Signature", std[3:])),
		but("standard-webhooks", "the digest without padding is refused", "matches none", header("Webhook-Signature", strings.TrimSuffix(std, "="))),
		but("standard-webhooks", "signatures separated by commas are refused", "matches none", header("Webhook-Signature", "v1,AAAA,"+std)),
		but("standard-webhooks", "an id with a point is refused", "contains a point", header("Webhook-Id", "msg.1614265330")),
		but("stripe", "a second v1 matches", "", header("Stripe-Signature", "t=1495999758,v1=00,v1="+hex64)),
		but("stripe", "the right digest under v0 alone is refused", "matches none", header("Stripe-Signature", "t=1495999758,v0="+hex64)),
		but("stripe", "a v0 beside a right v1 is passed over", "", header("Stripe-Signature", stp+",v0=00")),
		but("stripe", "a header without timestamp is refused", "exactly one timestamp", header("Stripe-Signature", "v1="+hex64)),
		but("stripe", "two timestamps are refused", "exactly one timestamp", header("Stripe-Signature", "t=,"+stp)),
		but("stripe", "a timestamp alone is refused", "matches none", header("Stripe-Signature", "t=1495999758")),
		but("stripe", "a header that is no list is refused", "not a list of name=value", header("Stripe-Signature", "t=1495999758,"+hex64)),
		but("stripe", "capital hex is refused", "matches none", header("Stripe-Signature", "t=1495999758,v1="+strings.ToUpper(hex64))),
		but("hmac hex", "capital hex is accepted", "", header("X-Hub-Signature-256", "sha256="+strings.ToUpper(first("hmac hex", "X-Hub-Signature-256")[7:]))),
		but("hmac hex", "a missing prefix is refused", "matches none", header("X-Hub-Signature-256", first("hmac hex", "X-Hub-Signature-256")[7:])),
	)
}

// scheme builds the vector's scheme through its constructor.
func (v vector) scheme(t testing.TB) Scheme {
	t.Helper()
	var s Scheme
	var err error
	switch v.Scheme {
	case "standard-webhooks":
		s, err = NewStandardWebhooks(v.Secrets)
	case "hmac-sha256":
		s, err = NewHMAC(v.Shape, v.Secrets)
	case "header":
		s, err = NewStaticHeader(v.Shape.Header, v.Secrets)
	case "stripe":
		s, err = NewStripe(v.Secrets)
	}
	if err != nil || s == nil {
		t.Fatalf("scheme %q: %v", v.Scheme, err)
	}
	return s
}

func (v vector) verify(t testing.TB) error {
	t.Helper()
	return v.scheme(t).Verify(http.Header(v.Headers), []byte(v.Body), time.Unix(v.Now, 0))
}
