package pages

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// directionPage is what the first step shows.
type directionPage struct {
	Types []setup.Type
	setup.DirectionAnswer
}

// direction answers GET /setup/direction: which tool decides, and which follows.
func (s *SetUp) direction(*visit) (answer, error) {
	d := s.setup.Draft()
	a := setup.DirectionAnswer{Source: d.Source.Type, Target: d.Target.Type, SourceName: d.Source.Name, TargetName: d.Target.Name, Sync: d.Sync, Owner: d.Owner}
	if d.Source.Type == "" { // the file is shown as the first choices would make it
		d.Source, d.Target = setup.Tool{Type: "stripe", Name: "billing"}, setup.Tool{Type: "gohighlevel", Name: "crm"}
		a.Source, a.Target = d.Source.Type, d.Target.Type
	}
	return s.pageOf(d, setup.Direction, "Which tool decides?", directionPage{setup.Types, a}, nil)
}

func (s *SetUp) setDirection(v *visit) (answer, error) {
	form := func(name string) string { return strings.TrimSpace(v.PostFormValue(name)) }
	a := setup.DirectionAnswer{Source: form("source"), Target: form("target"), SourceName: form("source_name"), TargetName: form("target_name"), Sync: form("name"), Owner: form("owner")}
	// A name that came with another type of tool is no choice of a person.
	for _, one := range []struct {
		name *string
		tool setup.Tool
		typ  string
	}{{&a.SourceName, s.setup.Draft().Source, a.Source}, {&a.TargetName, s.setup.Draft().Target, a.Target}} {
		if *one.name == one.tool.Name && one.typ != one.tool.Type {
			*one.name = ""
		}
	}
	if err := s.setup.SetDirection(a); err != nil {
		d, named := s.setup.Draft(), a.Named()
		d.Source, d.Target = setup.Tool{Type: a.Source, Name: named.SourceName}, setup.Tool{Type: a.Target, Name: named.TargetName}
		return s.pageOf(d, setup.Direction, "Which tool decides?", directionPage{setup.Types, a}, err)
	}
	return answer{To: "/setup/connect"}, nil
}

// toolPage is one tool in the second step.
type toolPage struct {
	Side   setup.Side
	Tool   setup.Tool
	Type   setup.Type
	Fields []fieldPage
	Seen   setup.Seen
	Survey setup.Survey
	Wrong  setup.Problems
	// Fresh says that nothing was entered yet.
	Fresh bool
	// Grants is the SQL that gives the user of a table its privileges.
	Grants string
}

// fieldPage is one field with what it shows.
type fieldPage struct {
	setup.Field
	ID, Value, Wrong string
	// Kept says that its secret is in place.
	Kept bool
}

// connectPage is both.
type connectPage struct {
	Tools []toolPage
	Ready bool
	Why   string
}

// connect answers GET /setup/connect: a token for each tool, and what it sees.
func (s *SetUp) connect(*visit) (answer, error) { return s.connectPage("", nil, nil) }

// connectPage shows both tools; entered and wrong are of one of them.
func (s *SetUp) connectPage(side setup.Side, entered map[string]string, wrong error) (answer, error) {
	d := s.setup.Draft()
	var page connectPage
	for _, one := range []setup.Side{setup.Source, setup.Target} {
		t := toolPage{Side: one, Tool: d.Tool(one), Seen: s.setup.Seen(one), Survey: s.setup.Survey(one), Grants: s.setup.Grants(one), Fresh: len(d.Tool(one).Settings)+len(d.Tool(one).Secrets) == 0}
		t.Type, _ = setup.TypeOf(t.Tool.Type)
		if problems, ok := wrong.(setup.Problems); ok && one == side {
			t.Wrong = problems
		}
		for _, f := range t.Type.FieldsOf(one) {
			field := fieldPage{Field: f, ID: string(one) + "-" + f.Key, Value: t.Tool.Settings[f.Key], Wrong: t.Wrong.Of(f.Key), Kept: slices.Contains(t.Tool.Secrets, f.Key)}
			if text, ok := entered[f.Key]; ok && one == side && !f.Secret {
				field.Value = text
			}
			if f.Long && field.Value == "" {
				field.Value = f.Sample[map[setup.Side]int{setup.Target: 1}[one]]
			}
			t.Fields = append(t.Fields, field)
		}
		if page.Why == "" && !t.Tool.Checked {
			page.Why = capital(t.Tool.Name) + " needs its " + t.Type.First() + " first"
			if len(t.Seen.Points) > 0 || t.Wrong != nil {
				page.Why = capital(t.Tool.Name) + " needs a change first"
			}
		}
		page.Tools = append(page.Tools, t)
	}
	page.Ready = page.Why == ""
	if problems, ok := wrong.(setup.Problems); ok && side != "" && !slices.ContainsFunc(problems, func(p setup.Problem) bool { return p.Field == "" }) {
		wrong = setup.Problems{{Text: capital(d.Tool(side).Name) + " was not asked yet: what is entered below needs a change first."}} // each field says its own
	}
	a, err := s.page(setup.Connect, "Connect both tools", page, wrong)
	for _, t := range page.Tools {
		if t.Tool.Checked && a.Page != "" {
			a.Live = append(a.Live, part{"counted-" + string(t.Side), "counted", t})
		}
	}
	return a, err
}

