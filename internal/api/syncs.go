package api

import (
	"context"
	"maps"
	"slices"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/status"
	"trueup/internal/store"
)

func (s *server) syncRoutes() {
	route(s, store.Viewer, get("list-syncs", "/syncs", "List the syncs",
		"All syncs of the configuration by name, with what waits and what is open. They are few: there is one page."), s.listSyncs)
	route(s, store.Viewer, get("get-sync", "/syncs/{sync}", "Show one sync", ""), s.getSync)
}

func (s *server) listSyncs(ctx context.Context, _ *struct{}) (List[contract.Sync], error) {
	l := List[contract.Sync]{Items: []contract.Sync{}}
	counts, err := s.Store.Counts(ctx)
	if err != nil {
		return l, err
	}
	syncs := s.Syncs()
	for _, name := range slices.Sorted(maps.Keys(syncs)) {
		l.Items = append(l.Items, syncRow(name, syncs[name]).WithCounts(counts[name]))
	}
	return l, nil
}

func (s *server) getSync(ctx context.Context, in *struct {
	Sync string `path:"sync"`
}) (contract.Sync, error) {
	c, err := s.addressedSync(in.Sync)
	if err != nil {
		return contract.Sync{}, err
	}
	counts, err := s.Store.Counts(ctx)
	return syncRow(in.Sync, c).WithCounts(counts[in.Sync]), err
}

// syncRow is what the configuration says of a sync.
func syncRow(name string, c config.Sync) contract.Sync {
	row := contract.Sync{Sync: name, Mode: c.Mode, Statuses: slices.AppendSeq([]status.Status{}, maps.Keys(c.Statuses)),
		Source: contract.SyncSide{Connection: c.Source.Connection, Field: c.Source.Field},
		Target: contract.SyncSide{Connection: c.Target.Connection, Field: c.Target.Field}}
	slices.Sort(row.Statuses)
	return row
}
