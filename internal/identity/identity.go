// Package identity finds the target's record of a customer by the match rules
// of a sync.
//
// Main types: Rule, its Form, Finder (how records are searched, the only thing
// here that can block) and Result. Main functions: Match, Normalize and Normalizer.
//
// Invariants: exactly one record or none, never the better of two; what a
// search returns is compared again, so a fuzzy search cannot match; two
// different addresses never become one.
//
// It may import internal/status and internal/reason and nothing else of ours; it reads no clock.
package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Rule says that the record whose Target key has the value of the customer's
// Source key is the customer's, and how sure that is (0 to 1). The key id is
// the tool's own id of the record. Form says how the values are compared, and
// Region where a phone number without a country code is from.
type Rule struct {
	Source     string
	Target     string
	Confidence float64
	Form       Form
	Region     string
}

func (r Rule) String() string { return r.Source + " = " + r.Target }

// idKey names a record's own id in a rule.
const idKey = "id"

// Finder returns the target's records whose key has the value. It may return
// others besides.
type Finder func(ctx context.Context, key, value string) ([]status.TargetRecord, error)

// Result is what the rules found. With Kind == "" Record is the one; else
// nothing may be written, Kind and Reason say why, and Candidates are what a
// person may choose from.
type Result struct {
	Record     status.TargetRecord
	Rule       Rule
	Confidence float64
	Candidates []status.Candidate
	Kind       status.Kind
	Reason     reason.Reason
}

// mostCandidates is how many records a person is asked to choose from.
const mostCandidates = 10

// Match tries the rules in order. The first that finds any record decides:
// by exactly one record the customer is found, by several it is ambiguous.
func Match(ctx context.Context, rules []Rule, keys map[string]string, sourceID string, minConfidence float64, find Finder) (Result, error) {
	tried := 0
	var missing []string
	for _, rule := range rules {
		value := sourceID
		if rule.Source != idKey {
			value = keys[rule.Source]
		}
		own := value
		if value = rule.Normalize(own); value == "" {
			missing = append(missing, rule.Source)
			continue
		}
		tried++
		// A search may be exact: it finds an address as the source spells it, or
		// as most tools do. All are asked, so that two records stay ambiguous.
		var records []status.TargetRecord
		for _, spelling := range rule.spellings(own, value) {
			found, err := find(ctx, rule.Target, spelling)
			if err != nil {
				return Result{}, fmt.Errorf("match by %s: %w", rule, err)
			}
			records = append(records, found...)
		}
		records = matching(records, rule, value)
		if len(records) > 0 {
			return judge(rule, records, minConfidence), nil
		}
	}
	return Result{Kind: status.Unmatched,
		Reason: reason.Reason{Code: reason.NoRecord, Facts: reason.Facts{Count: len(rules), Tried: tried, Keys: missing}}}, nil
}

// matching returns the records that really have the value, each once, by id.
func matching(records []status.TargetRecord, rule Rule, value string) []status.TargetRecord {
	var same []status.TargetRecord
	for _, r := range records {
		has := r.Keys[rule.Target]
		if rule.Target == idKey {
			has = r.ID
		}
		if r.ID != "" && rule.Normalize(has) == value {
			same = append(same, r)
		}
	}
	slices.SortStableFunc(same, func(a, b status.TargetRecord) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(same, func(a, b status.TargetRecord) bool { return a.ID == b.ID })
}

// judge says what the records that one rule found amount to.
func judge(rule Rule, records []status.TargetRecord, minConfidence float64) Result {
	result := Result{Rule: rule, Confidence: rule.Confidence}
	for _, r := range records[:min(len(records), mostCandidates)] {
		result.Candidates = append(result.Candidates, status.Candidate{TargetID: r.ID, Value: r.Value, Rule: rule.String(), Confidence: rule.Confidence})
	}
	switch {
	case len(records) > 1:
		result.Kind = status.AmbiguousMatch
		result.Reason = reason.Reason{Code: reason.SeveralRecords, Facts: reason.Facts{Count: len(records), Rule: rule.String()}}
	case rule.Confidence < minConfidence:
		result.Kind = status.LowConfidence
		result.Reason = reason.Reason{Code: reason.NotSureEnough, Facts: reason.Facts{Rule: rule.String(), Sure: rule.Confidence, LeastSure: minConfidence}}
	default:
		result.Record, result.Candidates = records[0], nil
	}
	return result
}

// Normalize returns the form in which two values of a key are compared: NFC
// without surrounding space, and for e-mail addresses ASCII letters in lower
// case. Nothing else is folded: dots, plus signs and look-alike letters tell
// addresses apart.
func Normalize(key, value string) string {
	value = strings.TrimSpace(norm.NFC.String(value))
	if key == "email" || strings.HasSuffix(key, ".email") || strings.HasSuffix(key, "_email") {
		return lowerASCII(value)
	}
	return value
}

// lowerASCII works on bytes: bytes that are no UTF-8 must stay as they are, or
// two different values would become one.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
