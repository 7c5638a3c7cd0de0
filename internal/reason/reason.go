// Package reason is why a thing is as it is: a code out of a closed set and the
// facts that go with it. What is stored is data; a sentence is made of it where
// it is shown, so that a better wording helps old rows too, a program need not
// read prose, and a person's id is erased by its key.
//
// Main types: Reason, Code, Facts and Remedy. Main functions: Reason.Sentence,
// Reason.Remedies and Text.
//
// Invariants: a sentence is made of the reason alone; it advises nothing and
// names no command, which are Remedies; a missing fact leaves a sentence that
// still reads; no code is ever given another meaning, as stored rows have it.
//
// It may import internal/status and nothing else of ours; it reads no clock.
package reason

import (
	"bytes"
	"encoding/json"
)

// Code is one of the closed set below.
type Code string

// String is the program's word, such as already_equal.
func (c Code) String() string { return string(c) }

// Sentence says it to people, without any facts.
func (c Code) Sentence() string { return Reason{Code: c}.Sentence() }

// Reason is a code with its facts. The zero Reason is none; one without a code
// is the sentence of a row from before there were codes, in Facts.Text.
type Reason struct {
	Code  Code  `json:"code"`
	Facts Facts `json:"facts"`
}

// Text is a reason that was stored as a sentence.
func Text(sentence string) Reason { return Reason{Facts: Facts{Text: sentence}} }

// Because is a reason that has another one within it.
func Because(code Code, f Facts, inner Reason) Reason {
	f.Because = &inner
	return Reason{Code: code, Facts: f}
}

// IsZero reports whether there is no reason.
func (r Reason) IsZero() bool { return r.Code == "" && r.Facts.Text == "" }

// Sentence says it to people.
func (r Reason) Sentence() string {
	if e, ok := catalogue[r.Code]; ok {
		return e.says(r.Facts) + together(r.Facts)
	}
	// Of a newer version, or from before there were codes.
	if r.Facts.Text == "" {
		return string(r.Code)
	}
	return r.Facts.Text
}

// String is the sentence, for logs and tests.
func (r Reason) String() string { return r.Sentence() }

// Has reports whether the reason, or one within it, has the code.
func (r Reason) Has(code Code) bool {
	return r.Code == code || r.Facts.Because != nil && r.Facts.Because.Has(code)
}

// UnmarshalJSON reads a reason, or the sentence that was stored in its place.
func (r *Reason) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(`"`)) {
		*r = Reason{}
		return json.Unmarshal(text, &r.Facts.Text)
	}
	type plain Reason
	return json.Unmarshal(text, (*plain)(r))
}

// Stored returns what a row keeps of a reason: a sentence only where there is no
// code.
func (r Reason) Stored() (sentence, code, facts string) {
	if r.Code == "" {
		return r.Facts.Text, "", ""
	}
	text, err := json.Marshal(r.Facts)
	if err != nil { // a number that JSON does not have
		return r.Sentence(), "", ""
	}
	return "", string(r.Code), string(text)
}

// FromStored is the reason of a row. A code says something without its facts,
// too, so that those of another version do no harm.
func FromStored(sentence, code, facts string) Reason {
	if code == "" {
		return Text(sentence)
	}
	r := Reason{Code: Code(code)}
	if json.Unmarshal([]byte(facts), &r.Facts) != nil {
		r.Facts = Facts{}
	}
	return r
}
