package sim

// Shrink leaves out steps of a failing case for as long as it still breaks the
// same invariant, run as before, and returns the smallest case it found.
func Shrink(r Result, o Options) (Result, error) {
	best := r
	better := func(c Case) (bool, error) {
		got, err := Run(c, o)
		if err != nil {
			return false, err
		}
		if got.Breach == nil || got.Breach.Number != r.Breach.Number {
			return false, nil
		}
		best = got
		return true, nil
	}
	for nodes := 1; nodes < 3; nodes++ {
		if ok, err := better(Case{Seed: r.Case.Seed, Without: r.Case.Without, Nodes: nodes}); err != nil {
			return Result{}, err
		} else if ok {
			break
		}
	}
	for chunk := len(best.Script); chunk >= 1; {
		shorter := false
		for from := 0; from < len(best.Script); from += chunk {
			c := best.Case
			c.Without = without(c.Without, from, min(from+chunk, len(best.Script)))
			if len(c.Without) == len(best.Case.Without) {
				continue // they are left out already
			}
			ok, err := better(c)
			if err != nil {
				return Result{}, err
			}
			shorter = shorter || ok
		}
		if !shorter || chunk > 1 {
			chunk /= 2
		}
	}
	o.Trace = true
	return Run(best.Case, o)
}

// without adds the numbers of a range to those that are left out.
func without(have []int, from, to int) []int {
	left := map[int]bool{}
	for _, n := range have {
		left[n] = true
	}
	all := append([]int(nil), have...)
	for n := from; n < to; n++ {
		if !left[n] {
			all = append(all, n)
		}
	}
	return all
}
