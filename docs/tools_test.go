package docs

import (
	"os"
	"strings"
	"testing"
)

// named are the tools that people look for by name, each connected by an example
// of a connection of type http.
var named = map[string]string{
	"activecampaign": "ActiveCampaign", "airtable": "Airtable", "chargebee": "Chargebee", "hubspot": "HubSpot", "intercom": "Intercom",
	"notion": "Notion", "paddle": "Paddle", "pipedrive": "Pipedrive", "salesforce": "Salesforce", "zendesk": "Zendesk",
}

// Whoever looks for a tool's name finds it in the README, from there its page, and
// on the page the example, what to click, and what nobody has seen yet.
func TestEveryNamedToolHasAnExampleAPageAndAPlaceInTheLists(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	readme, guide := read("../README.md"), read("connectors/connect-a-tool.md")
	for name, title := range named {
		if Examples[name] == "" {
			t.Errorf("there is no example %s", name)
		}
		page := read("connectors/" + name + ".md")
		if source := name + "-source"; Examples[source] != "" && !strings.Contains(page, "`trueup config example "+source+"`") {
			t.Errorf("the page of %s does not say how to print %s", name, source)
		}
		if other := "For the other way: trueup config example "; Examples[name+"-source"] != "" && (!strings.Contains(Examples[name], other+name+"-source\n") || !strings.Contains(Examples[name+"-source"], other+name+"\n")) {
			t.Errorf("the two examples of %s do not name each other", name)
		}
		for _, part := range []string{"# " + title + "\n", "`trueup config example " + name + "`", "\n## What to click\n", "\n## What it can and cannot know\n",
			"\n## Merged ", "\n## Search lag\n", "\n## Limits\n", "\n## Not seen on a live account\n", "trueup check --live", "](https://"} {
			if !strings.Contains(page, part) {
				t.Errorf("the page of %s has no %q", name, part)
			}
		}
		if link := "[" + title + "](docs/connectors/" + name + ".md)"; !strings.Contains(readme, link) {
			t.Errorf("the README has no %s", link)
		}
		if link := "[" + title + "](" + name + ".md)"; !strings.Contains(guide, link) {
			t.Errorf("connect-a-tool.md has no %s", link)
		}
	}
}
