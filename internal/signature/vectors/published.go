package main

// published are requests that others have published besides the genuine ones.
func published() []vector {
	rfc := map[string]string{"header": "X-Signature", "encoding": "hex"}
	const source = "https://www.rfc-editor.org/rfc/rfc4231, section 4"
	hex := func(sum string) map[string][]string { return map[string][]string{"X-Signature": {sum}} }
	return []vector{
		{Scheme: "hmac-sha256", Description: "hmac-sha256 of RFC 4231: test case 1 is accepted.", Options: rfc, Source: source,
			Secrets: []string{"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"}, body: "Hi There",
			Headers: hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"), Accept: true, Reason: match},
		{Scheme: "hmac-sha256", Description: "hmac-sha256 of RFC 4231: test case 2, with a key shorter than the digest, is accepted.", Options: rfc, Source: source,
			Secrets: []string{"Jefe"}, body: "what do ya want for nothing?",
			Headers: hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), Accept: true, Reason: match},
		{Scheme: "hmac-sha256", Description: "hmac-sha256 of RFC 4231: the signature of test case 1 does not fit test case 2.", Options: rfc, Source: source,
			Secrets: []string{"Jefe"}, body: "what do ya want for nothing?",
			Headers: hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"), Reason: noMatch},
		{Scheme: "slack", Description: "slack: the example of its documentation is accepted.", Source: "https://docs.slack.dev/authentication/verifying-requests-from-slack",
			Secrets: []string{"8f742231b10e8888abcd99yyyzzz85a5"}, Now: 1531420618, Accept: true, Reason: match,
			body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&" +
				"user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F" +
				"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
			Headers: map[string][]string{"X-Slack-Request-Timestamp": {"1531420618"},
				"X-Slack-Signature": {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}}},
		{Scheme: "standard-webhooks", Description: "standard-webhooks of Svix: the secret of its manual has 18 bytes, fewer than the specification allows.",
			Source:  "https://docs.svix.com/receiving/verifying-payloads/how-manual",
			Secrets: []string{"whsec_plJ3nmyCDGBKInavdOK15jsl"}, body: `{"event_type":"ping","data":{"success":true}}`, Now: 1731705121,
			Headers: map[string][]string{"webhook-id": {"msg_loFOjxBNrRLzqYUf"}, "webhook-timestamp": {"1731705121"},
				"webhook-signature": {"v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="}}, Reason: unusableSecret},
	}
}
