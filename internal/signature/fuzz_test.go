package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The property of every target: what is accepted was made by somebody who
// holds a live secret, over exactly these bytes. The digests are computed here
// from the definition, not with the package's own functions. Half of the
// inputs are signed first, so that accepted ones are met too.

func digest(secret string, text []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(text)
	return m.Sum(nil)
}

func FuzzStandardWebhooks(f *testing.F) {
	g := genuine["standard-webhooks"]
	f.Add("msg_1", "1614265330", g.Headers["Webhook-Signature"][0], []byte(g.Body), true)
	f.Add("msg.1", "+1614265330", "v1,", []byte("{}"), true)
	f.Add("", "01614265330", "v1, v1,AAAA", []byte{}, false)
	f.Add("a", "1614265631", "v1a,x", []byte{0xff}, true)
	s, err := NewStandardWebhooks([]string{otherSecret, standardSecret})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, timestamp, sig string, body []byte, sign bool) {
		if sign {
			sig = strings.TrimSpace(sig + " " + standardSignature(s.Secrets[1], id, timestamp, body))
		}
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {sig}}
		now := time.Unix(standardNow, 0)
		if s.Verify(h, body, now) != nil {
			return
		}
		made := slices.ContainsFunc(s.Secrets, func(key []byte) bool {
			want := base64.StdEncoding.EncodeToString(digest(string(key), []byte(id+"."+timestamp+"."+string(body))))
			return slices.Contains(strings.Fields(sig), "v1,"+want)
		})
		if !made || id == "" || strings.Contains(id, ".") || !near(t, timestamp, now) {
			t.Errorf("accepted id %q, timestamp %q, signature %q, body %q", id, timestamp, sig, body)
		}
	})
}

func FuzzStripe(f *testing.F) {
	g := genuine["stripe"]
	f.Add(g.Headers["Stripe-Signature"][0], "", []byte(g.Body))
	f.Add("", "1495999758", []byte("{}"))
	f.Add("t=1", "1495999758", []byte("{}"))
	f.Add("t=1495999758,v1=,v0", "", []byte("."))
	s, err := NewStripe([]string{"other", stripeSecret})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, signAt string, body []byte) {
		if signAt != "" {
			header += ",t=" + signAt + ",v1=" + stripeSignature(s.Secrets[1], signAt, body)
			header = strings.TrimPrefix(header, ",")
		}
		now := time.Unix(stripeNow, 0)
		if s.Verify(http.Header{"Stripe-Signature": {header}}, body, now) != nil {
			return
		}
		var times, sigs []string
		for _, item := range strings.Split(header, ",") {
			if v, ok := strings.CutPrefix(item, "t="); ok {
				times = append(times, v)
			}
			if v, ok := strings.CutPrefix(item, "v1="); ok {
				sigs = append(sigs, v)
			}
		}
		if len(times) != 1 || !near(t, times[0], now) {
			t.Fatalf("accepted the timestamps %q", times)
		}
		made := slices.ContainsFunc(s.Secrets, func(key []byte) bool {
			return slices.Contains(sigs, hex.EncodeToString(digest(string(key), []byte(times[0]+"."+string(body)))))
		})
		if !made {
			t.Errorf("accepted header %q, body %q", header, body)
		}
	})
}

func FuzzHMAC(f *testing.F) {
	f.Add("kGagiMzDwZLdrijD0InBiBFnesIf+qwk0OpicQLD1T0=", "1495999758", []byte(`{"a":1}`), true, true, false)
	f.Add("", "1495999758", []byte("x"), false, true, true)
	f.Add("00", "", []byte("x"), false, false, true)
	f.Add("00", " 1495999758", []byte(""), true, true, true)
	f.Fuzz(func(t *testing.T, sig, timestamp string, body []byte, b64, timed, sign bool) {
		shape := HMAC{Header: "X-Signature", Encoding: Hex, Prefix: "p="}
		if b64 {
			shape.Encoding = Base64
		}
		text := string(body)
		if timed {
			shape.TimestampHeader, text = "X-Timestamp", timestamp+"."+text
		}
		s, err := NewHMAC(shape, []string{"other", "sesame"})
		if err != nil {
			t.Fatal(err)
		}
		if sign {
			sig = s.encode(s.sum(s.Secrets[1], timestamp, body))
		}
		now := time.Unix(stripeNow, 0)
		h := http.Header{"X-Signature": {"p=" + sig}, "X-Timestamp": {timestamp}}
		if s.Verify(h, body, now) != nil {
			return
		}
		var raw []byte
		if b64 {
			raw, err = base64.StdEncoding.DecodeString(sig)
		} else {
			raw, err = hex.DecodeString(sig)
		}
		made := err == nil && slices.ContainsFunc(s.Secrets, func(key []byte) bool {
			return string(raw) == string(digest(string(key), []byte(text)))
		})
		if !made || timed && !near(t, timestamp, now) {
			t.Errorf("accepted signature %q, timestamp %q, body %q", sig, timestamp, body)
		}
	})
}

func FuzzStaticHeader(f *testing.F) {
	f.Add("open sesame", "x")
	f.Add("", "")
	f.Add("a", "a")
	f.Fuzz(func(t *testing.T, given, secret string) {
		s := StaticHeader{Name: "X-Token", Secrets: Secrets{[]byte(secret), []byte("open sesame")}}
		accepted := s.Verify(http.Header{"X-Token": {given}}, nil, time.Time{}) == nil
		if want := given != "" && (given == secret || given == "open sesame"); accepted != want {
			t.Errorf("given %q, secret %q: accepted %v", given, secret, accepted)
		}
	})
}

// near reports whether text is a plain decimal within 5 minutes of now.
func near(t *testing.T, text string, now time.Time) bool {
	t.Helper()
	var secs int64
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
		secs = secs*10 + int64(r-'0')
	}
	return len(text) == 10 && secs >= now.Unix()-300 && secs <= now.Unix()+300
}
