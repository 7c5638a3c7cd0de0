package pages

import (
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

func activityRoutes() []route {
	return []route{{http.MethodGet, "/activity", store.Viewer, activity}}
}

// doersOffered is how many people and tokens a filter offers.
const doersOffered = 200

// activityPage is who changed what.
type activityPage struct {
	Who, What, Sync, Since string
	Doers, Syncs           []option
	Topics                 []option
	Days                   []activityDay
	Older                  string
	Filtered               bool
}

// option is what a filter offers.
type option struct {
	Value, Word string
	Chosen      bool
}

// activityDay is the acts of one day.
type activityDay struct {
	Title string
	Acts  []activityLine
}

// activityLine is an act; its sentence has the customer's link between two parts.
type activityLine struct {
	contract.Activity
	Before, Label, To, After, Via string
	More                          int
}

// vias are the ways by which an act came.
var vias = map[store.Way]string{store.ByPage: "Page", store.ByAPI: "API", store.BySlack: "Slack", store.ByCommand: "Command", store.ByFile: "File"}

// activityFilter is what the address of the list chooses.
func activityFilter(v *visit) (activityPage, store.ActivityFilter) {
	p := activityPage{Who: v.FormValue("who"), What: v.FormValue("what"), Sync: v.FormValue("sync"), Since: v.FormValue("since")}
	f := store.ActivityFilter{Who: p.Who, About: reason.Topic(p.What), Sync: p.Sync, Limit: listed + 1}
	switch p.Since {
	case "today":
		y, m, d := v.now.In(v.zone).Date()
		f.Since = time.Date(y, m, d, 0, 0, 0, 0, v.zone)
	case "all":
	default:
		p.Since = ""
		f.Since = v.now.AddDate(0, 0, -30)
	}
	p.Filtered = p.Who != "" || p.What != "" || p.Sync != "" || p.Since == "today"
	return p, f
}

// query is what chooses the same acts again.
func (p activityPage) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"who": p.Who, "what": p.What, "sync": p.Sync, "since": p.Since} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Download is the address of the chosen acts as CSV.
func (p activityPage) Download() string { return withQuery("/activity.csv", p.query()) }

// withQuery is an address with what its page chooses by.
func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// doersOf are those who did what a list shows, and for whom.
func doersOf(found []store.Activity) (whos []string) {
	for _, a := range found {
		whos = append(whos, a.Who, a.For)
	}
	return whos
}

// activity answers GET /activity.
func activity(v *visit) (answer, error) {
	p, f := activityFilter(v)
	if n, err := strconv.ParseInt(v.FormValue("before"), 10, 64); err == nil && n > 0 {
		f.Before = n
	}
	found, err := v.Store.Activities(v.ctx(), f)
	if err != nil {
		return answer{}, err
	}
	doers, err := v.Store.Doers(v.ctx(), doersOffered)
	if err != nil {
		return answer{}, err
	}
	p.Doers = []option{{"", "Anyone", p.Who == ""}}
	if p.Who != "" && !slices.Contains(doers, p.Who) {
		doers = append(doers, p.Who)
	}
	names, err := v.names(append(doersOf(found), doers...))
	if err != nil {
		return answer{}, err
	}
	for _, who := range doers {
		p.Doers = append(p.Doers, option{who, names.Of(who), who == p.Who})
	}
	p.Topics = []option{{"", "Any change", p.What == ""}}
	for _, t := range reason.Topics {
		p.Topics = append(p.Topics, option{string(t), reason.TopicNames[t], string(t) == p.What})
	}
	p.Syncs = syncOptions(v, p.Sync)
	if len(found) > listed {
		found = found[:listed]
		older := p.query()
		older.Set("before", strconv.FormatInt(found[listed-1].ID, 10))
		p.Older = withQuery("/activity", older)
	}
	for _, a := range found {
		title := dayTitle(v, a.At)
		if n := len(p.Days); n == 0 || p.Days[n-1].Title != title {
			p.Days = append(p.Days, activityDay{Title: title})
		}
		day := &p.Days[len(p.Days)-1]
		day.Acts = append(day.Acts, lineOf(contract.ActivityOf(a, names)))
	}
	return answer{Page: "activity", Title: "Activity", Nav: "activity", Data: p}, nil
}

// names are what people are called, by how a history or an owner names them.
func (v *visit) names(whos []string) (contract.Names, error) {
	return people.Names(v.ctx(), v.Store, v.Owners(), whos)
}

// lineOf splits the sentence of an act at its customer, who is a link.
func lineOf(a contract.Activity) activityLine {
	l := activityLine{Activity: a, Before: a.Text, Via: vias[a.Way], More: a.Count - len(a.Customers)}
	label := a.Name
	if label == "" {
		label = a.Customer
	}
	if before, after, ok := strings.Cut(a.Text, label); ok && label != "" {
		l.Before, l.Label, l.After, l.To = before, label, after, customerPath(a.Sync, a.Customer)
	}
	return l
}

// dayTitle names the day of a time: Today, Monday, November 30.
func dayTitle(v *visit, t time.Time) string {
	t, now := t.In(v.zone), v.now.In(v.zone)
	title := t.Format("Monday, January 2")
	if t.Year() != now.Year() {
		title += t.Format(", 2006")
	}
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		title = "Today, " + title
	}
	return title
}

// syncOptions are the syncs that a filter offers.
func syncOptions(v *visit, chosen string) []option {
	all := []option{{"", "All syncs", chosen == ""}}
	for _, name := range slices.Sorted(maps.Keys(v.Syncs())) {
		all = append(all, option{name, name, name == chosen})
	}
	return all
}

// called is what one of them is called, who is named as before when that is not known.
func (v *visit) called(who string) string {
	names, err := v.names([]string{who})
	if err != nil {
		v.Log.Warn("could not find out what a person is called", slog.Any("error", err))
	}
	return names.Of(who)
}