// setTool answers POST /setup/connect/{side}: keep what was entered, and look.
func (s *SetUp) setTool(v *visit) (answer, error) {
	side := setup.Side(v.PathValue("side"))
	if side != setup.Source && side != setup.Target {
		return answer{}, &Refusal{Status: http.StatusNotFound, Title: "There is no such tool", Text: "Nothing was changed."}
	}
	entered := map[string]string{}
	for name := range v.PostForm {
		entered[name] = v.PostForm.Get(name)
	}
	err := s.setup.SetTool(side, entered)
	if err == nil {
		_, err = s.setup.Check(v.ctx(), side)
	}
	if err != nil {
		return s.connectPage(side, entered, err)
	}
	return answer{To: "/setup/connect#" + string(side)}, nil
}

func (s *SetUp) connected(*visit) (answer, error) {
	d := s.setup.Draft()
	if !d.Source.Checked || !d.Target.Checked {
		return s.connectPage("", nil, setup.Problems{{Text: "Both tools have to answer first."}})
	}
	return answer{To: "/setup/map"}, s.setup.Finish(setup.Connect)
}

// mapPage is what the third step shows.
type mapPage struct {
	setup.Suggestion
	// Fields are where each tool can keep a status, for those that have to say so.
	Fields   []fieldsPage
	Statuses []statusPage
	Source   setup.Survey
	// Chosen says that every place was chosen, so that there are values to show.
	Chosen bool
	Gaps   int
	// GapCustomers is how many customers have a value without a meaning.
	GapCustomers int
}

type fieldsPage struct {
	Side   setup.Side
	Tool   setup.Tool
	Fields []connector.Field
}

// statusPage is a status and what the target shows for it.
type statusPage struct {
	Status   status.Status
	To       string
	Wrong    string
	Needed   bool
	Options  []string
	Anything bool // the field can hold any value
}

// mapping answers GET /setup/map: what each value means.
func (s *SetUp) mapping(v *visit) (answer, error) { return s.mapPage(v, nil) }

func (s *SetUp) mapPage(v *visit, wrong error) (answer, error) {
	d := s.setup.Draft()
	page := mapPage{Suggestion: s.setup.Suggest(), Source: s.setup.Survey(setup.Source), Chosen: true}
	for i, value := range page.Values {
		if value.Means == "" {
			page.Values[i].Means = value.Proposed // chosen already, and marked
		}
	}
	if wrong != nil {
		for i, value := range page.Values {
			if entered, ok := v.PostForm["means-"+strconv.Itoa(i)]; ok {
				page.Values[i] = setup.Value{Value: value.Value, Customers: value.Customers, Means: status.Status(entered[0])}
			}
		}
	}
	for _, side := range []setup.Side{setup.Source, setup.Target} {
		if fields := s.setup.Seen(side).Fields; fields != nil {
			page.Fields = append(page.Fields, fieldsPage{side, d.Tool(side), fields})
			page.Chosen = page.Chosen && d.Tool(side).Field != ""
		}
	}
	problems, _ := wrong.(setup.Problems)
	for _, one := range []status.Status{"active", "paused", "churned"} {
		needed := slices.ContainsFunc(page.Values, func(v setup.Value) bool { return v.Means == one })
		p := statusPage{Needed: needed, Status: one, To: page.To[one], Wrong: problems.Of("to_" + string(one)), Options: page.Options, Anything: page.Options == nil}
		if entered, ok := v.PostForm["to_"+string(one)]; ok {
			p.To = entered[0]
		}
		page.Statuses = append(page.Statuses, p)
	}
	for _, value := range page.Values {
		if value.Means == "" {
			page.Gaps++
			page.GapCustomers += value.Customers
		}
	}
	d.Values, d.To = page.Values, page.To
	a, err := s.pageOf(d, setup.Map, "What does each value mean?", page, wrong)
	if a.Page != "" {
		a = a.live("counting", page, false)
	}
	return a, err
}

func (s *SetUp) setField(v *visit) (answer, error) {
	for _, side := range []setup.Side{setup.Source, setup.Target} {
		if field := v.PostFormValue(string(side) + "_field"); field != "" {
			if err := s.setup.SetField(v.ctx(), side, field); err != nil {
				return s.mapPage(v, err)
			}
		}
	}
	return answer{To: "/setup/map"}, nil
}

