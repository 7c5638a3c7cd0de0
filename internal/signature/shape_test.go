package signature

import (
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// published are requests with the signatures that vendors and standards publish,
// or that follow from the vendor's published rule where it publishes no value.
var published = []struct {
	name   string
	scheme HMAC
	secret string
	header http.Header
	body   string
	now    time.Time
}{
	// docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
	{"GitHub, in one header with a prefix", HMAC{Shape: Shape{Header: "X-Hub-Signature-256", Encoding: Hex, Prefix: "sha256="}, Algorithm: SHA256},
		"It's a Secret to Everybody", http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
		"Hello, World!", time.Unix(0, 0)},
	// coinify.readme.io/docs/webhook-signature
	{"Coinify", HMAC{Shape: Shape{Header: "X-Coinify-Webhook-Signature", Encoding: Hex}}, "my-shared-secret",
		http.Header{"X-Coinify-Webhook-Signature": {"bcdbb89e3031905f3cc1a20d16b5f969a17a7d8fa0c26e4a807c2193402d66f4"}}, `{"examplePayload":true}`, time.Unix(0, 0)},
	// RFC 2202, HMAC-SHA1 test case 2
	{"RFC 2202 with SHA-1, as Intercom signs", HMAC{Shape: Shape{Header: "X-Hub-Signature", Encoding: Hex, Prefix: "sha1="}, Algorithm: SHA1}, "Jefe",
		http.Header{"X-Hub-Signature": {"sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"}}, "what do ya want for nothing?", time.Unix(0, 0)},
	// RFC 4231, test case 2
	{"RFC 4231 with SHA-256", HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex}, Algorithm: SHA256}, "Jefe",
		http.Header{"X-Sig": {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}}, "what do ya want for nothing?", time.Unix(0, 0)},
	{"RFC 4231 with SHA-512", HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex}, Algorithm: SHA512}, "Jefe",
		http.Header{"X-Sig": {"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
		"what do ya want for nothing?", time.Unix(0, 0)},
	// RFC 4231, test case 1: a key that is no text
	{"RFC 4231 with a key in hex", HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex}, KeyEncoding: KeyHex}, strings.Repeat("0b", 20),
		http.Header{"X-Sig": {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"}}, "Hi There", time.Unix(0, 0)},
	{"RFC 4231 with a key in base64, as Airtable shows it", HMAC{Shape: Shape{Header: "X-Airtable-Content-Mac", Encoding: Hex, Prefix: "hmac-sha256="}, KeyEncoding: KeyBase64}, "CwsLCwsLCwsLCwsLCwsLCwsLCws=",
		http.Header{"X-Airtable-Content-Mac": {"hmac-sha256=b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"}}, "Hi There", time.Unix(0, 0)},
	// developer.zendesk.com/documentation/webhooks/verifying: the published value is of body and then timestamp
	{"Zendesk, with an ISO time and no separator", HMAC{Shape: Shape{Header: "X-Zendesk-Webhook-Signature", Encoding: Base64,
		TimestampHeader: "X-Zendesk-Webhook-Signature-Timestamp", Unit: ISO, Signed: "{body}{timestamp}"}}, "HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=",
		http.Header{"X-Zendesk-Webhook-Signature": {"tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw="}, "X-Zendesk-Webhook-Signature-Timestamp": {"2021-07-25T10:00:00Z"}},
		`{"say": "hello"}`, time.Date(2021, 7, 25, 10, 0, 0, 0, time.UTC)},
	// docs.slack.dev/authentication/verifying-requests-from-slack
	{"Slack, with a version in the signed text", HMAC{Shape: Shape{Header: "X-Slack-Signature", Encoding: Hex, Prefix: "v0=", TimestampHeader: "X-Slack-Request-Timestamp",
		Signed: "v0:{timestamp}:{body}"}}, "8f742231b10e8888abcd99yyyzzz85a5",
		http.Header{"X-Slack-Signature": {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}, "X-Slack-Request-Timestamp": {"1531420618"}},
		"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
		time.Unix(1531420618, 0)},
	// HubSpot publishes the rule (METHOD + URI + body + timestamp in ms) and no value for its third version
	{"HubSpot v3, with method, address and milliseconds", HMAC{Shape: Shape{Header: "X-Hubspot-Signature-V3", Encoding: Base64, TimestampHeader: "X-Hubspot-Request-Timestamp",
		Unit: Millis, Signed: "{method}{url}{body}{timestamp}", MethodHeader: "The-Method", URLHeader: "The-Url"}}, "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
		http.Header{"X-Hubspot-Signature-V3": {"eT0ip2TKVpsIi1vb5C2Uu42eNdHL+oTE3NRZOF67O2U="}, "X-Hubspot-Request-Timestamp": {"1564113600000"},
			"The-Method": {"POST"}, "The-Url": {"https://www.example.com/webhook_uri"}},
		`{"example_field":"example_value"}`, time.UnixMilli(1564113600000)},
	// docs.stripe.com/webhooks: the rule; Calendly and many others sign in the same way
	{"a list with t and v1", HMAC{Shape: Shape{Header: "Calendly-Webhook-Signature", Encoding: Hex, Format: "t={timestamp},v1={signature}"}}, stripeSecret,
		http.Header{"Calendly-Webhook-Signature": {"t=1495999758,v1=" + hex.EncodeToString(digest(stripeSecret, []byte(`1495999758.{"a":1}`)))}}, `{"a":1}`, time.Unix(stripeNow, 0)},
	// developer.paddle.com/webhooks/signature-verification: the rule
	{"Paddle, a list with ts and h1", HMAC{Shape: Shape{Header: "Paddle-Signature", Encoding: Hex, Format: "ts={timestamp};h1={signature}", Signed: "{timestamp}:{body}"}}, stripeSecret,
		http.Header{"Paddle-Signature": {"ts=1495999758;h1=" + hex.EncodeToString(digest(stripeSecret, []byte(`1495999758:{"a":1}`)))}}, `{"a":1}`, time.Unix(stripeNow, 0)},
}

func TestAPublishedSignatureIsAcceptedAndNothingNearIt(t *testing.T) {
	for _, v := range published {
		t.Run(v.name, func(t *testing.T) {
			s, err := NewHMAC(v.scheme, []string{"00ff", v.secret}) // 00ff is text, hex and base64
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(v.header, []byte(v.body), v.now); err != nil {
				t.Fatalf("refused: %v", err)
			}
			timed := s.timed()
			for _, late := range []time.Duration{-6 * time.Minute, -5*time.Minute - time.Second, 5*time.Minute + time.Second, time.Hour} {
				if err := s.Verify(v.header, []byte(v.body), v.now.Add(late)); timed == (err == nil) {
					t.Errorf("%s later: %v", late, err)
				}
			}
			for _, late := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
				if err := s.Verify(v.header, []byte(v.body), v.now.Add(late)); err != nil {
					t.Errorf("%s later: %v", late, err)
				}
			}
			refused := func(what string, h http.Header, body string) {
				t.Helper()
				err := s.Verify(h, []byte(body), v.now)
				if err == nil {
					t.Errorf("accepted with another %s: %v, %q", what, h, body)
				} else if strings.Contains(err.Error(), v.secret) {
					t.Errorf("the error quotes the secret: %v", err)
				}
			}
			for i := range v.body {
				refused("body", v.header, flipped(v.body, i, 1))
			}
			refused("body", v.header, v.body+" ")
			refused("body", v.header, v.body[1:])
			for name, values := range v.header {
				value := values[0]
				for i := range value {
					refused(name, with(v.header, name, flipped(value, i, 1)), v.body)
				}
				for _, h := range []http.Header{{}, with(v.header, name), with(v.header, name, ""), with(v.header, name, value, value)} {
					refused("number of "+name, h, v.body)
				}
			}
		})
	}
}

