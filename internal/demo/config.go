package demo

import (
	_ "embed"
	"strings"
	"text/template"
)

//go:embed trueup.yaml.tmpl
var configSource string

var configTemplate = template.Must(template.New("trueup.yaml").Funcs(template.FuncMap{"join": strings.Join}).Parse(configSource))

// joint is what the configuration needs to know about both tools.
type joint struct {
	Database      string
	BillingURL    string
	BillingToken  string
	WebhookSecret string
	CRMURL        string
	CRMToken      string
}

// The names in the configuration that others refer to.
const (
	billingConnection = "billing"
	syncName          = "customer-status"
)

// configText writes the trueup.yaml that joins the two sample tools, with
// comments, because for many readers it is the first one they see.
func configText(j joint) (string, error) {
	type line struct {
		Status string
		From   []string
		To     string
	}
	data := struct {
		joint
		Connection, Sync string
		Vocabulary       []line
		Ignored          []string
	}{joint: j, Connection: billingConnection, Sync: syncName, Ignored: ignored}
	for _, v := range vocabulary {
		data.Vocabulary = append(data.Vocabulary, line{string(v.status), v.from, v.to})
	}
	var b strings.Builder
	if err := configTemplate.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}
