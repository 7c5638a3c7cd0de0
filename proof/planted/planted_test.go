package planted

import "testing"

func TestEachBugFindsItsPlace(t *testing.T) {
	if _, err := Overlay("../..", t.TempDir()); err != nil {
		t.Error(err)
	}
	names := map[string]bool{}
	for _, b := range Bugs {
		if names[b.Name] {
			t.Errorf("two bugs are called %s", b.Name)
		}
		names[b.Name] = true
	}
	const least = 40
	if len(Bugs) < least {
		t.Errorf("there are %d bugs, %d are the least", len(Bugs), least)
	}
}
