package signature

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Encoding is how a signature is written in its header.
type Encoding string

// The encodings.
const (
	Hex    Encoding = "hex"
	Base64 Encoding = "base64"
)

// Unit is how a signed timestamp is written.
type Unit string

// The units: Unix seconds, Unix milliseconds, or RFC 3339.
const (
	Seconds Unit = "s"
	Millis  Unit = "ms"
	ISO     Unit = "iso"
)

// The text that is signed where a Shape does not say so.
const (
	SignedBody      = "{body}"
	SignedTimedBody = "{timestamp}.{body}"
)

// Shape is where a request has its signature and its time, and over which text
// the signature is made.
type Shape struct {
	// Header holds Prefix (often "sha256=", or nothing) and the signature.
	Header   string
	Encoding Encoding
	Prefix   string
	// Format is set when the header is a list of name=value: which names have the
	// timestamp and the signature, such as "t={timestamp},v1={signature}". Other
	// names in the list are ignored, and there may be several signatures.
	Format string
	// TimestampHeader holds the time of the delivery; without it and without one in
	// Format, nothing here can distinguish a replay from the first delivery.
	TimestampHeader string
	Unit            Unit          // "" is Seconds
	Tolerance       time.Duration // 0 is five minutes
	// Signed is the signed text with {timestamp}, {body}, {method} and {url}; "" is
	// SignedBody, or SignedTimedBody where there is a timestamp.
	Signed string
	// MethodHeader and URLHeader hold what {method} and {url} stand for. The
	// receiving server writes them, never the sender.
	MethodHeader, URLHeader string
}

// layout is Format, read.
type layout struct {
	separator            string // "" for a header that is no list
	signature, timestamp string // the names
}

// item is one name={placeholder} of a Format.
var item = regexp.MustCompile(`^([A-Za-z0-9_-]+)=\{(timestamp|signature)\}$`)

var errFormat = errors.New("the format is not a list of names such as t={timestamp},v1={signature}")

func (s Shape) layout() (layout, error) {
	if s.Format == "" {
		return layout{}, nil
	}
	l := layout{separator: ","}
	if strings.Contains(s.Format, ";") {
		l.separator = ";"
	}
	for text := range strings.SplitSeq(s.Format, l.separator) {
		m := item.FindStringSubmatch(strings.TrimSpace(text))
		switch {
		case m == nil:
			return layout{}, errFormat
		case m[2] == "signature" && l.signature == "":
			l.signature = m[1]
		case m[2] == "timestamp" && l.timestamp == "":
			l.timestamp = m[1]
		default:
			return layout{}, errFormat
		}
	}
	if l.signature == "" || l.signature == l.timestamp {
		return layout{}, errFormat
	}
	return l, nil
}

// timed reports whether requests of this shape have a timestamp.
func (s Shape) timed() bool {
	l, err := s.layout()
	return s.TimestampHeader != "" || err == nil && l.timestamp != ""
}

// signed is the signed text's template.
func (s Shape) signed() string {
	switch {
	case s.Signed != "":
		return s.Signed
	case s.timed():
		return SignedTimedBody
	}
	return SignedBody
}

// CheckFormat reports a Format that cannot be used.
func (s Shape) CheckFormat() error {
	_, err := s.layout()
	return err
}

// Check reports what makes a shape unusable.
func (s Shape) Check() error {
	if s.Header == "" {
		return errors.New("the header that holds the signature is not named")
	}
	if s.Encoding != Hex && s.Encoding != Base64 {
		return fmt.Errorf("the encoding is %q, write hex or base64", string(s.Encoding))
	}
	if http.CanonicalHeaderKey(s.Header) == http.CanonicalHeaderKey(s.TimestampHeader) {
		return errors.New("the signature and the timestamp cannot stand in the same header")
	}
	switch s.Unit {
	case "", Seconds, Millis, ISO:
	default:
		return fmt.Errorf("the unit of the timestamp is %q, write s, ms or iso", string(s.Unit))
	}
	l, err := s.layout()
	switch {
	case err != nil:
		return err
	case l.timestamp != "" && s.TimestampHeader != "":
		return errors.New("the timestamp is in two places")
	case s.Tolerance < 0:
		return errors.New("the tolerance is negative")
	}
	return s.checkSigned()
}

// checkSigned refuses a signed text that proves less than it seems to.
func (s Shape) checkSigned() error {
	pieces, err := split(s.signed())
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for _, p := range pieces {
		if p.name != "" && has[p.name] {
			return fmt.Errorf("the signed text has {%s} twice", p.name)
		}
		has[p.name] = true
	}
	switch {
	case !has["body"]:
		return errors.New("the signed text has no {body}, so anyone could change it")
	case has["timestamp"] && !s.timed():
		return errors.New("the signed text has a {timestamp}, and nothing says where it is")
	case !has["timestamp"] && s.timed():
		return errors.New("the signed text has no {timestamp}, so anyone could change it")
	case has["method"] && s.MethodHeader == "" || has["url"] && s.URLHeader == "":
		return errors.New("the signed text has a method or an address, and they are not known")
	}
	return nil
}

// piece is a part of a signed text: literal, or what a name stands for.
type piece struct{ literal, name string }

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// split reads the template of a signed text.
func split(template string) (pieces []piece, err error) {
	end := 0
	add := func(literal string) error {
		if strings.ContainsAny(literal, "{}") {
			return errors.New("the signed text has a { or } that belongs to no placeholder")
		}
		if literal != "" {
			pieces = append(pieces, piece{literal: literal})
		}
		return nil
	}
	for _, at := range placeholder.FindAllStringIndex(template, -1) {
		if err := add(template[end:at[0]]); err != nil {
			return nil, err
		}
		end = at[1]
		switch name := template[at[0]+1 : at[1]-1]; name {
		case "timestamp", "body", "method", "url":
			pieces = append(pieces, piece{name: name})
		default:
			return nil, errors.New("the signed text has a placeholder that is not timestamp, body, method or url")
		}
	}
	return pieces, add(template[end:])
}

