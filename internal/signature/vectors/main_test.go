package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheFileIsWhatTheCommandPrints(t *testing.T) {
	want, err := document()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../docs/signature-vectors.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/signature-vectors.json is not what the code makes (%v), run: go run ./internal/signature/vectors >docs/signature-vectors.json", err)
	}
}

// What others have published is what shows that the signatures made here are
// the schemes' own.
func TestWhatIsPublishedIsWhatIsMade(t *testing.T) {
	githubPublished := map[string][]string{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}
	if diff := cmp.Diff(githubPublished, githubKind().genuine.Headers); diff != "" {
		t.Errorf("GitHub's example: %s", diff)
	}
	k := standard()
	made := k.genuine.clone()
	k.sign(&made, standardSecret, k.at)
	if diff := cmp.Diff(k.genuine.Headers, made.Headers); diff != "" {
		t.Errorf("the example of Standard Webhooks: %s", diff)
	}
	rfc := shape{"", "X-Signature", "hex", "", "", "", ""}.kind()
	for _, v := range published() {
		if !v.Accept {
			continue
		}
		made, by := v.clone(), rfc
		if v.Scheme == "slack" {
			by = slack()
		}
		by.sign(&made, v.Secrets[0], by.at)
		if diff := cmp.Diff(v.Headers, made.Headers); diff != "" {
			t.Errorf("%s %s", v.Description, diff)
		}
	}
}

func TestThePublishedSumsAreThoseOfTheirAlgorithms(t *testing.T) {
	for _, p := range publishedSums {
		if got := hex.EncodeToString(sum(map[string]func() hash.Hash{"sha1": sha1.New, "sha512": sha512.New}[p.algorithm], p.key, p.text)); got != p.sum {
			t.Errorf("%s, test case %s is copied wrongly: %s", p.algorithm, p.test, got)
		}
	}
}

func TestThePairsOfRFC8032BelongTogether(t *testing.T) {
	for i, r := range rfc8032 {
		private := ed25519.NewKeyFromSeed(unhex(r.seed))
		if !bytes.Equal(private.Public().(ed25519.PublicKey), unhex(r.public)) || !bytes.Equal(ed25519.Sign(private, unhex(r.message)), unhex(r.signature)) {
			t.Errorf("test %d is copied wrongly", i+1)
		}
	}
}

func TestEveryVectorIsOneOfAKind(t *testing.T) {
	seen, words := map[string]bool{}, map[string]bool{}
	for _, v := range all() {
		if seen[v.Description] {
			t.Errorf("two vectors say %q", v.Description)
		}
		seen[v.Description], words[v.Reason] = true, true
		if schemes[v.Scheme] == "" || reasons[v.Reason] == "" || v.Accept != (v.Reason == match) {
			t.Errorf("%s has the scheme %q and the reason %q", v.Description, v.Scheme, v.Reason)
		}
	}
	if len(words) != len(reasons) {
		t.Errorf("%d of %d reasons have a vector", len(words), len(reasons))
	}
}