func TestAListMayHoldMoreThanOneSignature(t *testing.T) {
	now, body := time.Unix(stripeNow, 0), []byte(`{"a":1}`)
	sum := hex.EncodeToString(digest("sesame", []byte(`1495999758.{"a":1}`)))
	older := hex.EncodeToString(digest("older", []byte(`1495999758.{"a":1}`)))
	s, err := NewHMAC(HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex, Format: "t={timestamp}, v1={signature}"}}, []string{"sesame"})
	if err != nil {
		t.Fatal(err)
	}
	for header, says := range map[string]string{
		"t=1495999758,v1=" + sum:                                  "",
		"t=1495999758, v1=" + sum:                                 "",
		"v1=" + older + ",v1=" + sum + ",t=1495999758":            "",
		"v0=x,t=1495999758,v1=" + sum + ",v1=" + older + ",x=":    "",
		"t=1495999758,v1=" + strings.ToUpper(sum):                 "",
		"t=1495999758,v1=" + older:                                "matches none",
		"t=1495999758,v0=" + sum:                                  "matches none",
		"t=1495999758":                                            "matches none",
		"t=1495999758,V1=" + sum:                                  "matches none",
		"v1=" + sum:                                               "exactly one timestamp",
		"t=1495999758,t=1495999758,v1=" + sum:                     "exactly one timestamp",
		"t=1495999758,v1=" + sum + ",":                            "not a list of name=value",
		"t=1495999758;v1=" + sum:                                  "not a whole number",
		"t=1495999757,v1=" + sum:                                  "matches none",
		"t=1495999758,v1=" + sum[:63]:                             "matches none",
		"t=1495999758,v1=" + strings.ToUpper(sum[:32]) + sum[32:]: "matches none",
	} {
		err := s.Verify(http.Header{"X-Sig": {header}}, body, now)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", header, err, says)
		}
	}
	// A list that holds signatures by several hashes, without a time.
	one, err := NewHMAC(HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex, Format: "sha256={signature}"}}, []string{"It's a Secret to Everybody"})
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"X-Sig": {"sha1=01dc10d0, sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}
	if err := one.Verify(h, []byte("Hello, World!"), now); err != nil {
		t.Error(err)
	}
}

