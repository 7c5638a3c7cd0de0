package signature

import (
	"crypto/ed25519"
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

// The property of every target: an accepted request was signed with a live
// secret, over exactly these bytes. The digests are computed here from the
// definition, not with the package's own functions. Half of the inputs are
// signed first, so that accepted ones occur too.

func digest(secret string, text []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(text)
	return m.Sum(nil)
}

func FuzzStandardWebhooks(f *testing.F) {
	g := genuine(f)["standard-webhooks"]
	f.Add("msg_1", "1614265330", g.Headers["webhook-signature"][0], []byte(g.Body), true)
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
		if err := s.Verify(h, body, now); err != nil {
			if sign && id != "" && !strings.Contains(id, ".") && near(t, timestamp, now) {
				t.Errorf("genuine and refused (%v): id %q, timestamp %q, signature %q, body %q", err, id, timestamp, sig, body)
			}
			return
		}
		refusesTwins(t, s, h, body, now)
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
	g := genuine(f)["stripe"]
	f.Add(g.Headers["stripe-signature"][0], "", []byte(g.Body))
	f.Add(strings.Replace(g.Headers["stripe-signature"][0], "v1=", "v0=", 1), "", []byte(g.Body))
	f.Add("", "1495999758", []byte("{}"))
	f.Add("t=1", "1495999758", []byte("{}"))
	f.Add("t=1495999758,v1=,v0", "", []byte("."))
	s, err := NewStripe([]string{"other", stripeSecret})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, given, signAt string, body []byte) {
		header := given
		if signAt != "" {
			header += ",t=" + signAt + ",v1=" + stripeSignature(s.Secrets[1], signAt, body)
			header = strings.TrimPrefix(header, ",")
		}
		now, h := time.Unix(stripeNow, 0), http.Header{"Stripe-Signature": {header}}
		if err := s.Verify(h, body, now); err != nil {
			if given == "" && near(t, signAt, now) {
				t.Errorf("genuine and refused (%v): header %q, body %q", err, header, body)
			}
			return
		}
		refusesTwins(t, s, h, body, now)
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

func FuzzSlack(f *testing.F) {
	g := genuine(f)["slack"]
	at := g.Headers["X-Slack-Request-Timestamp"][0]
	f.Add(g.Headers["X-Slack-Signature"][0], at, []byte(g.Body), false)
	f.Add(strings.ToUpper(g.Headers["X-Slack-Signature"][0]), at, []byte(g.Body), false)
	f.Add("", at, []byte(""), true)
	f.Add("", "0"+at, []byte("\xff"), true)
	f.Add("", at+":", []byte("x"), true)
	f.Add("", "9223372036854775807", []byte("x"), true)
	s, err := NewSlack([]string{"other", g.Secrets[0]})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sig, timestamp string, body []byte, sign bool) {
		text := "v0:" + timestamp + ":" + string(body)
		if sign {
			sig = "v0=" + hex.EncodeToString(digest(g.Secrets[0], []byte(text)))
		}
		now := time.Unix(g.Now, 0)
		h := http.Header{"X-Slack-Signature": {sig}, "X-Slack-Request-Timestamp": {timestamp}}
		made := slices.ContainsFunc(s.Secrets, func(key []byte) bool {
			return sig == "v0="+hex.EncodeToString(digest(string(key), []byte(text)))
		})
		err := s.Verify(h, body, now)
		if (err == nil) != (made && near(t, timestamp, now)) {
			t.Errorf("made is %v and the verdict %v: signature %q, timestamp %q, body %q", made, err, sig, timestamp, body)
		}
		if err == nil {
			refusesTwins(t, s, h, body, now)
		}
	})
}

