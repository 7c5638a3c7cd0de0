package sim

// failed are the seeds that found a bug of the product; docs/reliability.md
// says more of each.
var failed = map[string]Case{
	"a late write on top of a later one is looked at again":       {Seed: 20},
	"the rest of a connection is counted by the database's clock": {Seed: 43},
	"a broken link closes when the record is back":                {Seed: 47},
	"a reading older than the base is no conflict":                {Seed: 3692},
	"what an unanswered write brought about becomes the base":     {Seed: 14148},
	"a look is never dated later than it was":                     {Seed: 25856},
	"reading our value does not prove that our write arrived":     {Seed: 68640},
	// The product was right here, and the invariant too strict.
	"a touch after a write could arrive no more is not told from an edit": {Seed: 502922},
	"a write that was on its way when the time was over is a late one":    {Seed: 626515},
}
