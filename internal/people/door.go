package people

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// Person is who uses the pages.
type Person = store.Person

// Door lets people in. It is safe for concurrent use.
type Door struct {
	Store *store.DB
	// Times returns after how long without use a session ends, and after how long at
	// the latest; nil is the default.
	Times func() (idle, longest time.Duration)
}

// LinkLasts is how long a link can be used.
const LinkLasts = 24 * time.Hour

// throttle: five tries, then a minute; nobody waits longer than a quarter of an hour.
// People of one office share an address.
var throttle = store.Throttle{OfAccount: 5, FromAddress: 20, First: time.Minute, Longest: 15 * time.Minute, Forgotten: 24 * time.Hour, Known: 30 * 24 * time.Hour}

// Browser is what is known of the browser that comes in.
type Browser struct {
	Address string // the network address, such as that of Address
	Device  string // such as that of Device
	Token   string // of the session that it has, "" for none: it ends
}

// Try is one attempt to sign in.
type Try struct {
	Email, Password string
	Browser
}

// SignedIn is who came in, and the token of the session, which only the browser has.
type SignedIn struct {
	Person Person
	Token  string
}

// WrongError means that the address or the password is wrong; it does not say which.
type WrongError struct {
	Failed int // how many attempts have failed now
	Free   int // how many there are before a pause
	Pause  time.Duration
}

func (e *WrongError) Error() string { return "email or password is wrong" }

// WaitError means that there were too many attempts: the password was not compared.
type WaitError struct{ For time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many attempts: wait %s", e.For.Round(time.Second))
}

// EndedError means that a session is over.
type EndedError struct{ Why store.Ending }

func (e *EndedError) Error() string { return "the session is over: " + string(e.Why) }

// ErrNoSession means that there is no session with a token.
var ErrNoSession = errors.New("no such session")

// SignIn lets a person in who knows the password. It returns a WrongError or a
// WaitError otherwise.
func (d *Door) SignIn(ctx context.Context, t Try) (SignedIn, error) {
	p, err := d.verify(ctx, t)
	if err != nil {
		return SignedIn{}, err
	}
	return d.begin(ctx, p, t.Browser)
}

// verify returns the person who knows the password.
func (d *Door) verify(ctx context.Context, t Try) (Person, error) {
	email := Email(t.Email)
	attempt := store.Attempt{Account: hash("account", email), Address: hash("address", t.Address), Pair: hash("pair", email, t.Address)}
	tried, err := d.Store.TryToSignIn(ctx, attempt, throttle)
	if err != nil {
		return Person{}, err
	}
	if tried.Wait > 0 {
		return Person{}, &WaitError{For: tried.Wait}
	}
	wrong := &WrongError{Failed: tried.Failed, Free: tried.Free, Pause: tried.Next}
	if len(t.Password) > longestPassword {
		return Person{}, wrong
	}
	stored, err := d.Store.Password(ctx, email)
	if err != nil {
		return Person{}, err
	}
	right, err := matches(ctx, cmp.Or(stored, nobodys), t.Password)
	if err != nil {
		return Person{}, err
	}
	if stored == "" || !right {
		return Person{}, wrong
	}
	p, err := d.Store.PersonByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) { // removed in this moment
		return Person{}, wrong
	}
	if err == nil {
		err = d.Store.SignedIn(ctx, attempt, throttle)
	}
	return p, err
}

// Lasts returns when a session ends: unused, and at the latest.
func (d *Door) Lasts() (idle, longest time.Duration) {
	if d.Times == nil {
		return config.SessionIdle, config.SessionEnds
	}
	return d.Times()
}

// begin begins a session with a token that nobody has had.
func (d *Door) begin(ctx context.Context, p Person, b Browser) (SignedIn, error) {
	in := SignedIn{Person: p, Token: newSecret()}
	return in, d.Store.BeginSession(ctx, p.ID, hashOf(in.Token), b.Device, hashOf(b.Token))
}

// FromToken returns the session whose token a browser has, which is used by that: an
// EndedError when it is over, ErrNoSession when there is none.
func (d *Door) FromToken(ctx context.Context, token string) (store.Session, error) {
	return d.open(ctx, token, d.Store.UseSession)
}

func (d *Door) open(ctx context.Context, token string, find func(ctx context.Context, hash string, idle, longest time.Duration) (store.Session, error)) (store.Session, error) {
	if token == "" {
		return store.Session{}, ErrNoSession
	}
	idle, longest := d.Lasts()
	s, err := find(ctx, hashOf(token), idle, longest)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return s, ErrNoSession
	case err != nil:
		return s, err
	case s.Ended != store.NotEnded:
		return s, &EndedError{Why: s.Ended}
	}
	return s, nil
}

// SignOut ends the session of a browser.
func (d *Door) SignOut(ctx context.Context, token string) error {
	return d.Store.EndSession(ctx, hashOf(token))
}

// SignOutEverywhere ends all sessions of a person and returns how many there were.
func (d *Door) SignOutEverywhere(ctx context.Context, email, by string) (int, error) {
	return d.Store.EndSessions(ctx, Email(email), by)
}

// Invite adds a person, and returns the code of a link by which the person chooses a
// password.
func (d *Door) Invite(ctx context.Context, name, email string, role store.Role, by string) (Person, string, error) {
	p := Person{Name: strings.TrimSpace(name), Email: Email(email), Role: role, CreatedBy: by}
	if err := errors.Join(CheckName(p.Name), CheckEmail(p.Email)); err != nil {
		return Person{}, "", err
	}
	p, err := d.Store.AddPerson(ctx, p)
	if err != nil {
		return Person{}, "", err
	}
	code, err := d.NewLink(ctx, p.Email, by)
	return p, code, err
}

