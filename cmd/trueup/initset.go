package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/setup"
)

// settingsOf are what --set says about one side.
func (o *initOptions) settingsOf(side setup.Side) (map[string]string, error) {
	all := map[string]string{}
	for _, one := range o.set {
		key, value, ok := strings.Cut(one, "=")
		of, key, dotted := strings.Cut(key, ".")
		if !ok || !dotted || of != string(setup.Source) && of != string(setup.Target) {
			return nil, usage("write --set source.KEY=TEXT or --set target.KEY=TEXT", "--set does not begin with source. or target.")
		}
		if of != string(side) {
			continue
		}
		name, from := key, ""
		for _, suffix := range []string{"_file", "_env"} {
			if cut, found := strings.CutSuffix(key, suffix); found {
				name, from = cut, suffix
			}
		}
		switch from {
		case "_file":
			text, err := os.ReadFile(value) // #nosec G304 -- the file that the person names
			if err != nil {
				return nil, usage("", "--set %s.%s: %w", side, key, err)
			}
			value = string(text)
		case "_env":
			text, set := os.LookupEnv(value)
			if !set {
				return nil, usage("set it, or use --set "+string(side)+"."+name+"_file=FILE", "the environment variable %s is not set", value)
			}
			value = text
		}
		if from == "" && secretKey(name) {
			return nil, usage(fmt.Sprintf("use --set %s.%s_file=FILE or --set %s.%s_env=NAME", side, name, side, name), "--set %s.%s: others on this machine can read what is written on a command line", side, name)
		}
		all[name] = value
	}
	return all, nil
}

// secretKey reports whether a key holds a secret, in any type of tool.
func secretKey(key string) bool {
	for _, kind := range setup.Types {
		for _, f := range kind.Fields {
			if f.Key == key && f.Secret {
				return true
			}
		}
	}
	return false
}

// fieldKey is the key by which --set names the place of a status in a tool.
const fieldKey = "field"

// checkKeys refuses a key that a type does not have.
func checkKeys(kind string, side setup.Side, given map[string]string) error {
	known, _ := setup.TypeOf(kind)
	keys := []string{fieldKey}
	for _, f := range known.FieldsOf(side) {
		keys = append(keys, f.Key)
	}
	for key := range given {
		if !slices.Contains(keys, key) {
			return usage("available keys: "+strings.Join(keys, ", "), "--set %s.%s: a connection of type %s has no such key here", side, key, kind)
		}
	}
	return nil
}
