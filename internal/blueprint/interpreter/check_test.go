package interpreter

import (
	"strings"
	"testing"
)

// whole is a small scenario without a fault.
const whole = `{
 "name": "s",
 "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {}, "mapper": {}, "metadata": {"designer": {"x": 0, "y": 0}}},
  {"id": 2, "module": "builtin:BasicRouter", "version": 1, "parameters": {}, "mapper": null, "metadata": {"designer": {"x": 300, "y": 0}}, "routes": [
   {"flow": [
    {"id": 3, "module": "http:MakeRequest", "version": 4, "parameters": {"authenticationType": "noAuth", "tlsType": ""},
     "filter": {"name": "f", "conditions": [[{"a": "{{1.op}}", "o": "text:equal", "b": "x"}]]},
     "mapper": {"url": "https://tool.example.com/{{1.id}}", "method": "get", "headers": [], "parseResponse": true, "stopOnHttpError": true,
      "allowRedirects": false, "shareCookies": false, "requestCompressedContent": true},
     "onerror": [{"id": 4, "module": "builtin:Break", "version": 1, "parameters": {}, "mapper": {"retry": true, "count": "3", "interval": "15"}, "metadata": {"designer": {"x": 600, "y": 300}}}],
     "metadata": {"designer": {"x": 600, "y": 0}}},
    {"id": 5, "module": "gateway:WebhookRespond", "version": 1, "parameters": {}, "mapper": {"status": "200", "body": "{{base64(3.data.name)}}", "headers": []},
     "onerror": [{"id": 6, "module": "builtin:Ignore", "version": 1, "parameters": {}, "mapper": {}, "metadata": {"designer": {"x": 1200, "y": 300}}}],
     "metadata": {"designer": {"x": 900, "y": 0}}}]}]}],
 "metadata": {"instant": true, "version": 1, "scenario": {"roundtrips": 1, "maxErrors": 3, "autoCommit": true, "autoCommitTriggerLast": true,
  "sequential": false, "confidential": false, "dataloss": false, "dlq": true, "freshVariables": false}, "designer": {"orphans": []}}
}`

func TestCheckFindsEachFault(t *testing.T) {
	if err := Check([]byte(whole)); err != nil {
		t.Fatalf("the whole one has faults: %v", err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"no JSON":                         {`"name": "s",`, `"name": "s"`, "read the blueprint"},
		"a key nobody knows":              {`"name": "s"`, `"name": "s", "nonsense": 1`, "unknown field"},
		"no name":                         {`"name": "s"`, `"name": ""`, "no name"},
		"no metadata":                     {`"instant": true, "version": 1, "scenario"`, `"instant": true, "version": 2, "scenario"`, "metadata is not whole"},
		"not instant":                     {`"instant": true`, `"instant": false`, "is instant"},
		"sequential":                      {`"sequential": false`, `"sequential": true`, "sequential processing"},
		"sequential left out":             {`"sequential": false, `, ``, "sequential processing"},
		"data may be lost":                {`"dataloss": false`, `"dataloss": true`, "loss of data"},
		"nowhere to store":                {`"dlq": true`, `"dlq": false`, "incomplete execution"},
		"an id twice, in a handler":       {`"id": 6`, `"id": 1`, "used twice"},
		"no id":                           {`"id": 3`, `"id": 0`, "or is none"},
		"another version":                 {`"http:MakeRequest", "version": 4`, `"http:MakeRequest", "version": 3`, "no version 3"},
		"another module":                  {`"http:MakeRequest"`, `"hubspotcrm:updateContact"`, "no version 4 of such a module"},
		"no place":                        {`"metadata": {"designer": {"x": 900, "y": 0}}`, `"metadata": {"designer": {"x": 900}}`, "no place"},
		"no parameters":                   {`"version": 1, "parameters": {}, "mapper": {"status"`, `"version": 1, "mapper": {"status"`, "no parameters"},
		"a router with a mapper":          {`"mapper": null`, `"mapper": {}`, "null mapper"},
		"a field nobody knows":            {`"status": "200"`, `"status": "200", "code": 1`, "no field code"},
		"a field too few":                 {`"method": "get", `, ``, "method is missing"},
		"a method in capitals":            {`"method": "get"`, `"method": "GET"`, "small letters"},
		"a body without its kind":         {`"headers": [], "parse`, `"headers": [], "jsonStringBodyContent": "{}", "parse`, "needs contentType"},
		"another account's key":           {`"authenticationType": "noAuth"`, `"authenticationType": "apiKey", "apiKeyKeychain": 77`, "names a key of an account"},
		"no kind of authentication":       {`"authenticationType": "noAuth", `, ``, "no kind of authentication"},
		"a route for everything":          {`"filter": {"name": "f", "conditions": [[{"a": "{{1.op}}", "o": "text:equal", "b": "x"}]]},`, ``, "always runs"},
		"a filter for everything":         {`[[{"a": "{{1.op}}", "o": "text:equal", "b": "x"}]]`, `[[]]`, "lets everything through"},
		"a filter without a name":         {`"name": "f"`, `"name": ""`, "no name"},
		"another comparison":              {`text:equal`, `text:same`, "no comparison"},
		"a value of a later module":       {`/{{1.id}}`, `/{{5.id}}`, "did not run before"},
		"a value of the handler's module": {`"count": "3"`, `"count": "{{3.n}}"`, "did not run before"},
		"a formula without an end":        {`{{1.id}}`, `{{1.id`, "does not end"},
		"a formula without a begin":       {`{{1.id}}`, `1.id}}`, "never began"},
		"a function nobody knows":         {`base64(`, `base32(`, "no function base32"},
		"a function of too few":           {`base64(3.data.name)`, `join(3.data.name)`, "no function join of 1"},
		"a comma for a semicolon":         {`base64(3.data.name)`, `join(3.data.name, 3.data.id)`, "semicolons"},
		"a name without backticks":        {`{{1.id}}`, `{{1.id-2}}`, "left over"},
		"a handler that does not end":     {`"builtin:Ignore"`, `"builtin:BasicRouter"`, "a directive ends"},
		"no handler":                      {`"onerror": [{"id": 6, "module": "builtin:Ignore", "version": 1, "parameters": {}, "mapper": {}, "metadata": {"designer": {"x": 1200, "y": 300}}}],`, ``, "no error handler"},
		"a second trigger":                {`"module": "http:MakeRequest", "version": 4`, `"module": "gateway:CustomWebHook", "version": 1`, "at the begin only"},
		"something else in front":         {`"id": 1, "module": "gateway:CustomWebHook"`, `"id": 1, "module": "util:SetVariables"`, "does not begin with a webhook"},
		"something behind the answer": {"{\"flow\": [\n", `{"flow": [ {"id": 9, "module": "gateway:WebhookRespond", "version": 1, "parameters": {}, "mapper": {"status": "200", "body": "", "headers": []},
     "onerror": [{"id": 10, "module": "builtin:Ignore", "version": 1, "parameters": {}, "mapper": {}, "metadata": {"designer": {"x": 0, "y": 300}}}],
     "metadata": {"designer": {"x": 0, "y": 0}}},`, "behind the answer"},
		"a route that leads nowhere":       {`{"flow": [`, `{"flow": []}, {"flow": [`, "is empty"},
		"a directive in the middle of all": {`"module": "http:MakeRequest", "version": 4`, `"module": "builtin:Ignore", "version": 1`, "stands nowhere else"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(whole, c.old, c.new, 1)
			if broken == whole {
				t.Fatal("nothing was changed")
			}
			if err := Check([]byte(broken)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it finds %v, want %q", err, c.want)
			}
		})
	}
}