func FuzzHMAC(f *testing.F) {
	f.Add("kGagiMzDwZLdrijD0InBiBFnesIf+qwk0OpicQLD1T0=", "1495999758", []byte(`{"a":1}`), true, true, false)
	f.Add("", "1495999758", []byte("x"), false, true, true)
	f.Add("00", "", []byte("x"), false, false, true)
	f.Add("00", " 1495999758", []byte(""), true, true, true)
	f.Fuzz(func(t *testing.T, sig, timestamp string, body []byte, b64, timed, sign bool) {
		shape := HMAC{Shape: Shape{Header: "X-Signature", Encoding: Hex, Prefix: "p="}}
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
			sig = s.encode(digest("sesame", []byte(text)))
		}
		now := time.Unix(stripeNow, 0)
		h := http.Header{"X-Signature": {"p=" + sig}, "X-Timestamp": {timestamp}}
		if err := s.Verify(h, body, now); err != nil {
			if sign && (!timed || near(t, timestamp, now)) {
				t.Errorf("genuine and refused (%v): signature %q, timestamp %q, body %q", err, sig, timestamp, body)
			}
			return
		}
		refusesTwins(t, s, h, body, now)
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

// FuzzEd25519 checks that only the signature that the private key makes over
// these bytes is accepted, and only in its one spelling.
func FuzzEd25519(f *testing.F) {
	private := ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fix."))
	other := ed25519.NewKeyFromSeed([]byte("another seed of thirty-two bytes"))
	s, err := NewEd25519(Ed25519Body("X-Signature"), []ed25519.PublicKey{other.Public().(ed25519.PublicKey), private.Public().(ed25519.PublicKey)})
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{"", "{}", "\xff"} {
		f.Add(SignEd25519("X-Signature", private, []byte(body)).Get("X-Signature"), []byte(body), false)
		f.Add("", []byte(body), true)
	}
	f.Add(base64.StdEncoding.EncodeToString(make([]byte, 64)), []byte{}, false)
	// The same bytes, spelled with unused bits set.
	loose := []byte(SignEd25519("X-Signature", private, nil).Get("X-Signature"))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	loose[85] = alphabet[strings.IndexByte(alphabet, loose[85])|1]
	f.Add(string(loose), []byte{}, false)
	f.Fuzz(func(t *testing.T, sig string, body []byte, sign bool) {
		if sign {
			sig = base64.StdEncoding.EncodeToString(ed25519.Sign(private, body))
		}
		h := http.Header{"X-Signature": {sig}}
		err := s.Verify(h, body, time.Time{})
		made := slices.ContainsFunc([]ed25519.PrivateKey{private, other}, func(key ed25519.PrivateKey) bool {
			return sig == base64.StdEncoding.EncodeToString(ed25519.Sign(key, body))
		})
		if (err == nil) != made {
			t.Errorf("made is %v and the verdict %v: signature %q, body %q", made, err, sig, body)
		}
		if made && (s.Verify(http.Header{"X-Signature": {sig, sig}}, body, time.Time{}) == nil || s.Verify(h, append(slices.Clone(body), 0), time.Time{}) == nil) {
			t.Errorf("accepted twice, or with another byte behind %q", body)
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

// refusesTwins checks that a genuine request is refused when a header that the
// scheme reads is repeated, when a byte of its body changes, or when its time
// has passed.
func refusesTwins(t *testing.T, s Scheme, h http.Header, body []byte, now time.Time) {
	t.Helper()
	timed := false
	for name, values := range h {
		if _, used := s.(HMAC); used && name == "X-Timestamp" && s.(HMAC).TimestampHeader == "" {
			continue
		}
		timed = timed || name != "X-Signature"
		twice := h.Clone()
		twice[name] = []string{values[0], values[0]}
		if s.Verify(twice, body, now) == nil {
			t.Errorf("accepted with %s twice: %q", name, h)
		}
	}
	if s.Verify(h, append(slices.Clone(body), 0), now) == nil {
		t.Errorf("accepted with another byte behind %q", body)
	}
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		if timed && s.Verify(h, body, now.Add(off)) == nil {
			t.Errorf("accepted %s away: %q", off, h)
		}
	}
}

// near reports whether text is a plain decimal within 5 minutes of now.
func near(t *testing.T, text string, now time.Time) bool {
	t.Helper()
	var secs int64
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
		if len(text) > 10 {
			return false
		}
		secs = secs*10 + int64(r-'0')
	}
	return len(text) == 10 && secs >= now.Unix()-300 && secs <= now.Unix()+300
}
