package linkfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"github.com/trueup-sync/trueup/internal/contract"
)

// Row is one link of a file.
type Row struct {
	Line             int
	Sync             string
	Customer, Target string
}

// Fault is a line that cannot be used.
type Fault struct {
	Line    int    `json:"line"`
	Problem string `json:"problem"`
}

func (f Fault) String() string { return fmt.Sprintf("line %d: %s", f.Line, f.Problem) }

// Content is what a file holds.
type Content struct {
	Columns Columns
	Rows    []Row
	// Invalid are lines without an id, or with one that is none.
	Invalid []Fault
	// Double are lines that give a customer a second record, or a record a second
	// customer. Which of them is right is for a person to say.
	Double []Fault
	// Repeats are how many lines say once more what another one says.
	Repeats int
}

// Read reads a file. sync is the one of the rows where the file has no such column.
func Read(raw []byte, n Names, tools func(sync string) Tools, sync string) (Content, error) {
	text, err := Decode(raw)
	if err != nil {
		return Content{}, err
	}
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.FieldsPerRecord = separator(text), -1
	// A quote inside of a cell is part of it, as spreadsheets read it.
	in.LazyQuotes = true
	head, err := in.Read()
	if err == nil && strings.HasPrefix(head[0], "sep=") {
		head, err = in.Read()
	}
	if errors.Is(err, io.EOF) {
		return Content{}, &UnreadableError{"the file is empty"}
	}
	if err != nil {
		return Content{}, err
	}
	for i := range head {
		head[i] = clean(head[i])
	}
	c := Content{}
	if c.Columns, err = find(head, n, tools(sync)); err != nil {
		return Content{}, err
	}
	if c.Columns.Sync < 0 && sync == "" {
		return Content{}, errors.New("the file has no column sync and trueup.yaml has several syncs")
	}
	seen := double{customers: map[[2]string]Row{}, records: map[[2]string]Row{}}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return Content{}, err
		}
		line, _ := in.FieldPos(0)
		c.add(row(cells, c.Columns, line, sync), cells, seen)
	}
}

// row takes a link out of the cells of a line.
func row(cells []string, c Columns, line int, sync string) Row {
	cell := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return contract.Restore(clean(cells[i]))
	}
	r := Row{Line: line, Sync: sync, Customer: cell(c.Source), Target: cell(c.Target)}
	if c.Sync >= 0 {
		r.Sync = cell(c.Sync)
	}
	return r
}

// clean takes away the space around a cell, also what no one can see.
func clean(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' })
}

// double finds who is in two rows.
type double struct{ customers, records map[[2]string]Row }

// shortened is a number of which a spreadsheet has kept only the beginning.
var shortened = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE]\+[0-9]+$`)

// longest is more than the id of any tool.
const longest = 500

func (c *Content) add(r Row, cells []string, seen double) {
	if strings.TrimSpace(strings.Join(cells, "")) == "" {
		return // the end of a spreadsheet
	}
	invalid := func(format string, args ...any) {
		c.Invalid = append(c.Invalid, Fault{r.Line, fmt.Sprintf(format, args...)})
	}
	for _, id := range []struct{ column, text string }{{"sync", r.Sync}, {c.head(c.Columns.Source), r.Customer}, {c.head(c.Columns.Target), r.Target}} {
		switch {
		case id.text == "":
			invalid("%s must not be empty", id.column)
			return
		case shortened.MatchString(id.text):
			invalid("%s is %s, a number that a spreadsheet has shortened; format the column as text and export it again", id.column, id.text)
			return
		case len(id.text) > longest || strings.ContainsFunc(id.text, unicode.IsControl):
			invalid("%s is no id", id.column)
			return
		}
	}
	customer, record := [2]string{r.Sync, r.Customer}, [2]string{r.Sync, r.Target}
	before, twice := seen.customers[customer]
	owner, taken := seen.records[record]
	switch {
	case twice && before.Target == r.Target:
		c.Repeats++
	case twice:
		c.Double = append(c.Double, Fault{r.Line, fmt.Sprintf("customer %s is already in line %d, with another record", r.Customer, before.Line)})
	case taken:
		c.Double = append(c.Double, Fault{r.Line, fmt.Sprintf("record %s is already in line %d, of customer %s", r.Target, owner.Line, owner.Customer)})
	default:
		seen.customers[customer], seen.records[record] = r, r
		c.Rows = append(c.Rows, r)
	}
}

func (c *Content) head(i int) string { return c.Columns.Head[i] }