func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[http.CanonicalHeaderKey(name)] = values
	return h
}

func TestATimeIsReadInItsOneSpelling(t *testing.T) {
	now := time.Unix(stripeNow, 0)
	for _, c := range []struct {
		unit Unit
		good []string
		bad  []string
	}{
		{Seconds, []string{"1495999758"}, []string{"", " 1495999758", "01495999758", "+1495999758", "1495999758.0", "1495999758000", "-1", "99999999999999999999", "9223372036854775807"}},
		{Millis, []string{"1495999758000", "1495999758999"}, []string{"1495999758", "01495999758000", "1.495999758e12", "9223372036854775807", ""}},
		{ISO, []string{"2017-05-28T19:29:18Z", "2017-05-28T21:29:18+02:00", "2017-05-28T19:29:18.123Z"},
			[]string{"2017-05-28T19:29:18", "2017-05-28 19:29:18Z", "1495999758", "2017-05-28T19:29:18Zx", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", ""}},
	} {
		s := Shape{Unit: c.unit}
		for _, text := range c.good {
			if err := s.fresh(text, "X-Time", now); err != nil {
				t.Errorf("%s %q: %v", c.unit, text, err)
			}
		}
		for _, text := range c.bad {
			if s.fresh(text, "X-Time", now) == nil {
				t.Errorf("%s %q was accepted", c.unit, text)
			}
		}
	}
}

func TestAToleranceCanBeWiderOrNarrower(t *testing.T) {
	now := time.Unix(stripeNow, 0)
	for _, c := range []struct {
		tolerance, age time.Duration
		says           string // "" is accepted
	}{
		{24 * time.Hour, 23 * time.Hour, ""}, {24 * time.Hour, 25 * time.Hour, "more than 1440 minutes old"},
		{30 * time.Second, 29 * time.Second, ""}, {30 * time.Second, 31 * time.Second, "more than 30 seconds old"}, {30 * time.Second, -31 * time.Second, "more than 30 seconds in the future"},
	} {
		shape := HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex, TimestampHeader: "X-Time", Tolerance: c.tolerance}, Secrets: Secrets{[]byte("k")}}
		err := shape.Verify(SignHMAC(shape, []byte("k"), now.Add(-c.age), nil), nil, now)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s of %s: %v", c.age, c.tolerance, err)
		}
	}
}

