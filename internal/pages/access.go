package pages

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/store"
)

func accessRoutes() []route {
	return []route{
		{http.MethodGet, "/access", store.Viewer, accessPage},
		{http.MethodPost, "/access/password", store.Viewer, changePassword},
		{http.MethodPost, "/access/people", store.Admin, invite},
		{http.MethodPost, "/access/roles", store.Admin, saveRoles},
		{http.MethodPost, "/access/people/{id}/link", store.Admin, newLink},
		{http.MethodPost, "/access/people/{id}/signout", store.Admin, signOutEverywhere},
		{http.MethodPost, "/access/people/{id}/remove", store.Admin, removePerson},
		{http.MethodPost, "/access/tokens", store.Admin, makeToken},
		{http.MethodPost, "/access/tokens/{name}/revoke", store.Admin, revokeToken},
	}
}

// listed is how many rows a list shows at once.
const listed = 50

// access is the page of who may do what.
type access struct {
	People []personRow
	// NextPeople and NextTokens lead to the rows that follow, "" when there are none.
	NextPeople, NextTokens string
	Tokens                 []store.APIToken
	Roles                  []store.Role
	Table                  []roleRow
	Admin                  bool
	// Giver is an admin's name, for those who are none.
	Giver string
	// Shown is a secret that is shown once.
	Shown *shownOnce
	// Wrong says what was refused, and In in which form.
	Wrong, In    string
	TokenPattern string
	Now          time.Time
	Device       string
	// Password says that who is signed in has a password to change.
	Password bool
}

// personRow is a person in the list.
type personRow struct {
	store.Person
	You bool
}

// shownOnce is a secret with what it is for.
type shownOnce struct{ Name, Before, Text string }

// roleRow is what a role may do.
type roleRow struct {
	Can  string
	Role store.Role
	// May is in the order of the roles.
	May []bool
}

// roleTable says what each role can do.
var roleTable = func() []roleRow {
	rows := []roleRow{
		{Can: "See syncs, customers, exceptions, plans", Role: store.Viewer},
		{Can: "Settle exceptions, set links, change the map", Role: store.Operator},
		{Can: "Make plans, write one customer, approve a plan", Role: store.Operator},
		{Can: "Pause, go back to watching, resume", Role: store.Operator},
		{Can: "Take a sync live, change limits and match rules", Role: store.Admin},
		{Can: "Read payloads and addresses, forget a customer", Role: store.Admin},
		{Can: "People, tokens, connections", Role: store.Admin},
	}
	for i, row := range rows {
		for _, role := range store.Roles {
			rows[i].May = append(rows[i].May, role.Covers(row.Role))
		}
	}
	return rows
}()

// accessPage answers GET /access.
func accessPage(v *visit) (answer, error) { return v.access(access{}, 0) }

// access completes and shows the page. Addresses of people are for admins.
func (v *visit) access(a access, code int) (answer, error) {
	a.Roles, a.Table, a.Admin, a.TokenPattern, a.Now = store.Roles, roleTable, v.may(store.Admin), programPattern, v.now
	a.Device = people.Device(v.UserAgent())
	self, err := v.Store.PersonByEmail(v.ctx(), v.Person.Email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return answer{}, err
	}
	a.Password = !self.Provided || self.HasPassword
	after := func(key string) string {
		if v.Method != http.MethodGet {
			return ""
		}
		return v.FormValue(key)
	}
	found, err := v.Door.List(v.ctx(), after("people"), listed+1)
	if err != nil {
		return answer{}, err
	}
	if len(found) > listed {
		found = found[:listed]
		a.NextPeople = "/access?" + url.Values{"people": {found[listed-1].Email}}.Encode()
	}
	for _, p := range found {
		row := personRow{Person: p, You: p.Email == v.Person.Email}
		if !a.Admin {
			row.Email = ""
		}
		a.People = append(a.People, row)
	}
	if !a.Admin {
		a.NextPeople = "" // the cursor is an address
		admins, err := v.Store.Admins(v.ctx(), 1)
		if err != nil {
			return answer{}, err
		}
		if a.Giver = "An admin"; len(admins) > 0 {
			a.Giver = admins[0].Name
		}
		return answer{Page: "access", Title: "Access", Nav: "access", Data: a, Status: code}, nil
	}
	if a.Tokens, err = v.Store.APITokensAfter(v.ctx(), after("tokens"), listed+1); err != nil {
		return answer{}, err
	}
	if len(a.Tokens) > listed {
		a.Tokens = a.Tokens[:listed]
		a.NextTokens = "/access?" + url.Values{"tokens": {a.Tokens[listed-1].Name}}.Encode()
	}
	return answer{Page: "access", Title: "Access", Nav: "access", Data: a, Status: code}, nil
}