// NewLink returns the code of a link by which a person comes in once and may choose
// another password. It takes the place of those that were not used.
func (d *Door) NewLink(ctx context.Context, email, by string) (string, error) {
	code := newSecret()
	return code, d.Store.AddPersonLink(ctx, Email(email), hashOf(code), by, LinkLasts)
}

// First returns the code of a link that makes the first person, "" once there is one.
func (d *Door) First(ctx context.Context) (string, error) {
	code := newSecret()
	made, err := d.Store.AddFirstLink(ctx, hashOf(code), LinkLasts)
	if err != nil || !made {
		return "", err
	}
	return code, nil
}

// Link returns the link with a code, or store.ErrLinkOver.
func (d *Door) Link(ctx context.Context, code string) (store.SignInLink, error) {
	return d.Store.FindLink(ctx, hashOf(code))
}

// Account is what a person chooses at a link.
type Account struct {
	Name, Email string // of the first person
	Password    string // "" keeps the one that the person has, or has none
	Browser
}

// Redeem uses a link once and lets the person in. What it returns of the account is a
// FieldError or a PasswordError; the link can be used again then.
func (d *Door) Redeem(ctx context.Context, code string, a Account) (SignedIn, error) {
	link, err := d.Link(ctx, code)
	if err != nil {
		return SignedIn{}, err
	}
	r := store.Redemption{Link: hashOf(code), Name: strings.TrimSpace(a.Name), Email: Email(a.Email), Device: a.Device, Before: hashOf(a.Token)}
	if link.First() {
		if err := errors.Join(CheckName(r.Name), CheckEmail(r.Email)); err != nil {
			return SignedIn{}, err
		}
	} else {
		r.Name, r.Email = link.Person.Name, link.Person.Email
	}
	if a.Password != "" || link.First() {
		if err := CheckPassword(a.Password, r.Name, r.Email); err != nil {
			return SignedIn{}, err
		}
		if r.Password, err = hashPassword(ctx, a.Password); err != nil {
			return SignedIn{}, err
		}
	}
	in := SignedIn{Token: newSecret()}
	r.Session = hashOf(in.Token)
	in.Person, err = d.Store.Redeem(ctx, r)
	return in, err
}

// ChangePassword replaces the password of a person who knows it, and ends the other
// sessions. A wrong one counts like an attempt to sign in.
func (d *Door) ChangePassword(ctx context.Context, t Try, chosen string) error {
	p, err := d.verify(ctx, t)
	if err == nil {
		err = CheckPassword(chosen, p.Name, p.Email)
	}
	if err != nil {
		return err
	}
	hashed, err := hashPassword(ctx, chosen)
	if err != nil {
		return err
	}
	return d.Store.SetPassword(ctx, p.ID, hashed, hashOf(t.Token))
}

// SetRole gives a person another role and returns the one before. The person signs in
// again; store.ErrLastAdmin changes nothing.
func (d *Door) SetRole(ctx context.Context, email string, role store.Role, by string) (store.Role, error) {
	return d.Store.SetPersonRole(ctx, Email(email), role, by)
}

// SetRoles gives several people other roles, or changes nothing: store.ErrLastAdmin,
// store.ErrNotFound and a *store.RoleChangedError. They sign in again.
func (d *Door) SetRoles(ctx context.Context, all []store.RoleChange, by string) error {
	for i, c := range all {
		all[i].Email = Email(c.Email)
	}
	return d.Store.SetPersonRoles(ctx, all, by)
}

// Remove removes a person; store.ErrLastAdmin changes nothing.
func (d *Door) Remove(ctx context.Context, email, by string) (Person, error) {
	return d.Store.RemovePerson(ctx, Email(email), by)
}

// List returns up to limit people by address, those after one; limit 0 is all.
func (d *Door) List(ctx context.Context, after string, limit int) ([]Person, error) {
	return d.Store.People(ctx, after, limit)
}

// FieldError says what is wrong with a field of a form, in a sentence for the person.
type FieldError struct{ Field, Sentence string }

func (e *FieldError) Error() string { return e.Sentence }

// Email is an address as it is stored and compared.
func Email(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// CheckEmail returns a FieldError for what is not an address.
func CheckEmail(email string) error {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 254 {
		return &FieldError{Field: "email", Sentence: "Write an email address, such as ana@example.com."}
	}
	return nil
}

// longestName is that of a person, in characters.
const longestName = 80

// CheckName returns a FieldError for what cannot be shown as a name.
func CheckName(name string) error {
	n := utf8.RuneCountInString(name)
	if n == 0 || n > longestName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return &FieldError{Field: "name", Sentence: "Write a name of up to 80 characters."}
	}
	return nil
}

// newSecret is the text of a token or a link: 256 random bits.
func newSecret() string {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// hashOf is what is stored of a secret, "" of none. It is not salted, so that the
// secret is found by it: 32 random bytes cannot be guessed.
func hashOf(secret string) string {
	if secret == "" {
		return ""
	}
	return hash("secret", secret)
}

func hash(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// LinkAt is the address of the page where a person uses the link with a code.
func LinkAt(url, code string) string {
	return strings.TrimSuffix(url, "/") + "/signin/first?code=" + code
}

// EnterAt is the address that lets a person in at once with the code of a link, on
// this machine only.
func EnterAt(url, code string) string {
	return strings.TrimSuffix(url, "/") + "/signin/enter?code=" + code
}
