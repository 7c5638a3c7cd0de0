package contract

import "github.com/trueup-sync/trueup/internal/reason"

// Why is a reason: a sentence for people, a code and its facts for programs.
type Why struct {
	Reason     string       `json:"reason" doc:"A sentence for people."`
	ReasonText string       `json:"reason_text" doc:"The same sentence. Its wording may change: a program goes by reason_code."`
	ReasonCode reason.Code  `json:"reason_code" doc:"One of a closed set that may grow; empty where there is no reason, or only the sentence of an old row."`
	Facts      reason.Facts `json:"reason_facts" doc:"What the sentence is made of."`
}

// WhyOf converts a reason.
func WhyOf(r reason.Reason) Why {
	w := Why{Reason: r.Sentence(), ReasonText: r.Sentence(), ReasonCode: r.Code, Facts: r.Facts}
	if r.Code == "" {
		w.Facts = reason.Facts{} // the sentence is in Text only
	}
	return w
}

// Remedy is something that can be done about a reason.
type Remedy struct {
	Verb reason.Verb `json:"verb" doc:"Empty for what is done in a tool or in trueup.yaml."`
	Does string      `json:"does"`
}

// RemediesOf converts what can be done about a reason.
func RemediesOf(r reason.Reason) []Remedy {
	all := []Remedy{}
	for _, m := range r.Remedies() {
		all = append(all, Remedy{Verb: m.Verb, Does: m.Text})
	}
	return all
}
