package blueprint

import (
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector/makecom"
)

// toolURL is the address of the tool's records in the placeholder steps.
const toolURL = "https://tool.example.com/customers"

// operations is the scenario that finds, reads and writes for Trueup.
func operations(p plan) Blueprint {
	b := &builder{}
	trigger := b.trigger(0, "Request from Trueup")
	o := ops{builder: b, plan: p, trigger: trigger.ID}
	router := b.router(1, 0, func(int) []Route {
		known := []string{makecom.OpPing, makecom.OpRead}
		routes := []Route{o.ping(), o.read()}
		if p.Lists {
			known, routes = append(known, makecom.OpList), append(routes, o.list())
		}
		if p.IsTarget { // invariant 5
			known = append(known, makecom.OpFind, makecom.OpWrite)
			routes = append(routes, o.find(), o.write(), o.refuse(), o.late())
		}
		return append(routes, o.unsupported(known))
	})
	return scenarioOf("Trueup: operations of "+p.Connection, false, []Module{trigger, router})
}

// ops builds the routes; row is the one in the editor.
type ops struct {
	*builder
	plan
	trigger, row int
}

// asked is the value of a request.
func (o *ops) asked(key string) string { return "{{" + pill(o.trigger, key) + "}}" }

func (o *ops) is(op string) Condition { return where(o.asked("op"), "text:equal", op) }

// answer is a JSON text that begins with the members that every answer has.
func (o *ops) answer(ok bool, members ...string) string {
	return object(append([]string{`"ok":` + strconv.FormatBool(ok), `"request_id":"` + o.asked("request_id") + `"`}, members...)...)
}

func (o *ops) failed(word string) string { return o.answer(false, `"error":"`+word+`"`) }

// next begins a route in a free row of the editor.
func (o *ops) next() int {
	o.row += 2
	return o.row
}

// handled gives a module an error handler, which answers that the step failed
// (invariant 2).
func (o *ops) handled(m Module) Module {
	column, row := m.Metadata.Designer.X/stepX, m.Metadata.Designer.Y/stepY+1
	m.OnError = []Module{
		o.respond(column+1, row, "Answer that it failed", o.failed("failed")),
		o.module("builtin:Ignore", 1, column+2, row, ""),
	}
	return m
}

func (o *ops) ping() Route {
	members := []string{}
	if o.IsTarget {
		values := make([]string, len(o.Values))
		for i, v := range o.Values {
			values[i] = quoted(v)
		}
		members = append(members, `"values":[`+strings.Join(values, ",")+`]`)
	}
	return Route{[]Module{o.respond(2, o.next(), "Pong", o.answer(true, members...)).when("ping", []Condition{o.is(makecom.OpPing)})}}
}

// afterTool runs good after a call that the tool answered with 2xx, and
// otherwise returns the tool's status.
func (o *ops) afterTool(call Module, good func(column, row int) []Module) Module {
	column, row := call.Metadata.Designer.X/stepX+1, call.Metadata.Designer.Y/stepY
	code := "{{" + pill(call.ID, "statusCode") + "}}"
	return o.router(column, row, func(int) []Route {
		flow := good(column+1, row)
		flow[0] = flow[0].when("the tool did it", []Condition{where(code, "number:greaterorequal", "200"), where(code, "number:less", "300")})
		bad := o.respond(column+1, row+1, "Answer with the tool's status", o.answer(false, `"error":"tool_error"`, `"tool_status":`+code)).
			when("the tool did not", []Condition{where(code, "number:less", "200")}, []Condition{where(code, "number:greaterorequal", "300")})
		return []Route{{flow}, {[]Module{bad}}}
	})
}

func (o *ops) read() Route {
	row := o.next()
	get := o.handled(o.request(2, row, "REPLACE: get a record by its id", "get", toolURL+"/"+o.asked("id_url"))).
		when("read", []Condition{o.is(makecom.OpRead)})
	return Route{[]Module{get, o.afterTool(get, func(column, row int) []Module {
		told := o.told(func(field string) string { return pill(get.ID, "data."+field) })
		fields := o.handled(o.variables(column, row, "MAP the record's fields", told...))
		members := []string{}
		for _, v := range told[:len(told)-len(o.Keys)] {
			members = append(members, coded(v.name, pill(fields.ID, v.name)))
		}
		members = append(members, keysOf(fields.ID, o.Keys)...)
		return []Module{fields, o.respond(column+1, row, "Answer with the record", o.answer(true, members...))}
	})}}
}

// told are the parts of a record, by what each field of the tool is.
func (o *ops) told(of func(field string) string) []variable {
	told := []variable{{"id", orEmpty(of("id"))}, {"value", orEmpty(of(o.Field))}}
	if o.ChangedAt {
		told = append(told, variable{"changed_at", orEmpty(of("updated_at"))})
	}
	if o.ChangedBy {
		told = append(told, variable{"changed_by", orEmpty(of("updated_by"))})
	}
	names := keyVariables(o.Keys)
	for i, key := range o.Keys {
		told = append(told, variable{names[i], orEmpty(of(key))})
	}
	return told
}

