package config

import (
	"fmt"
	"maps"
	"slices"
)

// was checks the names that connections and syncs say they had before.
func (v *validator) was() {
	connections, syncs := map[string]string{}, map[string]string{}
	for name, c := range v.config.Connections {
		connections[name] = c.Was
	}
	for name, s := range v.config.Syncs {
		syncs[name] = s.Was
	}
	v.earlier("connections", "connection", connections)
	v.earlier("syncs", "sync", syncs)
}

// earlier checks those of one kind: one memory goes to one name.
func (v *validator) earlier(path, noun string, was map[string]string) {
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		before, at := was[name], join(join(path, name), "was")
		if before == "" && !v.set(at) || before == WasNone {
			continue
		}
		_, stays := was[before]
		switch other, twice := taken[before]; {
		case !validName.MatchString(before):
			v.invalid(at, v.show(at, before)+" is not a valid name", "write the name that the "+noun+" had before, or "+WasNone+" for a new one")
		case before == name:
			v.invalid(at, "it is the name that the "+noun+" has", "write the one it had before, or remove the key")
		case stays:
			v.invalid(at, fmt.Sprintf("the file also has a %s %s", noun, v.show(at, before)), "keep one of the two, or remove the key: a rename that was done stays done")
		case twice:
			v.invalid(at, fmt.Sprintf("%s has it too", other), "keep it only at the one that was renamed")
		default:
			taken[before] = name
		}
	}
}
