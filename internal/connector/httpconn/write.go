package httpconn

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/status"
)

// filling is what goes into the placeholders of a call: the text of each, and
// for some what stands in a body in its own type, where it stands alone.
type filling struct {
	texts map[string]string
	typed map[string]any
}

// set fills a placeholder. Null has no text: the file puts it only where it
// stands alone.
func (f *filling) set(name string, v any) {
	text, problem := canonical(v)
	if v == nil || problem != "" {
		text = ""
	}
	f.texts[name], f.typed[name] = text, v
}

// fillings are those of a write of a word that is legal.
func (t target) fillings(record status.TargetRecord, value string) *filling {
	f := &filling{texts: map[string]string{phID: record.ID}, typed: map[string]any{}}
	taken, _ := t.words.takes(value)
	f.set(phValue, taken)
	f.set(phStatus, taken)
	f.set(phPrevious, record.Value)
	if was, known := t.words.takes(record.Value); known {
		f.set(phPrevious, was)
	}
	return f
}

// Write implements connector.Target.
func (t target) Write(ctx context.Context, record status.TargetRecord, value string) (*status.TargetRecord, error) {
	if record.ID == "" {
		return nil, unsafeAddress(errUnsafe)
	}
	if err := t.isLegal(ctx, value); err != nil {
		return nil, err
	}
	if t.write.add != nil {
		return nil, t.writeInSteps(ctx, record, value)
	}
	f := t.fillings(record, value)
	header, err := t.named(record, f)
	if err != nil {
		return nil, err
	}
	answer, err := t.send(ctx, &t.write.step, header, f)
	if err != nil {
		return nil, err
	}
	shown, err := t.shown(record.ID, answer)
	if err != nil { // it may well have been done
		return nil, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectUnknown, Status: answer.Status,
			Detail: "the answer to the write does not fit the configuration: " + err.Error(), Err: err}
	}
	return shown, nil
}

// named puts what was read into the condition of a write. A write without its
// condition could land on a person's newer edit, which is what the condition was
// written to prevent.
func (t target) named(record status.TargetRecord, f *filling) (http.Header, error) {
	w := t.write
	header := http.Header{}
	by := cmp.Or(w.ifMatch, w.unmodified, w.version)
	if by != nil && record.Revision == "" {
		return nil, misconfigured(misfit{by.path, "the record that was read has no revision to send, so nothing was written"})
	}
	switch {
	case w.ifMatch != nil:
		header.Set("If-Match", record.Revision)
	case w.unmodified != nil:
		header.Set("If-Unmodified-Since", record.Revision)
	case w.version != nil:
		v, err := revisionOf(record.Revision)
		if err != nil {
			return nil, misconfigured(misfit{by.path, "the revision that was read cannot be sent"})
		}
		f.set(phRevision, v)
	}
	if slices.Contains(w.needs, phUpdatedAt) {
		if record.EditedAt.IsZero() {
			return nil, misconfigured(misfit{"record.updated_at", "the record that was read has no time to send, so nothing was written"})
		}
		f.texts[phUpdatedAt] = record.EditedAt.UTC().Format(time.RFC3339Nano)
	}
	return header, nil
}

// revision evaluates what a conditional write names. A version keeps its type:
// it is the JSON text of what the tool gave.
func (w *writing) revision(vars map[string]any) (string, error) {
	switch {
	case w == nil:
		return "", nil
	case w.unmodified != nil:
		v, err := w.unmodified.eval(vars)
		if err != nil {
			return "", err
		}
		if text, ok := v.(string); ok {
			if _, err := http.ParseTime(text); err == nil {
				return text, nil
			}
		}
		at, ok := readTime(v)
		if !ok {
			return "", misfit{w.unmodified.path, "the value is not a valid time"}
		}
		if at.IsZero() {
			return "", nil
		}
		return at.Format(http.TimeFormat), nil
	case w.version != nil:
		text, ok, err := w.version.text(vars)
		if err != nil || !ok || text == "" {
			return "", err
		}
		if v, err := w.version.eval(vars); err == nil {
			if _, isText := v.(string); !isText {
				return text, nil
			}
		}
		return strconv.Quote(text), nil
	}
	text, _, err := w.ifMatch.text(vars)
	return text, err
}

