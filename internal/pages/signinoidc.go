package pages

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/store"
)

// provider returns the identity provider and its rules, nil for none.
func (v *visit) provider() (config.OIDC, *provider.Provider) {
	if v.Provider == nil {
		return config.OIDC{}, nil
	}
	return v.Provider()
}

var noProvider = &Refusal{Status: http.StatusNotFound, Title: "There is no single sign-on here", Text: "Sign in with your password.", Ways: []Way{{"Sign in", "/signin"}}}

// longestTo is the longest address of a page that is kept while somebody signs in.
const longestTo = 1500

// goToProvider answers GET /signin/oidc: it sends the browser to the identity provider.
func goToProvider(v *visit) (answer, error) {
	_, with := v.provider()
	if with == nil {
		return answer{}, noProvider
	}
	back := local(v.FormValue("to"))
	if len(back) > longestTo {
		back = "/"
	}
	to, secret, err := with.Begin(v.ctx(), v.Address())
	if err != nil {
		return v.notArrived(back, with.Name(), err), nil
	}
	people.SetBegun(v.w, v.Request, secret+"."+base64.RawURLEncoding.EncodeToString([]byte(back)), provider.BegunLasts)
	return answer{To: to}, nil
}

// backFromProvider answers the browser that comes back.
func backFromProvider(v *visit) (answer, error) {
	rules, with := v.provider()
	if with == nil {
		return answer{}, noProvider
	}
	secret, kept, _ := strings.Cut(people.TakeBegun(v.w, v.Request), ".")
	page, err := base64.RawURLEncoding.DecodeString(kept)
	to := local(string(page))
	if err != nil || len(page) == 0 {
		to = "/"
	}
	who, err := with.Finish(v.ctx(), v.Address(), v.URL.Query(), secret)
	var in people.SignedIn
	if err == nil {
		in, err = v.Door.Arrive(v.ctx(), rules, who, people.BrowserOf(v.Request))
	}
	if err != nil {
		return v.notArrived(to, with.Name(), err), nil
	}
	people.SetCookie(v.w, v.Request, in.Token)
	return answer{To: to}, nil
}

// notArrived is the page where people sign in, with why the identity provider did not
// bring somebody in. What the provider wrote is never shown.
func (v *visit) notArrived(to, name string, err error) answer {
	f := signInForm{To: to, ByProvider: true}
	code, level := http.StatusForbidden, slog.LevelInfo
	var e *provider.Error
	switch {
	case errors.As(err, &e):
		switch e.Why {
		case provider.Down:
			f.Wrong, f.Detail = name+" does not answer.", "Try again in a minute, or sign in with your password."
			code, level = http.StatusBadGateway, slog.LevelError
		case provider.NotBegun:
			f.Wrong, f.Detail = "This sign-in did not begin in this browser, or it took longer than 10 minutes.", "Begin again below."
			code = http.StatusBadRequest
		case provider.Declined:
			f.Wrong, f.Detail = name+" did not sign you in.", "Try again. If it happens again, ask the people who run "+name+"."
		default:
			f.Wrong, f.Detail = "What "+name+" sent does not prove who you are.", "Try again. If it happens again, give an admin the reference."
			code, level = http.StatusUnauthorized, slog.LevelError
		}
	case errors.Is(err, people.ErrNoRole):
		f.Wrong, f.Detail = "None of your groups at "+name+" can use Trueup.", "Ask an admin of Trueup which group you need."
	case errors.Is(err, people.ErrUnverified):
		f.Wrong, f.Detail = name+" does not confirm your email address.", "Ask the people who run "+name+" to confirm it, then try again."
	case errors.Is(err, store.ErrKnown):
		f.Wrong, f.Detail = "Someone with your email address is here already.", "If it is you, sign in with your password. Otherwise ask an admin of Trueup to remove that person first."
	case errors.Is(err, store.ErrNoAdmin):
		f.Wrong, f.Detail = "No one here is an admin yet.", "An admin signs in first: with a group that gives the role admin, or by the link that trueup run prints."
	case errors.Is(err, store.ErrLastAdmin):
		f.Wrong, f.Detail = "Your groups at "+name+" no longer make you an admin, and no one else is one.", "Make someone else an admin on the server: trueup people add, or trueup people role. Then sign in again."
	default:
		f.Wrong, f.Detail = "We could not sign you in.", "Try again in a minute."
		code, level = http.StatusInternalServerError, slog.LevelError
	}
	id := reference()
	f.Detail += " Reference: " + id
	v.Log.Log(v.ctx(), level, "sign-in with the identity provider", slog.String("reference", id), slog.Any("error", err))
	return v.signInForm(f, code)
}
