package stripe

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

// stated opens a connection with a status of its own.
func (f *fake) stated(expression string, values ...string) connector.Connection {
	f.t.Helper()
	conn, err := Open("billing", config.Connection{BaseURL: f.url}, &Settings{APIKey: testKey, WebhookSecrets: []config.Secret{testSecret},
		Status: expression, Values: values}, connector.Deps{Now: func() time.Time { return testNow }})
	if err != nil {
		f.t.Fatal(err)
	}
	return conn
}

// subscribed is a Stripe whose customer cus_1 has subscriptions; each text is a
// status and what else the subscription holds.
func subscribed(t *testing.T, subs ...string) *fake {
	f := newFake(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer","email":"ann@example.com"}`
	for i, s := range subs {
		status, rest, _ := strings.Cut(s, " ")
		if rest != "" {
			rest = "," + rest
		}
		f.subscriptions = append(f.subscriptions, fmt.Sprintf(`{"id":"sub_%d","object":"subscription","customer":"cus_1","status":%q%s}`, i, status, rest))
	}
	return f
}

const (
	leaving = `subscription.cancel_at_period_end ? 'leaving' : standing`
	stays   = `"cancel_at_period_end":false`
	leaves  = `"cancel_at_period_end":true`
	pro     = `"items":{"object":"list","data":[{"id":"si_1","price":{"id":"price_pro","product":"prod_pro"}}]}`
	addOn   = `"items":{"object":"list","data":[{"id":"si_2","price":{"id":"price_sms","product":{"id":"prod_sms","object":"product"}}}]}`
)

// What a customer is called may depend on any fact of a subscription, in a read and in
// the list of all customers alike.
func TestAStatusIsWhatTheExpressionGives(t *testing.T) {
	words := []string{active, trialing, "leaving", pastDue, paused, unpaid, canceled, incomplete, incompleteExpired}
	for name, c := range map[string]struct {
		expression string
		values     []string
		subs       []string
		want       string // "" is no status
	}{
		"who ends at the period's end is leaving":            {leaving, words, []string{"active " + leaves}, "leaving"},
		"who does not is active":                             {leaving, words, []string{"active " + stays}, active},
		"one that stays is better than one that ends":        {leaving, words, []string{"active " + leaves, "active " + stays}, active},
		"an old canceled one does not count against it":      {leaving, words, []string{"active " + leaves, "canceled " + stays}, "leaving"},
		"collection that is paused is paused":                {leaving, words, []string{`active "pause_collection":{"behavior":"void"},` + stays}, paused},
		"a new word of Stripe's is handed on":                {leaving, words, []string{"frozen " + stays, "canceled " + stays}, "frozen"},
		"beside the best one a new word does not matter":     {leaving, words, []string{"frozen " + stays, "active " + stays}, active},
		"a product of its own gives a status of its own":     {`'prod_pro' in products ? 'pro' : standing`, append([]string{"pro"}, words...), []string{"active " + pro, "active " + addOn}, "pro"},
		"a product is known by its id where it was expanded": {`'prod_sms' in products ? 'sms' : standing`, append([]string{"sms"}, words...), []string{"active " + addOn}, "sms"},
		"a price is too": {`'price_pro' in prices ? 'pro' : standing`, append([]string{"pro"}, words...), []string{"active " + pro}, "pro"},
		"what is not of the product does not count":               {`'prod_pro' in products ? standing : null`, words, []string{"active " + addOn, "canceled " + pro}, canceled},
		"nobody whose subscriptions do not count has a status":    {`'prod_pro' in products ? standing : null`, words, []string{"active " + addOn}, ""},
		"a field that not every subscription has may be optional": {`subscription.?metadata.?plan.orValue(standing)`, append([]string{"gold"}, words...), []string{`active "metadata":{"plan":"gold"}`, "active"}, "gold"},
		"numbers are numbers":                                     {`subscription.quantity > 9 && subscription.quantity + 1 == 13 ? 'large' : standing`, append([]string{"large"}, words...), []string{`active "quantity":12`}, "large"},
		"without subscriptions there is no status":                {leaving, words, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn := subscribed(t, c.subs...).stated(c.expression, c.values...)
			got, err := conn.Source.Read(context.Background(), "cus_1")
			if err != nil || got.Value != c.want || got.NoStatus != (c.want == "") || !got.ValueAt.IsZero() {
				t.Errorf("read %+v, %v", got, err)
			}
			for _, listed := range everybody(t, conn.SourceList) {
				if listed.Value != got.Value || listed.NoStatus != got.NoStatus {
					t.Errorf("listed %+v", listed)
				}
			}
		})
	}
}

