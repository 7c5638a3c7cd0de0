package signature

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example of Slack's own documentation (docs.slack.dev,
// "Verifying requests from Slack").
const (
	slackSecret = "8f742231b10e8888abcd99yyyzzz85a5" // #nosec G101 -- a published example
	slackBody   = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	slackProof  = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	slackAt     = 1531420618
)

func slackHeader(timestamp, proof string) http.Header {
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", timestamp)
	h.Set("X-Slack-Signature", proof)
	return h
}

func TestSlacksOwnExampleIsGenuine(t *testing.T) {
	s, err := NewSlack([]string{"another one", slackSecret})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(slackAt, 0)
	h := slackHeader(fmt.Sprint(slackAt), slackProof)
	for _, shift := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute} {
		if err := s.Verify(h, []byte(slackBody), at.Add(shift)); err != nil {
			t.Errorf("%s later: %v", shift, err)
		}
	}
	signed := SignSlack([]byte(slackSecret), at, []byte(slackBody))
	if got := signed.Get("X-Slack-Signature"); got != slackProof {
		t.Errorf("we sign with %s", got)
	}
}

func TestWhatSlackDidNotSignIsRefused(t *testing.T) {
	at := time.Unix(slackAt, 0)
	stamp := fmt.Sprint(slackAt)
	twice := slackHeader(stamp, slackProof)
	twice.Add("X-Slack-Signature", slackProof)
	tests := map[string]struct {
		h    http.Header
		body string
		now  time.Time
		says string
	}{
		"another body":           {slackHeader(stamp, slackProof), slackBody + "&a=b", at, "matches none"},
		"another time":           {slackHeader(fmt.Sprint(slackAt+1), slackProof), slackBody, at, "matches none"},
		"no version":             {slackHeader(stamp, slackProof[3:]), slackBody, at, "v0="},
		"another version":        {slackHeader(stamp, "v1"+slackProof[2:]), slackBody, at, "v0="},
		"a cut signature":        {slackHeader(stamp, slackProof[:20]), slackBody, at, "matches none"},
		"an old one":             {slackHeader(stamp, slackProof), slackBody, at.Add(5*time.Minute + time.Second), "old"},
		"one from the future":    {slackHeader(stamp, slackProof), slackBody, at.Add(-5*time.Minute - time.Second), "future"},
		"a time that is no time": {slackHeader(stamp+".0", slackProof), slackBody, at, "whole number"},
		"no signature":           {slackHeader(stamp, ""), slackBody, at, "empty"},
		"no header":              {http.Header{}, slackBody, at, "missing"},
		"two signatures":         {twice, slackBody, at, "2 times"},
	}
	s, err := NewSlack([]string{slackSecret})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := s.Verify(tt.h, []byte(tt.body), tt.now)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want it to say %q", err, tt.says)
			}
		})
	}
	if err := (Slack{Secrets: Secrets{{}}}).Verify(SignSlack(nil, at, nil), nil, at); err == nil {
		t.Error("an empty secret verifies")
	}
}
