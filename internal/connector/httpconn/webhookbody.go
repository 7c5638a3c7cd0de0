package httpconn

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/strictjson"
)

const formType = "application/x-www-form-urlencoded"

// mostFields bounds the fields of a form.
const mostFields = 10_000

// decodeBody reads a webhook's body: JSON, or a form where the sender says so.
// Many programs call everything a form, so what looks like JSON is JSON.
func decodeBody(contentType string, body []byte) (any, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != formType || looksLikeJSON(body) {
		return strictjson.DecodeVariants(body)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, errors.New("the form is not in UTF-8")
	}
	return decodeForm(body)
}

func looksLikeJSON(body []byte) bool {
	start := bytes.TrimLeft(body, " \t\r\n")
	return len(start) > 0 && (start[0] == '{' || start[0] == '[')
}

// decodeForm reads a form into an object of texts. Names stay as they are, also
// contact[email]; a name that comes more than once has the list of its texts.
func decodeForm(body []byte) (any, error) {
	if len(body) == 0 {
		return nil, errors.New("empty body")
	}
	fields, n, at := map[string]any{}, 0, 0
	for pair := range bytes.SplitSeq(body, []byte("&")) {
		if n++; n > mostFields {
			return nil, fmt.Errorf("the form has more than %d fields", mostFields)
		}
		name, value, found := strings.Cut(string(pair), "=")
		name, badName := url.QueryUnescape(name)
		value, badValue := url.QueryUnescape(value)
		switch {
		case !found || name == "":
			return nil, fmt.Errorf("not a valid form at byte %d", at)
		case badName != nil || badValue != nil:
			return nil, fmt.Errorf("not a valid form at byte %d: a wrong escape", at)
		case !utf8.ValidString(name) || !utf8.ValidString(value):
			return nil, fmt.Errorf("invalid UTF-8 in the field at byte %d", at)
		}
		switch before := fields[name].(type) {
		case nil:
			fields[name] = value
		case string:
			fields[name] = []any{before, value}
		case []any:
			fields[name] = append(before, value)
		}
		at += len(pair) + 1
	}
	return fields, nil
}
