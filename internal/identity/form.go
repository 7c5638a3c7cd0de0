package identity

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

// Form says how the values of a key are compared.
type Form string

// The forms. ByKey is what a rule has that names none: Email for a key that is
// named as an e-mail address, else as written but for the space around it.
const (
	ByKey    Form = ""
	Phone    Form = "phone" // the same number, however it is written
	Email    Form = "email" // ASCII letters in lower case
	Lower    Form = "lower" // letters in lower case
	Verbatim Form = "none"  // every character counts
)

// DefaultRegion is where a phone number without a country code is from, when a
// rule names no region.
const DefaultRegion = "US"

// Regions returns the regions a rule may name, as ISO 3166-1 codes.
func Regions() []string {
	var all []string
	for region := range phonenumbers.GetSupportedRegions() {
		all = append(all, region)
	}
	slices.Sort(all)
	return all
}

// Normalize returns the form in which the rule compares two values, "" for a
// value that names nobody. A text that is no phone number names nobody by its
// phone: two records with "none" there are not the same person.
func (r Rule) Normalize(value string) string {
	switch r.Form {
	case Phone:
		// What is read as another number when it is read again is none, such as one with
		// zeros that a country does not have: it would be found under either.
		if key := r.phoneKey(value); r.phoneKey(key) == key {
			return key
		}
		return ""
	case Email:
		return Normalize("email", value)
	case Lower:
		return norm.NFC.String(strings.ToLower(Normalize("", value)))
	case Verbatim:
		return value
	}
	return Normalize(r.Target, value)
}

// phoneKey returns a number's one spelling, "" when it is none.
func (r Rule) phoneKey(value string) string {
	number, ok := r.phone(value)
	if !ok {
		return ""
	}
	key := phonenumbers.Format(number, phonenumbers.E164)
	if extension := number.GetExtension(); extension != "" {
		key += ";ext=" + extension // the desk, not the switchboard
	}
	return key
}

// phone reads a number. What is too short or too long for its country is none.
func (r Rule) phone(value string) (*phonenumbers.PhoneNumber, bool) {
	region := r.Region
	if region == "" {
		region = DefaultRegion
	}
	number, err := phonenumbers.Parse(value, region)
	return number, err == nil && phonenumbers.IsPossibleNumber(number)
}

// Spellings returns how the tool may spell a value, for a search that is exact.
func (r Rule) Spellings(value string) []string {
	normal := r.Normalize(value)
	if normal == "" {
		return nil
	}
	return r.spellings(value, normal)
}

func (r Rule) spellings(value, normal string) []string {
	if r.Form == Verbatim {
		return []string{value}
	}
	all := []string{strings.TrimSpace(value), normal}
	if number, ok := r.phone(value); r.Form == Phone && ok {
		all = append(all, phonenumbers.Format(number, phonenumbers.E164), phonenumbers.Format(number, phonenumbers.NATIONAL), phonenumbers.GetNationalSignificantNumber(number))
	}
	var distinct []string
	for _, s := range all {
		if !slices.Contains(distinct, s) {
			distinct = append(distinct, s)
		}
	}
	return distinct
}

// Normalizer returns how rules compare the values of the target's keys. Rules of
// one key have one form.
func Normalizer(rules []Rule) func(key, value string) string {
	return func(key, value string) string {
		for _, r := range rules {
			if r.Target == key {
				return r.Normalize(value)
			}
		}
		return Normalize(key, value)
	}
}