// list answers with a page of all records: each is made a JSON text by itself, and
// the texts are joined. What stands before the iterator can be used behind it.
func (o *ops) list() Route {
	row := o.next()
	get := o.handled(o.request(2, row, "REPLACE: list the records of a page", "get", toolURL)).
		when("list", []Condition{o.is(makecom.OpList)})
	get.Mapper["queryParameters"] = []any{header("limit", o.asked("limit")), header("cursor", o.asked("cursor"))}
	records := pill(get.ID, "data.records")
	return Route{[]Module{get, o.afterTool(get, func(column, row int) []Module {
		page := o.handled(o.variables(column, row, "MAP the next page's cursor",
			variable{"next", orEmpty(pill(get.ID, "data.next"))}, variable{"count", "{{length(ifempty(" + records + "; emptyarray))}}"}))
		// Neither can fail: that it is an array is known by its length, and no text is
		// missing. Make has no error handlers for modules that only steer.
		each := o.iterator(column+1, row, "Each record", records)
		told := o.told(func(field string) string { return pill(each.ID, field) })
		var members, keys []string
		for i, v := range told {
			inner := strings.TrimSuffix(strings.TrimPrefix(v.value, "{{"), "}}")
			if at := i - (len(told) - len(o.Keys)); at >= 0 {
				keys = append(keys, coded(o.Keys[at], inner))
				continue
			}
			members = append(members, coded(v.name, inner))
		}
		if len(keys) > 0 {
			members = append(members, `"keys":`+object(keys...))
		}
		all := o.joined(column+2, row, "MAP each record's fields", each.ID, object(members...))
		return []Module{page, each, all, o.respond(column+3, row, "Answer with the page", o.answer(true,
			`"count":{{`+pill(page.ID, "count")+`}}`, coded("next", pill(page.ID, "next")), `"records":[{{`+pill(all.ID, "text")+`}}]`))}
	})}}
}

func (o *ops) find() Route {
	row := o.next()
	search := o.handled(o.request(2, row, "REPLACE: search records by a key", "get", toolURL)).
		when("find", []Condition{o.is(makecom.OpFind)})
	search.Mapper["queryParameters"] = []any{header(o.asked("key"), o.asked("value"))}
	found := pill(search.ID, "data.records")
	return Route{[]Module{search, o.afterTool(search, func(column, row int) []Module {
		fields := o.handled(o.variables(column, row, "MAP the ids that were found",
			variable{"ids", `{{join(map(` + found + `; "id"); ",")}}`}, variable{"count", `{{length(` + found + `)}}`}))
		return []Module{fields, o.respond(column+1, row, "Answer with the ids",
			o.answer(true, `"count":{{`+pill(fields.ID, "count")+`}}`, coded("ids", pill(fields.ID, "ids"))))}
	})}}
}

// inTime is the condition that a request has not expired (invariant 4).
func (o *ops) inTime() Condition {
	return where("{{timestamp}}", "number:lessorequal", o.asked("not_after"))
}

func (o *ops) write() Route {
	row := o.next()
	var conditions [][]Condition
	for _, v := range o.Values {
		conditions = append(conditions, []Condition{o.is(makecom.OpWrite), o.inTime(), where(o.asked("status"), "text:equal", v)})
	}
	set := o.handled(o.request(2, row, "REPLACE: set the status of a record", "patch", toolURL+"/"+o.asked("id_url")).
		withJSON(object(quoted(o.Field)+":"+o.asked("status_json")))).when("write", conditions...)
	return Route{[]Module{set, o.afterTool(set, func(column, row int) []Module {
		return []Module{o.respond(column, row, "Answer that it is written", o.answer(true))}
	})}}
}

// refuse answers a value that the scenario was not exported with.
func (o *ops) refuse() Route {
	conditions := []Condition{o.is(makecom.OpWrite), o.inTime()}
	for _, v := range o.Values {
		conditions = append(conditions, where(o.asked("status"), "text:notequal", v))
	}
	return Route{[]Module{o.respond(2, o.next(), "Refuse another value", o.failed("refused")).when("a value that is not ours", conditions)}}
}

func (o *ops) late() Route {
	late := where("{{timestamp}}", "number:greater", o.asked("not_after"))
	return Route{[]Module{o.respond(2, o.next(), "Refuse what waited too long", o.failed("expired")).
		when("too late", []Condition{o.is(makecom.OpWrite), late})}}
}

func (o *ops) unsupported(known []string) Route {
	var conditions []Condition
	for _, op := range known {
		conditions = append(conditions, where(o.asked("op"), "text:notequal", op))
	}
	return Route{[]Module{o.respond(2, o.next(), "Refuse another operation", o.failed("unsupported")).when("anything else", conditions)}}
}