func (s *SetUp) setMap(v *visit) (answer, error) {
	a := setup.MapAnswer{Means: map[string]status.Status{}, To: map[status.Status]string{}, More: strings.TrimSpace(v.PostFormValue("more"))}
	for i, value := range v.PostForm["value"] {
		a.Means[value] = status.Status(v.PostFormValue("means-" + strconv.Itoa(i)))
	}
	for _, one := range []status.Status{"active", "paused", "churned"} {
		a.To[one] = v.PostFormValue("to_" + string(one))
	}
	if err := s.setup.SetMap(a); err != nil {
		return s.mapPage(v, err)
	}
	if a.More != "" {
		return answer{To: "/setup/map"}, nil
	}
	return answer{To: "/setup/match"}, nil
}

// matchPage is what the fourth step shows.
type matchPage struct {
	Rules          []rulePage
	Test           setup.MatchTest
	Begun          bool
	Customers      int // of the source, where they were counted
	Least          float64
	SourceKeys     []string
	TargetKeys     []string
	Source, Target string // the tools
	ListsSources   bool
}

// Rest says that some customers were not tested.
func (p matchPage) Rest() bool {
	return p.Test.Err != nil || !p.Test.All && (p.Customers == 0 || p.Customers > p.Test.Of)
}

// rulePage is a rule with what it found.
type rulePage struct {
	setup.Rule
	Found setup.Found
}

// match answers GET /setup/match: which record is which customer.
func (s *SetUp) match(*visit) (answer, error) {
	if err := s.testOnce(); err != nil {
		return s.matchPage(err)
	}
	return s.matchPage(nil)
}

// testOnce keeps the suggested rules, and tests rules that were not tested yet.
func (s *SetUp) testOnce() error {
	d := s.setup.Draft()
	if !d.Reached(setup.Match) {
		return nil
	}
	if len(d.Rules) == 0 {
		if err := s.setup.SetMatch(s.setup.SuggestRules(), d.MinConfidence, false); err != nil {
			return err
		}
	}
	if _, begun := s.setup.MatchTest(); !begun {
		return s.setup.TestMatch(false)
	}
	return nil
}

func (s *SetUp) matchPage(wrong error) (answer, error) {
	d := s.setup.Draft()
	source, target := s.setup.Survey(setup.Source), s.setup.Survey(setup.Target)
	page := matchPage{Customers: source.Read, Least: d.MinConfidence, SourceKeys: append([]string{"id"}, source.KeysByCount()...), TargetKeys: append([]string{"id"}, target.KeysByCount()...), ListsSources: !source.NoList, Source: capital(d.Source.Name), Target: capital(d.Target.Name)}
	page.Test, page.Begun = s.setup.MatchTest()
	for i, r := range d.Rules {
		one := rulePage{Rule: r}
		if i < len(page.Test.By) {
			one.Found = page.Test.By[i]
		}
		page.Rules = append(page.Rules, one)
	}
	for _, keys := range []*[]string{&page.SourceKeys, &page.TargetKeys} {
		slices.Sort(*keys)
		*keys = slices.Compact(*keys)
	}
	a, err := s.page(setup.Match, "Which record is which customer?", page, wrong)
	if a.Page != "" {
		a = a.live("tested", page, page.Begun && !page.Test.Done)
	}
	return a, err
}

// setMatch answers POST /setup/match: a rule more or less, another test, or onward.
func (s *SetUp) setMatch(v *visit) (answer, error) {
	d := s.setup.Draft()
	rules, least := slices.Clone(d.Rules), d.MinConfidence
	if text := v.PostFormValue("min"); text != "" {
		least, _ = strconv.ParseFloat(text, 64) // 0 is refused below
	}
	do, onward := v.PostFormValue("do"), false
	switch at, removes := strings.CutPrefix(do, "remove-"); {
	case removes:
		if n, err := strconv.Atoi(at); err == nil && n >= 0 && n < len(rules) {
			rules = slices.Delete(rules, n, n+1)
		}
	case do == "add":
		sure := 0.9
		if v.PostFormValue("source") == "id" || v.PostFormValue("target") == "id" {
			sure = 1
		}
		rules = append(rules, setup.Rule{Source: v.PostFormValue("source"), Target: v.PostFormValue("target"), Confidence: sure})
	case do == "all":
		if err := s.setup.TestMatch(true); err != nil {
			return s.matchPage(err)
		}
		return answer{To: "/setup/match"}, nil
	case do == "continue":
		onward = true
	}
	if err := s.setup.SetMatch(rules, least, false); err != nil {
		return s.matchPage(err)
	}
	if !onward {
		return answer{To: "/setup/match"}, nil
	}
	if err := s.service.Begin(v.ctx()); err != nil {
		return s.matchPage(err)
	}
	return answer{To: "/setup/event"}, s.setup.Finish(setup.Match)
}
