package reason

// Poll is how far a source's list of changes is read, in the words of who shows it:
// times and numbers are "" where they are not known.
type Poll struct {
	Source string
	// Reading is the list that is read now, Last the last one that was read to its end.
	Reading, Last *Listing
	// From is from when on changes are asked for, "" the first time, and where the
	// source's position has no time.
	From string
	// Stopped is when the last attempt read no further, By the kind of its failure
	// and Until when it continues. NextPage is the page that it continues with.
	Stopped, By, Until, NextPage string
}

// Listing is what was read of a list; When is since when, or when it was at its end.
type Listing struct{ When, Records, Pages, Changes string }

// stops are why a list is read no further, by the kind of the failure.
var stops = map[string]string{
	"rate_limited":  " is at its limit",
	"unauthorized":  " refuses the credentials",
	"transient":     " could not be asked, or its answer could not be stored",
	"refused":       " refuses the request",
	"gone":          " has no list at that address",
	"misconfigured": "’s answer is not what the configuration says",
}

// Sentences say it, the list that is read now first. What does not apply is left out.
func (p Poll) Sentences() []string {
	var all []string
	if r := p.Reading; r != nil {
		text := "reading the list of " + p.Source + " " + r.When + ": " + r.Records + " on " + r.Pages + " so far, " + r.Changes
		switch {
		case p.From != "":
			text += "; it asks for what changed from " + p.From + " on"
		case p.Last == nil:
			text += "; it is the first time, so it only finds out where to begin"
		}
		all = append(all, text)
	}
	if p.Stopped != "" {
		why, ok := stops[p.By]
		if !ok {
			why = " could not be asked"
		}
		text := "stopped " + p.Stopped + ": " + p.Source + why + "; it continues"
		if p.NextPage != "" {
			text += " with page " + p.NextPage
		}
		all = append(all, text+" "+p.Until)
	}
	if l := p.Last; l != nil {
		text := "the list of " + p.Source + " was read to its end " + l.When
		if l.Pages != "" {
			text += ": " + l.Records + " on " + l.Pages + ", " + l.Changes
		}
		if p.Reading != nil {
			text = "the one before was read to its end " + l.When
		}
		all = append(all, text)
	}
	return all
}
