package canary

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
)

type object = map[string]any

// declared returns the fields that hold a secret, in the configuration's own
// words: their keys, with the type of a connection in brackets. other are the
// fields that do not.
func declared(t *testing.T) (secrets, other []string) {
	t.Helper()
	text, err := config.Schema(app.Types())
	if err != nil {
		t.Fatal(err)
	}
	var schema object
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		s, ok := v.(object)
		if !ok {
			return
		}
		items, _ := s["items"].(object)
		switch {
		case s["writeOnly"] == true || items["writeOnly"] == true:
			secrets = append(secrets, path)
			return
		case path != "":
			other = append(other, path)
		}
		properties, _ := s["properties"].(object)
		for key, below := range properties {
			walk(strings.TrimPrefix(path+"."+key, "."), below)
		}
		walk(path+"[]", s["items"])
		walk(path+".*", s["additionalProperties"])
		kinds, _ := s["oneOf"].([]any)
		for _, kind := range kinds {
			if named, _ := kind.(object)["title"].(string); named != "" {
				walk(strings.Replace(path, "*", "("+named+")", 1), kind)
			}
		}
	}
	walk("", schema)
	slices.Sort(secrets)
	return secrets, other
}

func TestEverySecretOfTheConfigurationIsPlanted(t *testing.T) {
	want, _ := declared(t)
	if len(want) < 10 {
		t.Fatalf("the configuration declares only these secrets: %v", want)
	}
	for name, write := range spellings {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, viaApp := range []bool{true, false} {
				for _, s := range newWorld(t, write, "postgres://trueup@127.0.0.1:1/none", viaApp).secrets {
					got = append(got, s.field)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
				t.Errorf("declared and planted secrets differ, plant what is missing in world_test.go:\n%s", diff)
			}
		})
	}
}

// expression is an expression that finds a token, and no token.
const expression = "connections.(http).webhook.handshake.token"

// sounds is how a key of a secret is named.
var sounds = regexp.MustCompile(`(^|[._])(secrets?|tokens?|passwords?|passphrase|bearer|private_key|api_key|seal(ing)?_key)$`)

func TestAFieldThatSoundsLikeASecretIsDeclaredOne(t *testing.T) {
	secrets, other := declared(t)
	for _, path := range other {
		if sounds.MatchString(path) && path != expression {
			t.Errorf("%s is no config.Secret: it would be printed and logged", path)
		}
	}
	if !slices.ContainsFunc(secrets, sounds.MatchString) {
		t.Errorf("no secret sounds like one: %v", secrets)
	}
}