// refused shows the page again with what is wrong in one of its forms.
func (v *visit) refused(form, sentence string) (answer, error) {
	return v.access(access{In: form, Wrong: sentence}, http.StatusUnprocessableEntity)
}

// roleOf reads a role from a form.
func roleOf(text string) (store.Role, bool) {
	r := store.Role(text)
	return r, slices.Contains(store.Roles, r)
}

// notARole is a form that no page of ours has made.
var notARole = &Refusal{Status: http.StatusBadRequest, Title: "The form is not complete", Text: "Nothing was changed. Open the page again and send its form.", Ways: []Way{{"Go to Access", "/access"}}}

// invite answers POST /access/people.
func invite(v *visit) (answer, error) {
	role, ok := roleOf(v.PostFormValue("role"))
	if !ok {
		return answer{}, notARole
	}
	p, code, err := v.Door.Invite(v.ctx(), v.PostFormValue("name"), v.PostFormValue("email"), role, v.Person.Email)
	var field *people.FieldError
	switch {
	case errors.As(err, &field):
		return v.refused("invite", field.Sentence)
	case errors.Is(err, store.ErrKnown):
		return v.refused("invite", people.Email(v.PostFormValue("email"))+" is in the list already.")
	case err != nil:
		return answer{}, err
	}
	return v.access(access{Shown: v.linkShown(p, code)}, 0)
}

func (v *visit) linkShown(p people.Person, code string) *shownOnce {
	return &shownOnce{Name: p.Name, Before: "can sign in with this link, once, within 24 hours. Send it yourself: it is not shown again.", Text: people.LinkAt(v.Address(), code)}
}

// newLink answers POST /access/people/{id}/link.
func newLink(v *visit) (answer, error) {
	p, err := v.personOf()
	if err != nil {
		return answer{}, err
	}
	code, err := v.Door.NewLink(v.ctx(), p.Email, v.Person.Email)
	if err != nil {
		return answer{}, err
	}
	return v.access(access{Shown: v.linkShown(p, code)}, 0)
}

// personOf returns the person whom the address names.
func (v *visit) personOf() (people.Person, error) {
	id, err := strconv.ParseInt(v.PathValue("id"), 10, 64)
	if err != nil {
		return people.Person{}, notARole
	}
	p, err := v.Store.Person(v.ctx(), id)
	if errors.Is(err, store.ErrNotFound) {
		err = personGone
	}
	return p, err
}

// personGone is somebody whom another admin has removed.
var personGone = &Refusal{Status: http.StatusConflict, Title: "This person is no longer in the list", Text: "Someone removed the person meanwhile. Nothing was changed.", Ways: []Way{{"Go to Access", "/access"}}}

// lastAdmin keeps somebody there who can give roles.
const lastAdmin = "There would be no admin left. Make someone else admin first."

// saveRoles answers POST /access/roles: those that were changed on the page.
func saveRoles(v *visit) (answer, error) {
	who, was, roles := v.PostForm["who"], v.PostForm["was"], v.PostForm["role"]
	if len(who) != len(roles) || len(who) != len(was) {
		return answer{}, notARole
	}
	var changes []store.RoleChange
	for i, email := range who {
		role, ok := roleOf(roles[i])
		if !ok {
			return answer{}, notARole
		}
		if roles[i] != was[i] {
			changes = append(changes, store.RoleChange{Email: email, Was: store.Role(was[i]), Role: role})
		}
	}
	if len(changes) == 0 {
		return answer{To: "/access", Said: "No role was changed."}, nil
	}
	err := v.Door.SetRoles(v.ctx(), changes, v.Person.Email)
	var changed *store.RoleChangedError
	switch {
	case errors.As(err, &changed):
		return answer{}, &Refusal{Status: http.StatusConflict, Title: "The role of " + changed.Name + " has changed meanwhile",
			Text: fmt.Sprintf("You saw %s; it is %s now. No role was changed.", changed.Was, changed.Role), Ways: []Way{{"Go to Access", "/access"}}}
	case errors.Is(err, store.ErrNotFound):
		return answer{}, personGone
	case errors.Is(err, store.ErrLastAdmin):
		return v.refused("people", lastAdmin+" No role was changed.")
	case err != nil:
		return answer{}, err
	}
	return answer{To: "/access", Said: plural(len(changes), "role") + " changed. Who it was signs in again."}, nil
}

