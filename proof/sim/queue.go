package sim

// queue is what will happen, the earliest first; of two at the same time, the
// one that was put in first.
type queue struct {
	entries []entry
	put     int
}

type entry struct {
	at int64
	n  int
	do func()
}

func (e *entry) before(f *entry) bool { return e.at < f.at || e.at == f.at && e.n < f.n }

// push and pop are those of a binary heap. container/heap calls by interfaces,
// which is a tenth of a history's time.
func (q *queue) push(at int64, do func()) {
	q.put++
	q.entries = append(q.entries, entry{at, q.put, do})
	h := q.entries
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *queue) pop() entry {
	h := q.entries
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], entry{}
	h = h[:last]
	q.entries = h
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && h[child].before(&h[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
