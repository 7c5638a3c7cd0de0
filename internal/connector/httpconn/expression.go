package httpconn

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// The names an expression may use. Which of them it has depends on where it
// stands.
const (
	varBody    = "body"
	varEvent   = "event"
	varRecord  = "record"
	varHeaders = "headers"
	varCode    = "code"   // the status of an answer
	varAsked   = "asked"  // the id that a record was asked for with
	varCursor  = "cursor" // what a page was asked for with
)

// maxCost bounds one evaluation: enough to look at each of the events of the
// largest body we accept, not enough to keep a worker busy for seconds.
const maxCost = 3_000_000

// absent is the result of an expression that finds nothing: a missing key, a
// list that is too short, an empty optional, or null.
//
// noKey is set when a key is missing on the way, as a misspelt one would be.
type absent struct{ noKey bool }

// misfit is an expression that does not fit what it was given. Its text holds
// the expression's place in the configuration and nothing of the data.
type misfit struct{ path, problem string }

func (m misfit) Error() string { return m.path + ": " + m.problem }

// expression is one compiled expression. A nil one is always absent.
type expression struct {
	path    string
	program cel.Program
	result  *cel.Type // as far as is known without data
	// words and several are set for a status: what its values mean, and what is
	// made of a list of them.
	words   *vocabulary
	several *several
}

var baseEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(ext.Strings(), cel.OptionalTypes())
})

// envs are the environments by the variables that they declare. A few lists of
// them serve all expressions, and to make one takes as long as to compile with it.
var envs sync.Map // of *cel.Env

func envFor(vars []string) (*cel.Env, error) {
	names := strings.Join(vars, " ")
	if made, ok := envs.Load(names); ok {
		return made.(*cel.Env), nil
	}
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	var declared []cel.EnvOption
	for _, v := range vars {
		declared = append(declared, cel.Variable(v, cel.DynType))
	}
	env, err := base.Extend(declared...)
	if err != nil {
		return nil, err
	}
	made, _ := envs.LoadOrStore(names, env)
	return made.(*cel.Env), nil
}

// compileExpression compiles the text that stands at path for the variables it
// will have. The problem is "" when it compiles.
func compileExpression(path, text string, vars []string) (e *expression, problem string) {
	env, err := envFor(vars)
	if err != nil {
		return nil, "cannot be compiled: " + err.Error()
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Sprintf("is not a CEL expression that can be used here: %s, at character %d",
			strings.ReplaceAll(first.Message, "\n", " "), first.Location.Column()+1)
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost))
	if err != nil {
		return nil, "cannot be compiled: " + err.Error()
	}
	return &expression{path: path, program: program, result: ast.OutputType()}, ""
}

// eval returns a plain Go value (string, bool, int64, uint64, float64,
// time.Time, []any, map[string]any), absent{}, or a misfit.
func (e *expression) eval(vars map[string]any) (v any, err error) {
	if e == nil {
		return absent{}, nil
	}
	defer func() {
		if recover() != nil {
			v, err = nil, misfit{e.path, "the expression broke off"}
		}
	}()
	out, _, err := e.program.Eval(vars)
	if err != nil {
		return e.failed(err)
	}
	return e.plain(out, 0)
}

// failed reads CEL's error. Its text is not passed on: it can quote the data.
func (e *expression) failed(err error) (any, error) {
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "no such key"):
		return absent{noKey: true}, nil
	case strings.HasPrefix(text, "index out of bounds"):
		return absent{}, nil
	case strings.Contains(text, "strictjson.Ambiguous"):
		return nil, misfit{e.path, "the field is there twice, under names that differ only in letter case"}
	case strings.HasPrefix(text, "no such overload"):
		return nil, misfit{e.path, "the expression does not fit the type of the value (null, text, number, ...)"}
	case strings.Contains(text, "cost limit"):
		return nil, misfit{e.path, "the expression takes too much work"}
	}
	return nil, misfit{e.path, "the expression cannot be computed from what the tool sent"}
}

var errDeep = errors.New("nested too deeply")

// plain turns CEL's values into the ones the rest of the package works with.
// Values that came from JSON come out as they went in.
func (e *expression) plain(v ref.Val, depth int) (any, error) {
	if depth > 64 {
		return nil, misfit{e.path, errDeep.Error()}
	}
	switch t := v.(type) {
	case types.Null:
		return absent{}, nil
	case *types.Optional:
		if !t.HasValue() {
			return absent{}, nil
		}
		return e.plain(t.GetValue(), depth+1)
	case types.String, types.Bool, types.Int, types.Uint, types.Double:
		return v.Value(), nil
	case types.Timestamp:
		return t.Time, nil
	}
	switch native := v.Value().(type) {
	case map[string]any, []any:
		return native, nil
	case time.Time:
		return native, nil
	}
	switch t := v.(type) {
	case traits.Mapper:
		return e.plainMap(t, depth)
	case traits.Lister:
		out := []any{}
		for it := t.Iterator(); it.HasNext() == types.True; {
			item, err := e.plain(it.Next(), depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, orNil(item))
		}
		return out, nil
	}
	return nil, misfit{e.path, "the expression gives a " + v.Type().TypeName() + ", which cannot be used here"}
}

func (e *expression) plainMap(m traits.Mapper, depth int) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		key, ok := k.(types.String)
		if !ok {
			return nil, misfit{e.path, "the expression gives an object whose keys are not text"}
		}
		item, err := e.plain(m.Get(k), depth+1)
		if err != nil {
			return nil, err
		}
		out[string(key)] = orNil(item)
	}
	return out, nil
}

// orNil puts null back where it stands inside a list or an object.
func orNil(v any) any {
	if _, none := v.(absent); none {
		return nil
	}
	return v
}