// revisionOf reads what revision wrote.
func revisionOf(text string) (any, error) {
	if strings.HasPrefix(text, `"`) {
		return strconv.Unquote(text)
	}
	if text == "true" || text == "false" {
		return text == "true", nil
	}
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole, nil
	}
	return strconv.ParseFloat(text, 64)
}

// send makes one call of a write.
func (t target) send(ctx context.Context, s *step, header http.Header, f *filling) (rest.Response, error) {
	path, err := s.path.expand(f.texts)
	if err != nil {
		return rest.Response{}, unsafeAddress(errUnsafe)
	}
	req := rest.Request{Method: s.method, Path: path, Header: header, Write: true, Judge: t.judge(f.texts, true)}
	switch {
	case s.body == nil:
	case s.form:
		req.Body, req.ContentType = fillForm(s.body, f), contentForm
	default:
		if req.Body, err = fillBody(s.body, f); err != nil {
			return rest.Response{}, misconfigured(err)
		}
		req.ContentType = "application/json"
	}
	answer, err := t.call(ctx, req)
	if err != nil {
		return rest.Response{}, err
	}
	if len(answer.Body) > 0 && answer.JSON() && !json.Valid(answer.Body) {
		return rest.Response{}, &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Status: answer.Status,
			Detail: "the answer to the write is labeled JSON and is not valid JSON: it was cut off, or something else answered"}
	}
	return answer, nil
}

const contentForm = "application/x-www-form-urlencoded"

// fillForm makes the form of a body template, whose values are no lists.
func fillForm(body any, f *filling) []byte {
	form := url.Values{}
	fields, _ := body.(map[string]any)
	for name, v := range fields {
		if text, ok := v.(string); ok {
			form.Set(name, fill(text, f.texts, func(s string) string { return s }))
			continue
		}
		text := ""
		if v != nil {
			text = fmt.Sprint(v)
		}
		form.Set(name, text)
	}
	return []byte(form.Encode())
}

// writeInSteps adds the new word and then removes the old ones. Between the calls
// the record has both, which is no status that anybody maps: if the second call
// fails, nothing is lost, and the next look shows both. The record is read once
// more before, so that a word that somebody set meanwhile is not taken away unseen.
func (t target) writeInSteps(ctx context.Context, record status.TargetRecord, value string) error {
	now, err := t.Read(ctx, record.ID)
	if err != nil {
		f := *connector.FailureOf(err)
		f.Effect = connector.EffectNone
		return &f
	}
	if now.Value != record.Value {
		return &connector.Failure{Kind: connector.Moved, Effect: connector.EffectNone, Detail: "the record changed between reading and writing"}
	}
	has := t.ours(now.Value)
	written := false
	call := func(s *step, value, previous string) error {
		_, err := t.send(ctx, s, http.Header{}, t.fillings(status.TargetRecord{ID: record.ID, Value: previous}, value))
		if err != nil && written {
			f := *connector.FailureOf(err)
			f.Effect = connector.EffectUnknown // an earlier call has changed something
			return &f
		}
		written = err == nil || written
		return err
	}
	if !slices.Contains(has, value) {
		if err := call(t.write.add, value, value); err != nil {
			return err
		}
	}
	for _, old := range has {
		if old == value {
			continue
		}
		if err := call(t.write.remove, value, old); err != nil {
			return err
		}
	}
	return nil
}

// ours are the words in a value that the sync may take away again.
func (t target) ours(value string) []string {
	return slices.DeleteFunc(strings.Split(value, joined), func(word string) bool { return word == "" || !slices.Contains(t.use.Values, word) })
}

// inSteps is a target whose write is several calls.
type inSteps struct{ target }

// Between implements connector.Stepwise: after its first call a record has the
// new word beside the old ones.
func (t inSteps) Between(prior, value string) []string {
	if prior == "" {
		return nil
	}
	half := strings.Split(prior, joined)
	var all []string
	if !slices.Contains(half, value) {
		half = append(half, value)
	}
	// Each further call takes one of the old words away.
	for {
		slices.Sort(half)
		if text := strings.Join(half, joined); text != prior && text != value {
			all = append(all, text)
		}
		i := slices.IndexFunc(half, func(word string) bool { return word != value })
		if i < 0 || len(half) == 1 {
			return all
		}
		half = slices.Delete(half, i, i+1)
	}
}
