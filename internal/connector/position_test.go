package connector

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func positionAt(t *testing.T, cursor string, now time.Time) *Position {
	t.Helper()
	p, err := PositionAt(cursor, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// on stores the position after a page and reads it back.
func on(t *testing.T, p *Position, next, page string, now time.Time) *Position {
	t.Helper()
	if err := p.Turned(next, page); err != nil {
		t.Fatal(err)
	}
	return positionAt(t, p.String(), now)
}

func TestAPositionIsKeptFromPageToPage(t *testing.T) {
	p := positionAt(t, noon.Add(-time.Hour).Format(time.RFC3339Nano), noon)
	p.Of("list a")
	if !p.Meets(noon.Add(-time.Minute)) || p.Meets(noon.Add(-2*time.Hour)) {
		t.Error("what changed before the position is new, or what changed after it is not")
	}
	p = on(t, p, "b", "1", noon)
	p.Of("list a")
	w := p.Walk()
	if w.Cursor != "b" || w.Pages != 1 || !w.Read || !w.Dated || !w.From.Equal(noon.Add(-time.Hour)) {
		t.Errorf("the second page is asked for with %+v", w)
	}
	if got, want := p.Next(), noon.Add(-time.Minute).Format(time.RFC3339Nano); got != want {
		t.Errorf("the position moves on to %s, want %s", got, want)
	}
}

// The page on which a record stands may have been read before it changed: the
// position is never later than the moment at which the walk began.
func TestThePositionIsNoLaterThanTheBeginningOfALongWalk(t *testing.T) {
	for name, behind := range map[string]time.Duration{"whose clock is ours": 0, "whose clock is a day behind": 24 * time.Hour, "whose clock is a day ahead": -24 * time.Hour} {
		t.Run("of a tool "+name, func(t *testing.T) {
			p := positionAt(t, noon.Add(-48*time.Hour-behind).Format(time.RFC3339Nano), noon)
			p.Meets(noon.Add(-time.Hour - behind))
			now := noon.Add(3 * time.Hour)
			p = on(t, p, "b", "1", now)
			p.Meets(now.Add(-time.Minute - behind)) // by the tool's clock
			next, err := time.Parse(time.RFC3339Nano, p.Next())
			if began := noon.Add(-behind); err != nil || next.After(began) {
				t.Errorf("the position is %s, and the walk began at %s by the tool's clock", next, began)
			}
		})
	}
}

func TestACursorOfAnotherListBeginsTheWalkAnew(t *testing.T) {
	p := positionAt(t, noon.Format(time.RFC3339Nano), noon)
	p.Of("list a")
	p = on(t, p, "b", "1", noon)
	p.Of("list b")
	if w := p.Walk(); w.Cursor != "" || w.Pages != 0 || !w.From.Equal(noon) {
		t.Errorf("it goes on with %+v", w)
	}
}

func TestAWalkThatCannotGoOnBeginsAnewFromTheSamePosition(t *testing.T) {
	p := on(t, positionAt(t, noon.Format(time.RFC3339Nano), noon.Add(time.Hour)), "b", "1", noon)
	if again, ok := Anew(p.String()); !ok || again != noon.Format(time.RFC3339Nano) {
		t.Errorf("got %q, %t", again, ok)
	}
	first := on(t, positionAt(t, "", noon), "b", "1", noon)
	if again, ok := Anew(first.String()); !ok || again != "" || !first.First() {
		t.Errorf("the first walk: got %q, %t", again, ok)
	}
	for _, idle := range []string{"", noon.Format(time.RFC3339Nano), "evt_1", `{"from":"2026-03-01T12:00:00Z"}`} {
		if again, ok := Anew(idle); ok {
			t.Errorf("%q is on no walk, and begins anew with %q", idle, again)
		}
	}
}

func TestAWalkWithoutAnEndIsAFaultAlsoOverRestarts(t *testing.T) {
	for name, test := range map[string]struct {
		cursor func(page int) (next, digest string)
		most   int
	}{
		"a circle of three":          {func(n int) (string, string) { return string("abc"[n%3]), strconv.Itoa(n) }, 20},
		"the same cursor again":      {func(int) (string, string) { return "a", "" }, 3},
		"the same page again":        {func(n int) (string, string) { return strconv.Itoa(n), "same" }, 3},
		"empty pages in a circle":    {func(n int) (string, string) { return string("ab"[n%2]), "" }, 20},
		"a cursor back to the first": {func(n int) (string, string) { return []string{"2", "3", "1"}[n%3], strconv.Itoa(n) }, 20},
	} {
		t.Run(name, func(t *testing.T) {
			cursor := noon.Format(time.RFC3339Nano)
			for n := range test.most {
				p := positionAt(t, cursor, noon)
				if err := p.Turned(test.cursor(n)); err != nil {
					if f := FailureOf(err); !f.Anew || f.Kind != Misconfigured {
						t.Errorf("it fails with %+v", f)
					}
					return
				}
				cursor = p.String()
			}
			t.Errorf("it goes on after %d pages", test.most)
		})
	}
	p := positionAt(t, noon.Format(time.RFC3339Nano), noon)
	p.walk.Pages = maxPages - 1
	if err := p.Turned("x", "y"); err == nil || !strings.Contains(err.Error(), "did not end after a million pages") {
		t.Errorf("a million pages: %v", err)
	}
}

func TestAPositionAheadOfOurClockHidesNothing(t *testing.T) {
	p := positionAt(t, noon.Add(24*time.Hour).Format(time.RFC3339Nano), noon)
	if !p.Meets(noon.Add(-time.Minute)) {
		t.Error("a change of now is not new")
	}
}

// FuzzPosition guards that no stored cursor breaks the poll: it is read, and what
// becomes of it can be read again, or it is refused.
func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "2026-03-01T12:00:00Z", "evt_1", "{", `{"began":"2026-03-01T12:00:00Z","pages":3,"cursor":"x"}`,
		`{"began":"2026-03-01T12:00:00Z","from":"0001-01-01T00:00:00Z","newest":"9999-12-31T23:59:59Z","pages":-1,"cursor":"x","circle":{"marked":"x","lap":-4}}`} {
		f.Add(s, "next")
	}
	f.Fuzz(func(t *testing.T, cursor, next string) {
		p, err := PositionAt(cursor, noon)
		if err != nil {
			return
		}
		p.Meets(noon.Add(-time.Minute))
		if err := p.Turned(next, "page"); err == nil {
			again, err := PositionAt(p.String(), noon)
			if err != nil || again.First() != p.First() || again.Walk().Pages != p.Walk().Pages {
				t.Fatalf("%q becomes %q, which reads as %+v, %v", cursor, p.String(), again, err)
			}
		}
		if _, err := PositionAt(p.Next(), noon); err != nil {
			t.Fatalf("%q ends at %q: %v", cursor, p.Next(), err)
		}
	})
}
