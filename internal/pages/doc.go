// Package pages is Trueup in a browser: what needs a person, what each sync
// does, and the forms by which people act.
//
// Main types: Options and Pages, the handler (New, ServeHTTP, Close); Person, who
// is signed in. Inside, a route (method, address, role) calls a function of a
// visit, which returns an answer: a page of a template, or an address to go to.
// Each subject has a file with its routes and handlers, and a template of the
// same name in templates.
//
// Invariants:
//   - A route states which role it needs in one table, which the check and the
//     tests read. A route of nobody's role answers without a session.
//   - What a page says comes from the functions that the API and the commands use.
//   - Everything works without a script: an action is a form, answered by 303.
//   - A form is done once, however often it is sent.
//   - A page is rendered in full before the first byte is sent. Its files are
//     under names that change with their content; nothing is loaded from elsewhere,
//     and no page has a script or a style of its own.
//   - An error that no one foresaw is shown by a reference that is in the log.
//
// It may import the API and what that imports, docs, internal/connector, identity,
// people/provider and setup, and neither the pipeline nor a tool's connector.
package pages
