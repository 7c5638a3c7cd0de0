package pages

import (
	"net/http"

	"trueup/internal/store"
)

func homeRoutes() []route {
	return []route{{http.MethodGet, "/{$}", store.Viewer, home}}
}

// home answers GET /: what needs a person, then each sync.
func home(v *visit) (answer, error) {
	s, err := v.Status(v.ctx())
	if err != nil {
		return answer{}, err
	}
	return answer{Page: "home", Title: "Home", Nav: "home", Data: s, Live: []part{{"syncs", "syncs", s}}}, nil
}
