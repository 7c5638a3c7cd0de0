package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/contract"
)

// The picture of agreement over time, in its own units.
const (
	curveWidth, curveHeight = 600.0, 120.0
	curveMargin             = 6.0
)

// Curve is agreement over time, from left to right, as a picture.
type Curve struct {
	Points string // of an SVG polyline
	Dots   []Dot
	Lowest float64 // the share at the bottom; the top is 1
}

// Dot is one comparison in it.
type Dot struct {
	X, Y  string
	Sweep contract.Sweep
}

// curve draws comparisons, given newest first, except those without customers.
// A single one makes no curve.
func curve(sweeps []contract.Sweep) *Curve {
	sweeps = slices.DeleteFunc(slices.Clone(sweeps), func(s contract.Sweep) bool { return s.Agreement == nil })
	if len(sweeps) < 2 {
		return nil
	}
	c := &Curve{Lowest: 1}
	for _, s := range sweeps {
		c.Lowest = min(c.Lowest, *s.Agreement)
	}
	// The picture starts at the lowest share, so that 98 and 99 percent look
	// different.
	c.Lowest = float64(int(c.Lowest*20)) / 20
	if c.Lowest == 1 {
		c.Lowest = 0.95
	}
	first, last := *sweeps[len(sweeps)-1].At, *sweeps[0].At
	var points []string
	for _, s := range slices.Backward(sweeps) {
		across := 1.0
		if span := last.Sub(first); span > 0 {
			across = float64(s.At.Sub(first)) / float64(span)
		}
		up := (*s.Agreement - c.Lowest) / (1 - c.Lowest)
		x := fmt.Sprintf("%.1f", curveMargin+across*(curveWidth-2*curveMargin))
		y := fmt.Sprintf("%.1f", curveHeight-curveMargin-up*(curveHeight-2*curveMargin))
		points = append(points, x+","+y)
		c.Dots = append(c.Dots, Dot{X: x, Y: y, Sweep: s})
	}
	c.Points = strings.Join(points, " ")
	return c
}