// signOutEverywhere answers POST /access/people/{id}/signout.
func signOutEverywhere(v *visit) (answer, error) {
	p, err := v.personOf()
	if err != nil {
		return answer{}, err
	}
	n, err := v.Door.SignOutEverywhere(v.ctx(), p.Email, v.Person.Email)
	if err != nil {
		return answer{}, err
	}
	return answer{To: "/access", Said: fmt.Sprintf("%s is signed out everywhere (%s).", p.Name, plural(n, "session"))}, nil
}

// removePerson answers POST /access/people/{id}/remove.
func removePerson(v *visit) (answer, error) {
	p, err := v.personOf()
	if err != nil {
		return answer{}, err
	}
	switch _, err := v.Door.Remove(v.ctx(), p.Email, v.Person.Email); {
	case errors.Is(err, store.ErrLastAdmin):
		return v.refused("people", lastAdmin)
	case err != nil:
		return answer{}, err
	}
	return answer{To: "/access", Said: p.Name + " is removed, and signed out."}, nil
}

// changePassword answers POST /access/password.
func changePassword(v *visit) (answer, error) {
	b := people.BrowserOf(v.Request)
	err := v.Door.ChangePassword(v.ctx(), people.Try{Email: v.Person.Email, Password: v.PostFormValue("password"), Browser: b}, v.PostFormValue("new"))
	var wrong *people.WrongError
	var wait *people.WaitError
	var password people.PasswordError
	switch {
	case errors.As(err, &wrong):
		return v.refused("password", "The present password is wrong. "+afterWrong(wrong))
	case errors.As(err, &wait):
		return v.refused("password", "Too many tries. Wait "+waiting(wait.For)+", then try again.")
	case errors.As(err, &password):
		return v.refused("password", string(password))
	case err != nil:
		return answer{}, err
	}
	return answer{To: "/access", Said: "Your password is changed. You are signed out everywhere else."}, nil
}

// programPattern is api.NamePattern as a browser reads it.
const programPattern = `[A-Za-z0-9][A-Za-z0-9._\-]{0,63}`

var tokenName = regexp.MustCompile(api.NamePattern)

// makeToken answers POST /access/tokens. The token is in this answer only.
func makeToken(v *visit) (answer, error) {
	role, ok := roleOf(v.PostFormValue("role"))
	if !ok {
		return answer{}, notARole
	}
	name := v.PostFormValue("name")
	if !tokenName.MatchString(name) {
		return v.refused("tokens", "Name it with up to 64 letters, digits, dots, dashes and underscores.")
	}
	text := api.NewToken()
	_, err := v.Store.AddAPIToken(v.ctx(), store.APIToken{Name: name, Role: role, CreatedBy: v.Person.Email}, api.Hash(text))
	if errors.Is(err, store.ErrTaken) {
		return v.refused("tokens", "There is a token named "+name+", or there was one. Choose another name: what was done with a token stays under its name.")
	}
	if err != nil {
		return answer{}, err
	}
	return v.access(access{Shown: &shownOnce{Name: name, Before: "is a token for the role " + string(role) + ". Copy it now: it is not shown again.", Text: text}}, 0)
}

// revokeToken answers POST /access/tokens/{name}/revoke.
func revokeToken(v *visit) (answer, error) {
	name := v.PathValue("name")
	err := v.Store.RevokeAPIToken(v.ctx(), name)
	if errors.Is(err, store.ErrNotFound) {
		return answer{}, notARole
	}
	if err != nil {
		return answer{}, err
	}
	return answer{To: "/access", Said: "The token " + name + " is revoked. It no longer works."}, nil
}
