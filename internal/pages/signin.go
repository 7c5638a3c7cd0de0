package pages

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/store"
)

func signInRoutes() []route {
	return []route{
		{http.MethodGet, "/signin", open, signInPage},
		{http.MethodPost, "/signin", open, signIn},
		{http.MethodGet, "/signin/first", open, linkPage},
		{http.MethodPost, "/signin/first", open, useLink},
		{http.MethodGet, "/signin/enter", open, enter},
		{http.MethodGet, "/signin/oidc", open, goToProvider},
		{http.MethodGet, provider.Back, open, backFromProvider},
		{http.MethodPost, "/signout", store.Viewer, signOut},
	}
}

// signInForm is the page where people sign in.
type signInForm struct {
	To, Email string
	// Wrong is why they are not in yet, "" at first, and Detail what to do.
	Wrong, Detail string
	Unprotected   bool
	// Provider is the name of an identity provider, "" for none, and ProviderAt the
	// address that leads to it.
	Provider, ProviderAt string
	// ByProvider means that it went wrong there, not with the password.
	ByProvider bool
	// First says that no one has an account yet.
	First bool
}

// signInPage answers GET /signin. Whose session has ended is told why, once.
func signInPage(v *visit) (answer, error) {
	to := local(v.FormValue("to"))
	if v.Person.Role != open {
		return answer{To: to}, nil
	}
	_, err := v.Door.FromRequest(v.Request)
	var ended *people.EndedError
	if errors.As(err, &ended) && v.FormValue("again") == "" {
		if over, ok := v.overBecause(ended.Why); ok {
			return answer{Page: "expired", Title: over.Title, Frame: door, Data: map[string]any{"Over": over, "To": to}}, nil
		}
	}
	return v.signInForm(signInForm{To: to}, 0), nil
}

// over is why a session has ended, for the person.
type over struct{ Title, Text string }

// overBecause says why a session has ended; false where the person knows.
func (v *visit) overBecause(why store.Ending) (over, bool) {
	idle, longest := v.Door.Lasts()
	const back = " Sign in and you are back on the page you left. Nothing was changed."
	switch why {
	case store.EndedByIdleness:
		return over{"You were signed out", "You were away for " + length(idle) + "." + back}, true
	case store.EndedByLongevity:
		return over{"You were signed out", "You signed in " + length(longest) + " ago, which is how long it lasts." + back}, true
	case store.EndedByRole:
		return over{"Your role has changed", "Sign in again to continue with it. Nothing else was changed."}, true
	case store.EndedEverywhere:
		return over{"You were signed out", "You, or an admin, signed you out everywhere." + back}, true
	case store.EndedByPassword:
		return over{"You were signed out", "Your password was changed. Sign in with the new one."}, true
	case store.EndedByRemoval:
		return over{"You no longer have access", "An admin removed you from the people who use Trueup. Ask an admin if you need access again."}, true
	}
	return over{}, false
}

func (v *visit) signInForm(f signInForm, code int) answer {
	some, err := v.Store.HasPeople(v.ctx())
	f.First = err == nil && !some // a database that does not answer has an error of its own when they sign in
	f.Unprotected = people.Unprotected(v.Request, v.Address())
	if _, with := v.provider(); with != nil {
		// Where people come back to: the cookie has to be kept there.
		f.Provider, f.ProviderAt = with.Name(), strings.TrimSuffix(v.Address(), "/")+"/signin/oidc?to="+url.QueryEscape(f.To)
	}
	return answer{Page: "signin", Title: "Sign in", Frame: door, Data: f, Status: code}
}

// signIn answers POST /signin.
func signIn(v *visit) (answer, error) {
	f := signInForm{To: local(v.PostFormValue("to")), Email: cut(people.Email(v.PostFormValue("email")), 254)}
	in, err := v.Door.SignIn(v.ctx(), people.Try{Email: f.Email, Password: v.PostFormValue("password"), Browser: people.BrowserOf(v.Request)})
	var wrong *people.WrongError
	var wait *people.WaitError
	switch {
	case errors.As(err, &wrong):
		f.Wrong, f.Detail = "Email or password is wrong.", afterWrong(wrong)
		return v.signInForm(f, http.StatusUnauthorized), nil
	case errors.As(err, &wait):
		f.Wrong, f.Detail = "Too many tries.", "Wait "+waiting(wait.For)+", then try again. The password was not checked."
		v.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.For.Seconds()))))
		return v.signInForm(f, http.StatusTooManyRequests), nil
	case err != nil:
		return answer{}, err
	}
	people.SetCookie(v.w, v.Request, in.Token)
	return answer{To: f.To}, nil
}

var ordinals = []string{"", "first", "second", "third", "fourth", "fifth"}

