package sim

// command starts one of the program's commands: a process of its own, which
// somebody can kill. It is over when body returns.
func (w *world) command(again func(), body func(*node, *task)) *node {
	n := newNode(w, len(w.nodes)+len(w.commands))
	n.up, n.tryAt, n.again = true, -1, func() {
		if w.set.takesBack { // it is not there to do so by itself
			w.takeBack(n.process, "crash")
		}
		again()
	}
	w.commands = append(w.commands, n)
	n.enter()
	w.begin(n, false, func(t *task) {
		body(n, t)
		n.up = n.up && t.dead
	})
	return n
}

// elsewhere lets goroutines of the product's own do a task's work, one at a time.
// What they give way for passes here, where the coroutine is.
func (t *task) elsewhere(do func()) {
	asked, passed, over := make(chan int64), make(chan bool), make(chan struct{})
	pass := t.yield
	t.yield = func(ms int64) bool {
		asked <- ms
		return <-passed
	}
	defer func() { t.yield = pass }()
	go func() {
		defer close(over)
		do()
	}()
	for {
		select {
		case ms := <-asked:
			passed <- pass(ms)
		case <-over:
			return
		}
	}
}