// As Discord signs: in hex, over the time and the body. The vectors of RFC 8032 are
// in ed25519_test.go.
func TestAnEd25519SignatureMayCoverATime(t *testing.T) {
	seed := make([]byte, 32)
	private := ed25519.NewKeyFromSeed(seed)
	now, body := time.Unix(stripeNow, 0), []byte(`{"type":1}`)
	s, err := NewEd25519(Shape{Header: "X-Signature-Ed25519", Encoding: Hex, TimestampHeader: "X-Signature-Timestamp", Signed: "{timestamp}{body}"},
		[]ed25519.PublicKey{private.Public().(ed25519.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	good := http.Header{}
	s.Sign(good, private, now, body)
	if err := s.Verify(good, body, now); err != nil {
		t.Fatal(err)
	}
	for name, values := range good {
		for i := range values[0] {
			if h := with(good, name, flipped(values[0], i, 1)); s.Verify(h, body, now) == nil {
				t.Errorf("accepted with another %s at byte %d", name, i)
			}
		}
	}
	for i := range body {
		if s.Verify(good, []byte(flipped(string(body), i, 1)), now) == nil {
			t.Errorf("accepted with another body at byte %d", i)
		}
	}
	if s.Verify(good, body, now.Add(time.Hour)) == nil {
		t.Error("accepted an hour later")
	}
}

func TestSvixNamesItsHeadersDifferently(t *testing.T) {
	// The request that the specification and Svix publish, under Svix's names.
	s, err := NewStandardWebhooks([]string{otherSecret, standardSecret})
	if err != nil {
		t.Fatal(err)
	}
	s.Names = SvixNames
	now, body := time.Unix(standardNow, 0), []byte(`{"test": 2432232314}`)
	h := http.Header{"Svix-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Svix-Timestamp": {"1614265330"}, "Svix-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}
	if err := s.Verify(h, body, now); err != nil {
		t.Error(err)
	}
	for name, values := range h {
		for i := range values[0] {
			if s.Verify(with(h, name, flipped(values[0], i, 1)), body, now) == nil {
				t.Errorf("accepted with another %s at byte %d", name, i)
			}
		}
		if err := s.Verify(with(h, name), body, now); err == nil || !strings.Contains(err.Error(), "svix-") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	s.Names = ""
	if s.Verify(h, body, now) == nil {
		t.Error("the names of Svix are taken for the standard's")
	}
}

func TestBasicAuthenticationIsUserAndPassword(t *testing.T) {
	s, err := NewBasic("Aladdin", []string{"other", "open sesame"})
	if err != nil {
		t.Fatal(err)
	}
	// RFC 7617, section 2
	for _, header := range []string{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="} {
		if err := s.Verify(http.Header{"Authorization": {header}}, nil, time.Time{}); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
	good := SignBasic("Aladdin", "open sesame").Get("Authorization")
	bad := []string{"", "Basic", "Basic ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
		SignBasic("aladdin", "open sesame").Get("Authorization"), SignBasic("Aladdin", "open").Get("Authorization"), SignBasic("Aladdin", "").Get("Authorization"),
		good + " ", good + ",", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR=="}
	for i := range good {
		if i >= len("Basic") {
			bad = append(bad, flipped(good, i, 1))
		}
	}
	for _, header := range bad {
		err := s.Verify(http.Header{"Authorization": {header}}, nil, time.Time{})
		if err == nil {
			t.Errorf("accepted %q", header)
		} else if strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "QWxh") {
			t.Errorf("the error quotes the header: %v", err)
		}
	}
	if s.Verify(http.Header{"Authorization": {good, good}}, nil, time.Time{}) == nil {
		t.Error("accepted twice")
	}
}

// FuzzShape checks that an accepted list of name=value has exactly one time near
// now and a signature by a live secret over that time and the body.
func FuzzShape(f *testing.F) {
	f.Add("", "1495999758", []byte("{}"), ";", "s")
	f.Add("ts=1495999758;h1=00", "", []byte("{}"), ";", "ms")
	f.Add("ts=1;ts=2", "1495999758000", []byte{}, ",", "ms")
	f.Add("h1=a,=,==,", "2017-05-28T19:29:18Z", []byte("\xff"), ",", "iso")
	now := time.Unix(stripeNow, 0)
	f.Fuzz(func(t *testing.T, given, signAt string, body []byte, separator, unit string) {
		if separator != ";" {
			separator = ","
		}
		shape := HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex, Format: "ts={timestamp}" + separator + "h1={signature}", Signed: "{timestamp}:{body}", Unit: Unit(unit)}}
		s, err := NewHMAC(shape, []string{"other", "sesame"})
		if err != nil {
			return
		}
		header := given
		if signAt != "" {
			header = strings.TrimPrefix(given+separator, separator) + "ts=" + signAt + separator + "h1=" + hex.EncodeToString(digest("sesame", []byte(signAt+":"+string(body))))
		}
		h := http.Header{"X-Sig": {header}}
		if err := s.Verify(h, body, now); err != nil {
			if given == "" && !strings.ContainsAny(signAt, " ,;") && s.fresh(signAt, "x", now) == nil {
				t.Errorf("genuine and refused (%v): %q, body %q", err, header, body)
			}
			return
		}
		refusesTwins(t, s, h, body, now)
		var times, sums []string
		for _, item := range strings.Split(header, separator) {
			if v, ok := strings.CutPrefix(strings.Trim(item, " "), "ts="); ok {
				times = append(times, v)
			}
			if v, ok := strings.CutPrefix(strings.Trim(item, " "), "h1="); ok {
				sums = append(sums, strings.ToLower(v))
			}
		}
		if len(times) != 1 || s.fresh(times[0], "x", now) != nil {
			t.Fatalf("accepted the times %q", times)
		}
		if !slices.ContainsFunc(s.Secrets, func(key []byte) bool {
			return slices.Contains(sums, hex.EncodeToString(digest(string(key), []byte(times[0]+":"+string(body)))))
		}) {
			t.Errorf("accepted %q, body %q", header, body)
		}
	})
}

// FuzzBasic checks that only the user and a password of the list are accepted.
func FuzzBasic(f *testing.F) {
	f.Add("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
	f.Add("basic QWxhZGRpbjpvdGhlcg==")
	f.Add("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ")
	s, err := NewBasic("Aladdin", []string{"other", "open sesame"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if s.Verify(http.Header{"Authorization": {header}}, nil, time.Time{}) != nil {
			return
		}
		r := http.Request{Header: http.Header{"Authorization": {header}}}
		user, password, ok := r.BasicAuth()
		if !ok || user != "Aladdin" || password != "other" && password != "open sesame" {
			t.Errorf("accepted %q", header)
		}
	})
}
