package gohighlevel

import (
	"context"
	"fmt"
	"net/url"

	"github.com/trueup-sync/trueup/internal/connector"
)

// pipeline is one of the location's pipelines.
type pipeline struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// pipelines returns those of the location.
func (c *client) pipelines(ctx context.Context) ([]pipeline, error) {
	var answer struct {
		Pipelines *[]pipeline `json:"pipelines"`
	}
	if err := c.get(ctx, listPipelines, "/opportunities/pipelines", url.Values{"locationId": {c.location}}, &answer); err != nil {
		return nil, err
	}
	if answer.Pipelines == nil {
		return nil, unexpected(listPipelines, "lists none", false)
	}
	return *answer.Pipelines, nil
}

// pickPipeline returns the pipeline that the configuration names by id or name.
func pickPipeline(all []pipeline, ref string) (string, error) {
	id, named := "", 0
	for _, p := range all {
		switch ref {
		case p.ID:
			return p.ID, nil
		case p.Name:
			id, named = p.ID, named+1
		}
	}
	switch named {
	case 1:
		return id, nil
	case 0:
		return "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("the location has no pipeline %q; correct pipeline of the connection, or leave it out for all pipelines", ref)}
	}
	return "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("%d pipelines are called %q; write the id of the one that counts", named, ref)}
}
