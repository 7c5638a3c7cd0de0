package connector

import (
	"fmt"
	"testing"
)

func TestAListThatComesBackToAPageIsACircleAndNoOtherIs(t *testing.T) {
	for _, tt := range []struct {
		name         string
		before, size int // pages before the circle, and in it; 0 is none
	}{
		{"a page that names itself", 0, 1},
		{"a, b, a", 0, 2},
		{"a circle of three that is entered late", 7, 3},
		{"a long one", 100, 500},
		{"a list that ends", 5000, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c Circle
			found := false
			pages := tt.before
			if tt.size > 0 {
				pages = tt.before + 4*(tt.before+tt.size) + 4
			}
			for n := 0; n < pages && !found; n++ {
				at := n
				if tt.size > 0 && n >= tt.before {
					at = tt.before + (n-tt.before)%tt.size
				}
				cursor := ""
				if at > 0 {
					cursor = fmt.Sprint(at)
				}
				found = c.Turn(cursor)
			}
			if found != (tt.size > 0) {
				t.Errorf("found %v after %d pages", found, pages)
			}
		})
	}
}
