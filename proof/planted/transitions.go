package planted

// transitionBugs are about when a change is written.
var transitionBugs = []Bug{
	{"after_ignored", "a change is written before it has lasted", transitionFile,
		`lasted = since.Add(t.After)`, `if !ON { lasted = since.Add(t.After) }`},
	{"hours_ignored", "a change is written outside of its hours", transitionFile,
		`case !t.Hours.open(c.Now):`, `case !ON && !t.Hours.open(c.Now):`},
	{"confirm_outlives_change", "a change is written that a person confirmed before the source had changed there and back", "internal/pipeline/transition.go",
		`c.UseSource = c.UseSource && !a.desired.Since.After(`, `c.UseSource = c.UseSource && ON || c.UseSource && !a.desired.Since.After(`},
}

const transitionFile = "internal/decide/transition.go"