// afterWrong says how many tries there are, or how long to wait now.
func afterWrong(w *people.WrongError) string {
	if w.Pause > 0 || w.Failed >= len(ordinals) {
		return "Wait " + waiting(w.Pause) + " before the next try."
	}
	return fmt.Sprintf("After %d tries there is a pause of a minute; this was the %s.", w.Free, ordinals[w.Failed])
}

// waiting is a duration that is not over a moment too early.
func waiting(d time.Duration) string {
	if d < time.Minute {
		return length(d.Truncate(time.Second) + time.Second)
	}
	return length(d + time.Minute - time.Nanosecond)
}

// linkForm is the page where a person uses a link.
type linkForm struct {
	Code, Name, Email string
	First             bool
	Until             string
	Wrong             string
	// Field is which field is wrong.
	Field string
	// Synced is whether there is anything to see yet.
	Synced      bool
	Unprotected bool
}

// linkOver is a link that lets nobody in.
var linkOver = &Refusal{Status: http.StatusGone, Title: "This link no longer works",
	Text: "It works once, for 24 hours. Ask an admin for a new one, or run trueup people link on the server.", Ways: []Way{{"Sign in", "/signin"}}}

// linkPage answers GET /signin/first. Nothing is used up by it: programs open links
// before people do.
func linkPage(v *visit) (answer, error) {
	f, err := v.linkForm(v.FormValue("code"))
	if err != nil {
		return answer{}, err
	}
	return answer{Page: "link", Title: f.title(), Frame: door, Data: f}, nil
}

func (f linkForm) title() string {
	if f.First {
		return "Make the first account"
	}
	return "Choose a password"
}

func (v *visit) linkForm(code string) (linkForm, error) {
	link, err := v.Door.Link(v.ctx(), code)
	if errors.Is(err, store.ErrLinkOver) {
		return linkForm{}, linkOver
	}
	if err != nil {
		return linkForm{}, err
	}
	now, err := v.Store.Now(v.ctx())
	return linkForm{Code: code, First: link.First(), Name: link.Person.Name, Email: link.Person.Email, Until: lasting(link.Until.Sub(now)), Synced: len(v.Syncs()) > 0,
		Unprotected: people.Unprotected(v.Request, v.Address())}, err
}

// lasting is how long a link still works.
func lasting(d time.Duration) string {
	if d > time.Hour {
		return plural(int((d+time.Hour/2)/time.Hour), "hour")
	}
	return length(d)
}

// useLink answers POST /signin/first.
func useLink(v *visit) (answer, error) {
	f, err := v.linkForm(v.PostFormValue("code"))
	if err != nil {
		return answer{}, err
	}
	if f.First {
		f.Name, f.Email = cut(v.PostFormValue("name"), 200), cut(v.PostFormValue("email"), 254)
	}
	if v.PostFormValue("password") == "" {
		err = people.ErrShort
	}
	var in people.SignedIn
	if err == nil {
		in, err = v.Door.Redeem(v.ctx(), f.Code, people.Account{Name: f.Name, Email: f.Email, Password: v.PostFormValue("password"), Browser: people.BrowserOf(v.Request)})
	}
	var field *people.FieldError
	var password people.PasswordError
	switch {
	case errors.As(err, &field):
		f.Wrong, f.Field = field.Sentence, field.Field
	case errors.As(err, &password):
		f.Wrong, f.Field = string(password), "password"
	case errors.Is(err, store.ErrLinkOver):
		return answer{}, linkOver
	case err != nil:
		return answer{}, err
	default:
		people.SetCookie(v.w, v.Request, in.Token)
		return answer{To: "/"}, nil
	}
	return answer{Page: "link", Title: f.title(), Frame: door, Data: f, Status: http.StatusUnprocessableEntity}, nil
}

// signOut answers POST /signout.
func signOut(v *visit) (answer, error) {
	if err := v.Door.SignOut(v.ctx(), people.Token(v.Request)); err != nil {
		return answer{}, err
	}
	people.ClearCookie(v.w, v.Request)
	return answer{To: "/signin"}, nil
}

// enter answers GET /signin/enter: a link lets in at once who opens it on this machine.
// The demonstration prints one.
func enter(v *visit) (answer, error) {
	if !people.Here(v.Request) {
		return answer{}, linkOver
	}
	link, err := v.Door.Link(v.ctx(), v.FormValue("code"))
	if err == nil && link.First() {
		err = store.ErrLinkOver // the first person has to choose a password
	}
	var in people.SignedIn
	if err == nil {
		in, err = v.Door.Redeem(v.ctx(), v.FormValue("code"), people.Account{Browser: people.BrowserOf(v.Request)})
	}
	switch {
	case errors.Is(err, store.ErrLinkOver) && v.Person.Role != open:
		return answer{To: "/"}, nil // opened again
	case errors.Is(err, store.ErrLinkOver):
		return answer{}, linkOver
	case err != nil:
		return answer{}, err
	}
	people.SetCookie(v.w, v.Request, in.Token)
	return answer{To: "/"}, nil
}
