package sim

import "container/heap"

// queue is what will happen, the earliest first; of two at the same time, the
// one that was put in first.
type queue struct {
	entries entries
	put     int
}

type entry struct {
	at int64
	n  int
	do func()
}

func (q *queue) push(at int64, do func()) {
	q.put++
	heap.Push(&q.entries, &entry{at, q.put, do})
}

func (q *queue) pop() *entry { return heap.Pop(&q.entries).(*entry) }

// entries is the heap.
type entries []*entry

func (h entries) Len() int      { return len(h) }
func (h entries) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h entries) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].n < h[j].n
}
func (h *entries) Push(x any) { *h = append(*h, x.(*entry)) }
func (h *entries) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
