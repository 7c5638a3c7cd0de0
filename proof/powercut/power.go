package powercut

import (
	"math/rand/v2"
	"slices"
)

// Mode is what a power cut does to what was not synced.
type Mode int

// The modes.
const (
	// Loses: nothing of it is there.
	Loses Mode = iota
	// Keeps: all of it is there.
	Keeps
	// Reorders: some of it is there, whatever came first.
	Reorders
	// Tears: of what is there, some sectors are old, empty or garbage.
	Tears
)

// Modes are all modes.
var Modes = []Mode{Loses, Keeps, Reorders, Tears}

func (m Mode) String() string { return []string{"loses", "keeps", "reorders", "tears"}[m] }

const sector = 512

// PowerOn returns the disk as the next start finds it. The old one stays as it
// is, and can be asked again with another mode.
func (d *Disk) PowerOn(mode Mode, chance *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := NewDisk(d.dir)
	next.Lies = d.Lies
	names := map[string]*node{}
	for name, n := range d.durable {
		names[name] = n
	}
	for _, n := range d.names {
		if mode.keeps(chance) {
			n.in(names)
		}
	}
	for _, name := range sorted(names) { // one order, for one use of chance
		content := names[name].after(mode, chance)
		n := &node{now: content, platter: slices.Clone(content)}
		next.files[name], next.durable[name] = n, n
	}
	return next
}

// keeps chooses whether an unsynced change is there.
func (m Mode) keeps(chance *rand.Rand) bool {
	return m == Keeps || m != Loses && chance.IntN(2) == 0
}

// after is the content of the file after a cut.
func (n *node) after(mode Mode, chance *rand.Rand) []byte {
	content := slices.Clone(n.platter)
	for _, c := range n.pending {
		switch {
		case !mode.keeps(chance):
		case mode == Tears && !c.truncate && chance.IntN(2) == 0:
			for _, piece := range c.torn(chance) {
				content = piece.on(content)
			}
		default:
			content = c.on(content)
		}
	}
	return content
}

// torn cuts a write at the sectors' borders and returns what arrives of it.
func (c change) torn(chance *rand.Rand) []change {
	var pieces []change
	for from := c.at; from < c.at+int64(len(c.data)); {
		to := min((from/sector+1)*sector, c.at+int64(len(c.data)))
		piece := change{at: from, data: slices.Clone(c.data[from-c.at : to-c.at])}
		switch chance.IntN(6) {
		case 0, 1: // it stays as it was
			from = to
			continue
		case 2:
			clear(piece.data)
		case 3:
			for i := range piece.data {
				piece.data[i] = byte(chance.Uint32())
			}
		}
		pieces = append(pieces, piece)
		from = to
	}
	return pieces
}

func sorted(names map[string]*node) []string {
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