func TestADeletedCustomerIsCanceledWhateverTheExpression(t *testing.T) {
	f := subscribed(t)
	f.customers["cus_1"] = `{"id":"cus_1","object":"customer","deleted":true}`
	if got, err := f.stated(leaving, active, canceled).Source.Read(context.Background(), "cus_1"); err != nil || got.Value != canceled {
		t.Errorf("%+v, %v", got, err)
	}
}

// A fault names the subscription and the key of the file, and nothing that Stripe sent.
func TestAnExpressionThatFailsSaysForWhichSubscription(t *testing.T) {
	for name, c := range map[string]struct{ expression, sub, want string }{
		"a field that is not there":   {`subscription.cancel_at_end ? 'a' : standing`, "active " + stays, "a field of the expression is missing"},
		"a field of another type":     {`subscription.description + 1 == 2 ? 'a' : standing`, `active "description":"hunter2"`, "does not fit the type"},
		"a list that is too short":    {`products[0] == 'x' ? 'a' : standing`, "active " + stays, "too short"},
		"a result that is no text":    {`subscription.metadata`, `active "metadata":{"note":"hunter2"}`, "neither a text nor null"},
		"a word with a space":         {`subscription.description`, `active "description":"hunter2 "`, "begins or ends with a space"},
		"more prices than are given":  {`'prod_pro' in products ? 'a' : standing`, `active "items":{"has_more":true,"data":[]}`, "more prices than Stripe gives"},
		"a computation without bound": {`[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, a > 0))))) ? 'a' : standing`, "active " + stays, "too much work"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := subscribed(t, c.sub).stated(c.expression, active, canceled)
			_, err := conn.Source.Read(context.Background(), "cus_1")
			f := connector.FailureOf(err)
			if err == nil || f.Kind != connector.Misconfigured || !strings.Contains(f.Detail, "status of the connection") || !strings.Contains(f.Detail, "sub_0") ||
				!strings.Contains(f.Detail, c.want) || strings.Contains(f.Error(), "hunter2") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestTheKeysOfAStatusAreChecked(t *testing.T) {
	const fine = `standing`
	for name, c := range map[string]struct {
		status string
		values []string
		want   []string // path: part of the problem
	}{
		"an expression with its words is fine":       {leaving, []string{active, "leaving", canceled}, nil},
		"words without an expression":                {"", []string{active}, []string{"values: is given, and status is not"}},
		"an expression without words":                {fine, nil, []string{"values: is missing"}},
		"what is no expression":                      {"subscription.", []string{canceled}, []string{"status: is not a CEL expression"}},
		"a variable that there is not":               {"record.status", []string{canceled}, []string{"status: is not a CEL expression"}},
		"an expression that gives true":              {"standing == 'active'", []string{canceled}, []string{"status: gives a bool"}},
		"a word twice, one that is empty":            {fine, []string{active, "", active, canceled}, []string{"values[1]: is empty", "values[2]: is there twice"}},
		"the word of a deleted customer is left out": {fine, []string{active}, []string{"values: lacks canceled"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Settings{APIKey: "rk_live_abc", WebhookSecrets: []config.Secret{"whsec_abc"}, Status: c.status, Values: c.values}
			var got []string
			s.Check(config.NewChecker(func(path, problem, remedy string) {
				got = append(got, strings.TrimPrefix(path, "connection.")+": "+problem)
				if remedy == "" {
					t.Errorf("%s %s: no remedy", path, problem)
				}
			}), config.Connection{})
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("got %q, want %q", got[i], c.want[i])
				}
			}
		})
	}
}

func TestTheSetOfWordsIsTheAccountsOwn(t *testing.T) {
	s := Settings{Status: leaving, Values: []string{active, "leaving", canceled}}
	set := s.ClosedSet(config.Side{})
	if strings.Join(set.Values, " ") != "active leaving canceled" || set.Grows {
		t.Errorf("%+v", set)
	}
	if order, problem, _ := s.Several("email"); strings.Join(order, " ") != "active leaving canceled" || problem != "" {
		t.Errorf("%v, %s", order, problem)
	}
	if conn := subscribed(t).stated(leaving, s.Values...); strings.Join(conn.Values, " ") != "active leaving canceled" || strings.Join(conn.Precedence, " ") != "active leaving canceled" {
		t.Errorf("%v, %v", conn.Values, conn.Precedence)
	}
}
