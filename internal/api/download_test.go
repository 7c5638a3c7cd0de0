package api_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// reader notes which time it is given, and may leave on the way.
type reader struct {
	*httptest.ResponseRecorder
	until time.Time
	gone  bool
}

func (r *reader) SetWriteDeadline(t time.Time) error {
	r.until = t
	return nil
}

func (r *reader) Write(text []byte) (int, error) {
	if r.gone {
		return 0, errors.New("the reader is gone")
	}
	return r.ResponseRecorder.Write(text)
}

func TestADownloadHasItsOwnTimeAndItsFailureIsLogged(t *testing.T) {
	w := newWorld(t, storetest.File(t))
	var log bytes.Buffer
	h := api.New(api.Options{Store: w.db, Service: service{w}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	download := func(to *reader) (cut any) {
		defer func() { cut = recover() }()
		r := httptest.NewRequest(http.MethodGet, api.Prefix+"/exceptions.csv", nil)
		r.Header.Set("Authorization", "Bearer "+w.tokens[store.Viewer])
		h.ServeHTTP(to, r)
		return nil
	}
	whole := &reader{ResponseRecorder: httptest.NewRecorder()}
	if cut := download(whole); cut != nil || whole.Code != http.StatusOK || !strings.HasPrefix(whole.Body.String(), "id,sync,") {
		t.Fatal(cut, whole.Code, whole.Body)
	}
	if whole.until.Before(time.Now()) {
		t.Error("it was sent in the time that any other answer has")
	}
	if log.Len() > 0 {
		t.Errorf("the log says of a whole download: %s", &log)
	}
	if cut := download(&reader{ResponseRecorder: httptest.NewRecorder(), gone: true}); cut != http.ErrAbortHandler {
		t.Errorf("it was not cut off: %v", cut)
	}
	if !strings.Contains(log.String(), "the reader is gone") {
		t.Errorf("the log does not say why a download was cut off: %s", &log)
	}
}
