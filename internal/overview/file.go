package overview

import (
	"fmt"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// OfFile describes the file that a process runs on, when the one on disk cannot be
// used; "" when it runs on that. Without detail it shows where the first fault is
// and not what, so that any caller may see it.
func OfFile(f store.NodeFile, detail bool) string {
	if len(f.Faults) == 0 {
		return ""
	}
	first := f.Faults[0]
	text := ""
	if first.Line > 0 {
		text = fmt.Sprintf(": line %d", first.Line)
	}
	if detail || first.Path != "" {
		text += ": " + first.Path
	}
	if detail {
		if first.Path != "" {
			text += ": "
		}
		text += first.Text
		if more := len(f.Faults) - 1; more > 0 {
			text += fmt.Sprintf("; and %d more, see trueup check", more)
		}
	}
	return fmt.Sprintf("running with the file read at %s; the one on disk has %s%s", f.ReadAt.UTC().Format("2006-01-02 15:04:05Z"), status.Plural(len(f.Faults), "fault"), text)
}

// Differing returns the names of the working processes that run on another file
// than most of them, or than the first where there is no most.
func Differing(nodes []store.Node, working func(store.Node) bool) map[string]bool {
	counts, most := map[string]int{}, ""
	for _, n := range nodes {
		if n.File.Hash == "" || !working(n) {
			continue
		}
		if counts[n.File.Hash]++; most == "" || counts[n.File.Hash] > counts[most] {
			most = n.File.Hash
		}
	}
	differ := map[string]bool{}
	for _, n := range nodes {
		if n.File.Hash != "" && working(n) && n.File.Hash != most {
			differ[n.Name] = true
		}
	}
	return differ
}