// text is the bytes that are signed.
func (s Shape) text(h http.Header, timestamp string, body []byte) ([]byte, error) {
	pieces, err := split(s.signed())
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, p := range pieces {
		switch p.name {
		case "":
			out = append(out, p.literal...)
		case "timestamp":
			out = append(out, timestamp...)
		case "body":
			out = append(out, body...)
		case "method", "url":
			name := s.URLHeader
			if p.name == "method" {
				name = s.MethodHeader
			}
			value, err := single(h, name)
			if err != nil {
				return nil, err
			}
			out = append(out, value...)
		}
	}
	return out, nil
}

// find returns the signatures of a request as they are written, and its
// timestamp, which is near now, "" where it has none.
func (s Shape) find(h http.Header, now time.Time) (given []string, timestamp string, err error) {
	header, err := single(h, s.Header)
	if err != nil {
		return nil, "", err
	}
	l, err := s.layout()
	if err != nil {
		return nil, "", err
	}
	in := s.Header
	if l.separator == "" {
		given = []string{header}
	} else if given, timestamp, err = l.read(header, s.Header); err != nil {
		return nil, "", err
	}
	if s.TimestampHeader != "" {
		in = s.TimestampHeader
		if timestamp, err = single(h, s.TimestampHeader); err != nil {
			return nil, "", err
		}
	}
	if s.timed() {
		err = s.fresh(timestamp, in, now)
	}
	return given, timestamp, err
}

// read takes a header apart that is a list of name=value.
func (l layout) read(header, name string) (given []string, timestamp string, err error) {
	times := 0
	for text := range strings.SplitSeq(header, l.separator) {
		key, value, found := strings.Cut(strings.Trim(text, " "), "=")
		switch {
		case !found:
			return nil, "", fmt.Errorf("the %s header is not a list of name=value", strings.ToLower(name))
		case key == l.signature:
			given = append(given, value)
		case key == l.timestamp:
			timestamp, times = value, times+1
		}
	}
	if l.timestamp != "" && times != 1 {
		return nil, "", fmt.Errorf("the %s header does not hold exactly one timestamp", strings.ToLower(name))
	}
	return given, timestamp, nil
}

// fresh checks that text, found in the header of that name, is a time near now.
// A number is accepted only in its plain decimal form, because the signature
// covers the text and not the number.
func (s Shape) fresh(text, name string, now time.Time) error {
	most := s.Tolerance
	if most == 0 {
		most = tolerance
	}
	in := "the timestamp in the " + strings.ToLower(name) + " header"
	var age, limit int64
	switch s.Unit {
	case ISO:
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || at.Year() < 1970 || at.Year() > 9999 {
			return errors.New(in + " is not a time such as 2026-03-01T12:00:00Z")
		}
		age, limit = now.UnixMilli()-at.UnixMilli(), most.Milliseconds()
	case Millis:
		n, err := whole(text)
		if err != nil {
			return errors.New(in + " is not a whole number of milliseconds")
		}
		age, limit = now.UnixMilli()-n, most.Milliseconds()
	default:
		n, err := whole(text)
		if err != nil {
			return errors.New(in + " is not a whole number of seconds")
		}
		// In whole numbers: time.Unix wraps around for the largest ones, which would
		// then count as old.
		age, limit = now.Unix()-n, int64(most/time.Second)
	}
	switch {
	case age > limit:
		return fmt.Errorf("%s is more than %s old", in, spoken(most))
	case age < -limit:
		return fmt.Errorf("%s is more than %s in the future", in, spoken(most))
	}
	return nil
}

var errWhole = errors.New("not a whole number")

// whole reads a number that is written in the one plain way.
func whole(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, errWhole
	}
	return n, nil
}

// spoken is a tolerance in words.
func spoken(d time.Duration) string {
	if d >= 2*time.Minute && d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " minutes"
	}
	return strconv.Itoa(int(d/time.Second)) + " seconds"
}

// stamp writes a time as the shape's timestamps are written.
func (s Shape) stamp(t time.Time) string {
	switch {
	case !s.timed():
		return ""
	case s.Unit == ISO:
		return t.UTC().Format(time.RFC3339)
	case s.Unit == Millis:
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// mark writes a signature and its timestamp where a sender would.
func (s Shape) mark(h http.Header, timestamp string, sum []byte) {
	written := s.Prefix + s.encode(sum)
	if s.Format != "" {
		written = strings.NewReplacer("{timestamp}", timestamp, "{signature}", written).Replace(s.Format)
	}
	h.Set(s.Header, written)
	if s.TimestampHeader != "" {
		h.Set(s.TimestampHeader, timestamp)
	}
}

func (s Shape) encode(sum []byte) string {
	if s.Encoding == Base64 {
		return base64.StdEncoding.EncodeToString(sum)
	}
	return hex.EncodeToString(sum)
}

// decode reads a signature; each has only one spelling, but for hex in capitals.
func (s Shape) decode(text string) ([]byte, error) {
	if s.Encoding == Base64 {
		if strings.ContainsAny(text, "\r\n") {
			return nil, errors.New("a line break")
		}
		return base64.StdEncoding.Strict().DecodeString(text)
	}
	if text != strings.ToLower(text) && text != strings.ToUpper(text) {
		return nil, errors.New("two cases")
	}
	return hex.DecodeString(text)
}
