package index

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// folder is where the temporary files are. SQLite asks for it once.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "listed"); err == nil {
		err = os.Setenv("SQLITE_TMPDIR", folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

var (
	first  = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	second = first.Add(time.Minute)
)

func mail(address string) map[string]string { return map[string]string{"email": address} }

// filled is an index of some pages, and of customers whom the source does not list.
func filled(t *testing.T, pages []store.SweepPage, customers ...string) *Index {
	t.Helper()
	x, err := fill(t, pages, customers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func fill(t *testing.T, pages []store.SweepPage, customers ...string) (*Index, error) {
	x, err := Open(t.Context(), identity.Normalize)
	for _, p := range pages {
		if err == nil {
			err = x.Add(t.Context(), p)
		}
	}
	if err == nil {
		err = x.AddCustomers(t.Context(), customers)
	}
	if err == nil {
		err = x.Sort(t.Context())
	}
	return x, err
}

// same compares an answer with what is wanted.
func same[T any](t *testing.T, what string, want T) func(got T, err error) {
	return func(got T, err error) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %s %v", what, d, err)
		}
	}
}

func TestARecordIsGivenAsItWasRead(t *testing.T) {
	source := status.SourceRecord{ID: "cus_1", Value: "active", ValueAt: first, UpdatedAt: second, Keys: mail("a@example.com")}
	none := status.SourceRecord{ID: "cus_2", NoStatus: true, Keys: map[string]string{}}
	target := status.TargetRecord{ID: "rec_1", Value: "Active", EditedAt: first, FieldTime: true, Actor: status.ActorHuman, By: "ann", Revision: "7", Keys: mail("a@example.com")}
	x := filled(t, []store.SweepPage{{ReadAt: first, Sources: []status.SourceRecord{source, none}}, {ReadAt: second, Targets: []status.TargetRecord{target}}})
	same(t, "the source", map[string]Source{"cus_1": {source, first}, "cus_2": {none, first}})(x.Sources(t.Context(), []string{"cus_1", "cus_2", "cus_3"}))
	same(t, "the target", map[string]Target{"rec_1": {target, second}})(x.Targets(t.Context(), []string{"rec_1", "rec_1", "rec_2"}))
	same(t, "nobody", map[string]Target{})(x.Targets(t.Context(), nil))
}

func TestOfARecordThatCameTwiceTheLaterCountsWithItsKeys(t *testing.T) {
	before := status.TargetRecord{ID: "rec_1", Value: "Active", Keys: mail("old@example.com")}
	after := status.TargetRecord{ID: "rec_1", Value: "Paused", Keys: mail("new@example.com")}
	was, is := status.SourceRecord{ID: "cus_1", Value: "active", Keys: mail("a@b.c")}, status.SourceRecord{ID: "cus_1", Value: "paused", Keys: mail("a@b.c")}
	x := filled(t, []store.SweepPage{{ReadAt: first, Sources: []status.SourceRecord{was}}, {ReadAt: second, Sources: []status.SourceRecord{is}},
		{ReadAt: first, Targets: []status.TargetRecord{before}}, {ReadAt: second, Targets: []status.TargetRecord{after}}})
	same(t, "the source", map[string]Source{"cus_1": {is, second}})(x.Sources(t.Context(), []string{"cus_1"}))
	same(t, "the target", map[string]Target{"rec_1": {after, second}})(x.Targets(t.Context(), []string{"rec_1"}))
	same(t, "the keys", map[string][]string{"new@example.com": {"rec_1"}})(x.Under(t.Context(), "email", []string{"old@example.com", "new@example.com"}))
	if sources, targets, untaken, err := x.Figures(t.Context()); sources != 1 || targets != 1 || untaken != 1 || err != nil {
		t.Errorf("the figures are %d, %d and %d, %v", sources, targets, untaken, err)
	}
	same(t, "the words", []store.Word{{Side: store.TargetSide, Value: "Paused", Customers: 1}})(x.Words(t.Context(), store.TargetSide))
}

func TestRecordsAreFoundByTheirNormalizedKeys(t *testing.T) {
	var targets []status.TargetRecord
	for i, address := range []string{"Jane@Example.com ", "jane@example.com", "bob@example.com", ""} {
		targets = append(targets, status.TargetRecord{ID: fmt.Sprint("rec_", 4-i), Keys: map[string]string{"email": address, "phone": "jane@example.com"}})
	}
	x := filled(t, []store.SweepPage{{ReadAt: first, Targets: targets}})
	same(t, "two of one address", map[string][]string{"jane@example.com": {"rec_3", "rec_4"}, "bob@example.com": {"rec_2"}})(
		x.Under(t.Context(), "email", []string{"jane@example.com", "bob@example.com", "jane@example.com", "ann@example.com"}))
}

func TestCustomersComeInTheOrderOfTheirBytes(t *testing.T) {
	var sources []status.SourceRecord
	for _, id := range []string{"b", "Z", "ä", "a", "c"} {
		sources = append(sources, status.SourceRecord{ID: id})
	}
	x := filled(t, []store.SweepPage{{ReadAt: first, Sources: sources}}, "d", "a", "Y")
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		some, err := x.Customers(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		got = append(got, some...)
	}
	if want := []string{"Y", "Z", "a", "b", "c", "d", "ä"}; !slices.Equal(got, want) {
		t.Errorf("they are %v", got)
	}
}

func TestWhatTheMatchRulesTookIsSomebodys(t *testing.T) {
	var targets []status.TargetRecord
	for i := range 5 {
		targets = append(targets, status.TargetRecord{ID: fmt.Sprint("rec_", i)})
	}
	x := filled(t, []store.SweepPage{{ReadAt: first, Targets: targets}, {Taken: []store.Taken{{TargetID: "rec_0", Customer: "cus_0"}}}})
	if err := x.Take(t.Context(), []store.Taken{{TargetID: "rec_1", Customer: "cus_1"}, {TargetID: "rec_9", Customer: "cus_9"}}); err != nil {
		t.Fatal(err)
	}
	same(t, "the owners", map[string]string{"rec_0": "cus_0", "rec_1": "cus_1", "rec_9": "cus_9"})(x.Owners(t.Context(), []string{"rec_0", "rec_1", "rec_2", "rec_9"}))
	if _, _, untaken, err := x.Figures(t.Context()); untaken != 3 || err != nil {
		t.Errorf("nobody's are %d, %v", untaken, err)
	}
	same(t, "of those with a link", 2)(x.Untaken(t.Context(), []string{"rec_0", "rec_1", "rec_2", "rec_3", "rec_7"}))
}

func TestTheWordsOfMostCustomersComeFirst(t *testing.T) {
	var sources []status.SourceRecord
	for i, value := range []string{"paused", "active", "active", "", "canceled"} {
		sources = append(sources, status.SourceRecord{ID: fmt.Sprint("cus_", i), Value: value, NoStatus: value == ""})
	}
	x := filled(t, []store.SweepPage{{ReadAt: first, Sources: sources}})
	same(t, "the words", []store.Word{{Side: store.SourceSide, Value: "active", Customers: 2}, {Side: store.SourceSide, Value: "canceled", Customers: 1},
		{Side: store.SourceSide, Value: "paused", Customers: 1}})(x.Words(t.Context(), store.SourceSide))
}

// big is more than fits into the cache.
func big() (pages []store.SweepPage) {
	const records = 200_000
	for n := 0; n < records; n += 1000 {
		p := store.SweepPage{ReadAt: first}
		for i := n; i < n+1000; i++ {
			i := i * 7919 % records
			p.Sources = append(p.Sources, status.SourceRecord{ID: fmt.Sprintf("cus_%06d", i), Value: strings.Repeat("x", 100), Keys: mail(fmt.Sprintf("customer.%06d@example.com", i))})
		}
		pages = append(pages, p)
	}
	return pages
}

// What is in the file is personal data.
func TestTheFileHasNoName(t *testing.T) {
	files := func() (n int) {
		all, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range all {
			if to, err := os.Readlink(name); err == nil && strings.HasPrefix(to, folder) {
				n++
			}
		}
		return n
	}
	x, err := fill(t, big())
	if err != nil {
		t.Fatal(err)
	}
	if n := files(); n == 0 && runtime.GOOS == "linux" {
		t.Error("it is not in the folder that SQLITE_TMPDIR names, or all of it is in memory")
	}
	if entries, err := os.ReadDir(folder); len(entries) > 0 || err != nil {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	same(t, "one of the last", 1)(func() (int, error) {
		found, err := x.Sources(t.Context(), []string{"cus_199999"})
		return len(found), err
	}())
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if n := files(); n != 0 {
		t.Errorf("%d files are open after it was closed", n)
	}
}

func TestAFolderWithoutRoomIsToldWithWhatToDo(t *testing.T) {
	x, err := Open(t.Context(), identity.Normalize)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if _, err := x.conn.ExecContext(t.Context(), "pragma max_page_count = 50"); err != nil {
		t.Fatal(err)
	}
	for _, p := range big() {
		if err = x.Add(t.Context(), p); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "free some space there, or set SQLITE_TMPDIR to a folder with room; then start the comparison again") {
		t.Errorf("it is told %v", err)
	}
}
