package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// ErrNobody means that nobody is signed in.
var ErrNobody = errors.New("nobody is signed in")

// Person is who is signed in.
type Person struct {
	ID          int64
	Name, Email string
	Role        store.Role
}

// open is the role of a route that answers without a session.
const open store.Role = ""

// route is a page or an action at an address.
type route struct {
	Method, Path string
	// Role is what a person needs at least, open for none.
	Role store.Role
	do   func(*visit) (answer, error)
}

// routes is every page and action.
func routes() []route {
	return slices.Concat(exceptionRoutes(), homeRoutes(), customerRoutes(), activityRoutes(), syncRoutes(), helpRoutes(), themeRoutes(), liveRoutes(),
		signInRoutes(), accessRoutes(), planRoutes(), downloadRoutes())
}

// visit is one request of a person.
type visit struct {
	*http.Request
	*Pages
	// Person is who is signed in; without one, its role is "".
	Person Person
	// zone is whose time is told.
	zone *time.Location
	now  time.Time
	w    http.ResponseWriter
}

func (v *visit) ctx() context.Context { return v.Request.Context() }

// may reports whether the person has a role.
func (v *visit) may(r store.Role) bool { return v.Person.Role.Covers(r) }

// because is a reason in the words of a page: people and tools by their names, times in the
// person's zone.
func (v *visit) because(sync string, r reason.Reason) string {
	s := v.Syncs()[sync]
	if r.Facts.By != "" {
		r.Facts.By = v.called(r.Facts.By)
	}
	c := clock{v.zone, func() time.Time { return v.now }}
	return r.To(&reason.Reader{Source: capital(s.Source.Connection), Target: capital(s.Target.Connection), Call: capital, When: c.told}).Sentence()
}

// answer is what a browser gets.
type answer struct {
	// To is where it goes next, by 303; the page that it meets there begins with
	// Said.
	To, Said string
	// Page is the template that is shown: templates/PAGE.html.
	Page  string
	Title string
	// Nav is which entry of the side column is marked, and Frame how the page is
	// laid out.
	Nav   string
	Frame frame
	Data  any
	// Status is that of HTTP, 200 when it is 0.
	Status int
	// Live lists the parts that change while the page is looked at.
	Live []part
	// Refresh says that the page waits for something: without a script it is loaded
	// again every few seconds.
	Refresh bool
	// File is sent instead of a page.
	File *file
	// done means that the answer was written already.
	done bool
}

// frame is how a page is laid out.
type frame string

const (
	wide   frame = ""
	narrow frame = "narrow"
	// door is a page without the side column: signing in, setting up.
	door frame = "door"
	// paper is a text without the side column.
	paper frame = "paper"
	// wizard is a step of the set-up.
	wizard frame = "wizard"
)

// part is a piece of a page that stands in an element with data-part="Name".
type part struct {
	Name, Template string
	Data           any
}

// file is a download.
type file struct {
	Name, Type string
	Content    []byte
}

// Refusal is an error that a person can do something about.
type Refusal struct {
	Status      int
	Title, Text string
	// Ways lead on.
	Ways []Way
}

// Way is a link that leads on.
type Way struct{ Label, To string }

func (r *Refusal) Error() string { return r.Title + ": " + r.Text }

// route lets a visitor through who has the role that a route needs. A form is
// done once.
func (p *Pages) route(r route) http.Handler {
	return p.answering(func(v *visit) (answer, error) {
		person, err := p.Visitor(v.Request)
		switch {
		case err == nil:
			v.Person = person
			v.Request = v.WithContext(store.By(v.ctx(), person.Email, store.ByPage))
		case !errors.Is(err, ErrNobody):
			return answer{}, err
		case r.Role == open:
		case r.Method == http.MethodGet:
			return answer{To: "/signin?to=" + url.QueryEscape(v.URL.RequestURI())}, nil
		default:
			return answer{}, &Refusal{Status: http.StatusUnauthorized, Title: "You were signed out",
				Text: "Nothing was changed. Sign in, then send the form again.", Ways: []Way{{"Sign in", "/signin"}}}
		}
		if r.Role != open && !v.may(r.Role) {
			return answer{}, v.forbidden(v.Person, r.Role)
		}
		if r.Method == http.MethodGet {
			return r.do(v)
		}
		v.Body = http.MaxBytesReader(v.w, v.Body, maxForm)
		if err := v.ParseForm(); err != nil {
			return answer{}, &Refusal{Status: http.StatusBadRequest, Title: "The form could not be read", Text: "Nothing was changed. Open the page again and fill in the form."}
		}
		if r.Role == open {
			return r.do(v)
		}
		return p.sent.once(v, r)
	})
}

// maxForm is the largest form in bytes.
const maxForm = 256 << 10

// forbidden says which role is missing, and who can give it.
func (v *visit) forbidden(who Person, need store.Role) *Refusal {
	giver := "An admin"
	if admins, err := v.Store.Admins(v.ctx(), 1); err == nil && len(admins) > 0 {
		giver = admins[0].Name
	}
	return &Refusal{Status: http.StatusForbidden, Title: "Your role is " + string(who.Role),
		Text: "This needs the role " + string(need) + ". Nothing was changed. " + giver + " can give you the role under Access.", Ways: []Way{v.cameFrom()}}
}

// cameFrom leads to the page of ours that a visitor came from, or to Home.
func (v *visit) cameFrom() Way {
	from, err := url.Parse(v.Referer())
	if err != nil || from.Host != v.Host || from.Path == "" || from.Path == v.URL.Path {
		return Way{"Go to Home", "/"}
	}
	return Way{"Go back", local(from.RequestURI())}
}
