package contract

import (
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// SetAside counts the records of both lists that cannot be read, and names the first
// ones. Nothing is concluded from them: a customer whose record was set aside is
// not gone.
type SetAside struct {
	Source  int              `json:"source"`
	Target  int              `json:"target"`
	Records []SetAsideRecord `json:"records" doc:"The first 20 of each side."`
}

// SetAsideRecord is one of them.
type SetAsideRecord struct {
	Side    store.Side `json:"side"`
	ID      string     `json:"id" doc:"Empty if the record has no id that can be read."`
	Problem string     `json:"problem" doc:"What is wrong with it: a key of the file and a sentence, nothing of what the record holds."`
}

// SetAsideOf converts what a comparison set aside, nil when that is nothing.
func SetAsideOf(w store.Sweep) *SetAside {
	if w.SourceAside+w.TargetAside == 0 {
		return nil
	}
	s := &SetAside{Source: w.SourceAside, Target: w.TargetAside, Records: []SetAsideRecord{}}
	for _, a := range w.Asides {
		s.Records = append(s.Records, SetAsideRecord(a))
	}
	return s
}

// OfTarget is that of the target alone, nil when nothing of it was set aside.
func (s *SetAside) OfTarget() *SetAside {
	if s == nil || s.Target == 0 {
		return nil
	}
	t := *s
	t.Source = 0
	return &t
}

// Texts says it in words, one sentence for each side that has any.
func (s *SetAside) Texts(source, target string) []string {
	if s == nil {
		return nil
	}
	var texts []string
	for _, side := range []struct {
		store.Side
		n          int
		connection string
	}{{store.SourceSide, s.Source, source}, {store.TargetSide, s.Target, target}} {
		var ids []string
		problem := ""
		for _, r := range s.Records {
			if r.Side != side.Side {
				continue
			}
			if len(ids) == 0 {
				problem = r.Problem
			}
			ids = append(ids, r.ID)
		}
		if side.n > 0 {
			texts = append(texts, reason.SetAside(side.n, side.connection, ids, problem))
		}
	}
	return texts
}
