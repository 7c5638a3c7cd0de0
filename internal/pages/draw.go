package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
)

// What is drawn is computed here: a browser draws the points that it is given.

// curve is the agreement over time, in a box of 600 by 100.
type curve struct {
	Points string
	// Last and Dip are where the latest and the lowest point are; Dip is nil where it
	// is the latest.
	Last Mark
	Dip  *Mark
	// Days is how long the curve is; Short that it is within one day. Y is what its lines
	// stand for from the top.
	Days     int
	Short    bool
	Y        []string
	From     time.Time
	Middle   time.Time
	Now      float64
	Lowest   float64
	LowestAt time.Time
	Cause    string // of the dip, "" when no single one explains it
}

// Mark is a point of a drawing.
type Mark struct {
	X, Y string
	At   time.Time
	Of   float64
}

// bottoms are what the lowest line of a curve can stand for.
var bottoms = []float64{98, 95, 90, 85, 80, 70, 60, 40, 20, 0}

// curveOf draws a curve, nil where there are not two points.
func curveOf(points []contract.CurvePoint, now time.Time, target string) *curve {
	if len(points) < 2 {
		return nil
	}
	first, lowest := *points[0].At, points[0]
	for _, p := range points {
		if p.Agreement < lowest.Agreement {
			lowest = p
		}
	}
	bottom := 0.0
	for _, b := range bottoms {
		if b <= lowest.Agreement*100 {
			bottom = b
			break
		}
	}
	span := max(now.Sub(first), time.Second)
	mark := func(p contract.CurvePoint) Mark {
		return Mark{X: fmt.Sprintf("%.1f", 600*float64(p.At.Sub(first))/float64(span)), Y: fmt.Sprintf("%.1f", 100*(100-p.Agreement*100)/(100-bottom)), At: *p.At, Of: p.Agreement}
	}
	latest := points[len(points)-1]
	c := &curve{Last: mark(latest), Days: max(1, int((span+12*time.Hour)/(24*time.Hour))), Short: span < 24*time.Hour, From: first, Middle: first.Add(span / 2), Now: latest.Agreement,
		Lowest: lowest.Agreement, LowestAt: *lowest.At, Y: []string{"100%", share(100 - (100-bottom)/2), share(bottom)}}
	var all []string
	for _, p := range points {
		m := mark(p)
		all = append(all, m.X+","+m.Y)
	}
	c.Points = strings.Join(append(all, "600,"+c.Last.Y), " ")
	c.Last.X = "600"
	if lowest.Agreement < latest.Agreement {
		dip := mark(lowest)
		c.Dip, c.Cause = &dip, causeOf(lowest.Drift, target)
	}
	return c
}

func share(percent float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", percent), ".0") + "%"
}

// causeOf names what made two sides drift apart, where it is one thing.
func causeOf(d contract.Drift, target string) string {
	causes := map[string]int{"changes that no event told of": d.LostEvent, "edits in " + capital(target): d.EditOutside, "deleted records": d.DeletedRecord, "values without a meaning": d.Vocabulary}
	found, all := "", 0
	for cause, n := range causes {
		if n > 0 {
			found, all = cause, all+1
		}
	}
	if all != 1 {
		return ""
	}
	return found
}

// bar is one of a row of bars, in a box of 240 by 24.
type bar struct{ X, Y, Height, Class string }

// bars draws the events of each hour.
func bars(hours []int) []bar {
	most := 1
	for _, n := range hours {
		most = max(most, n)
	}
	var all []bar
	for i, n := range hours {
		height := max(1.5, 24*float64(n)/float64(most))
		b := bar{X: fmt.Sprint(1 + 10*i), Y: fmt.Sprintf("%.1f", 24-height), Height: fmt.Sprintf("%.1f", height)}
		switch {
		case n == 0:
			b.Class = "no"
		case i == len(hours)-1:
			b.Class = "now"
		}
		all = append(all, b)
	}
	return all
}

// piece is a part of a bar that is 100 wide.
type piece struct{ X, Width, Class string }

// pieces divides a bar in proportion.
func pieces(parts ...int) []piece {
	total, from := 0, 0.0
	for _, n := range parts {
		total += n
	}
	var all []piece
	for i, n := range parts {
		if n == 0 || total == 0 {
			continue
		}
		width := 100 * float64(n) / float64(total)
		all = append(all, piece{fmt.Sprintf("%.1f", from), fmt.Sprintf("%.1f", width), fmt.Sprint("b", i+1)})
		from += width
	}
	return all
}

// rhythm says how often a source is usually heard.
func rhythm(r *contract.Rhythm) string {
	if r == nil {
		return ""
	}
	low, high := seconds(r.Quarter), seconds(r.ThreeQuarters)
	a, b := length(low), length(high)
	if a == b {
		return "usually every " + a
	}
	number, unit, _ := strings.Cut(a, " ")
	if _, other, _ := strings.Cut(b, " "); strings.TrimSuffix(unit, "s") == strings.TrimSuffix(other, "s") {
		a = number
	}
	return "usually every " + a + " to " + b
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
