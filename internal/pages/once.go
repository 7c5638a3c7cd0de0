package pages

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// formKey is what tells a form from another one.
func formKey() string {
	var random [18]byte
	rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// formKeyOf is the key of a form that a job offers once. It is the same each time: a
// live part with another key is another part.
func formKeyOf(job int64) string { return digest(fmt.Sprint("job ", job)) }

// key is the form's own key with what was entered; acts that are stored take it as
// their idempotency key, so that they are done once on all nodes. A browser that goes
// back sends the same key with something else, which is to be done too.
func (v *visit) key() string { return v.PostFormValue("key") + digest(v.PostForm.Encode()) }

// kept is how long the answer to a form is remembered.
const kept = 30 * time.Minute

// sent remembers the forms that this process has answered.
type sent struct {
	now func() time.Time

	mu    sync.Mutex
	forms map[string]*form
}

// form is one that was sent; done is closed once its answer is there.
type form struct {
	at     time.Time
	done   chan struct{}
	answer answer
	err    error
}

// errNotReturned is what those are answered who wait for an action that panics.
var errNotReturned = errors.New("the action did not return")

// once does what a form asks for, or returns what the same form was answered. One
// that failed may be sent again.
func (s *sent) once(v *visit, r route) (answer, error) {
	if key := v.PostFormValue("key"); len(key) < 16 || len(key) > 64 {
		return answer{}, &Refusal{Status: http.StatusBadRequest, Title: "The form is not complete", Text: "Nothing was changed. Open the page again and send its form."}
	}
	id := v.Person.Email + " " + r.Path + " " + v.URL.Path + " " + v.key()
	s.mu.Lock()
	f, again := s.forms[id]
	if !again {
		f = &form{at: s.now(), done: make(chan struct{})}
		s.keep(id, f)
	}
	s.mu.Unlock()
	if again {
		select {
		case <-f.done:
			return f.answer, f.err
		case <-v.ctx().Done():
			return answer{}, v.ctx().Err()
		}
	}
	f.err = errNotReturned
	defer func() {
		if f.err != nil {
			s.mu.Lock()
			delete(s.forms, id)
			s.mu.Unlock()
		}
		close(f.done)
	}()
	// What has begun is finished, also when the browser leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx()), actTime)
	defer cancel()
	sent := v.Request
	v.Request = v.WithContext(ctx)
	f.answer, f.err = r.do(v)
	v.Request = sent // the page is still to be made
	return f.answer, f.err
}

// actTime bounds how long an action may take.
const actTime = 50 * time.Second

// keep remembers a form, and forgets those of long ago.
func (s *sent) keep(id string, f *form) {
	if s.forms == nil {
		s.forms = map[string]*form{}
	}
	for old, g := range s.forms {
		if f.at.Sub(g.at) > kept {
			delete(s.forms, old)
		}
	}
	s.forms[id] = f
}
