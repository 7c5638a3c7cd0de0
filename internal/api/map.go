package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) mapRoutes() {
	route(s, store.Operator, huma.Operation{OperationID: "preview-meaning", Method: http.MethodPost, Path: "/syncs/{sync}/map/preview",
		Summary: "Preview giving a value of the source a meaning",
		Description: "Shows the lines of trueup.yaml that would change, and what that would do to the customers who wait for it, by what their records held when they were last read. Nothing is changed. " +
			"409 with the lines to add by hand where a program cannot edit the file."}, s.previewMeaning)
	route(s, store.Operator, huma.Operation{OperationID: "save-meaning", Method: http.MethodPut, Path: "/syncs/{sync}/map",
		Summary: "Give a value of the source a meaning",
		Description: "Edits trueup.yaml in place, keeps its comments, and reads it at once; every customer who waits for the value is checked again. Only the file of the process that answers is edited: with several, edit each one's file. " +
			"Send the digest of a preview: 409 if the file was edited since, with what changed, and nothing is written over. If the file lists the value so already, the answer has changed: false."}, s.saveMeaning)
}

// MeaningRequest is which value is to mean what.
type MeaningRequest struct {
	Value   string `json:"value" minLength:"1" maxLength:"2000" doc:"The source's value."`
	Meaning string `json:"meaning" minLength:"1" maxLength:"200" doc:"One of the sync's statuses, or ignore for a value that is never synced."`
}

// SaveMeaningRequest is a MeaningRequest with what was shown.
type SaveMeaningRequest struct {
	MeaningRequest
	Digest string `json:"digest" minLength:"1" maxLength:"100" doc:"The digest of the preview."`
	As     string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

func (s *server) previewMeaning(ctx context.Context, in *struct {
	SyncPath
	Body MeaningRequest
}) (contract.MapChange, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.MapChange{}, err
	}
	return s.PreviewMeaning(ctx, mapchange.Request{Sync: in.Sync, Value: in.Body.Value, Meaning: in.Body.Meaning})
}

func (s *server) saveMeaning(ctx context.Context, in *struct {
	SyncPath
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"An idempotency key: any text of your choice. Sent again with the same key, the request changes nothing; with a different body the key is refused."`
	Body SaveMeaningRequest
}) (contract.MapSaved, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.MapSaved{}, err
	}
	r := mapchange.Request{Sync: in.Sync, Value: in.Body.Value, Meaning: in.Body.Meaning}
	return s.SaveMeaning(ctx, r, mapchange.Seen{Who: who(ctx, in.Body.As), Digest: in.Body.Digest, Key: in.Key})
}
