package bench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is what a run measured.
type Report struct {
	Machine Machine `json:"machine"`
	Size    Size    `json:"size"`
	Rows    []Row   `json:"rows"`
}

// Row is one figure of Trueup beside its floor.
type Row struct {
	Engine      string `json:"engine"`
	Measurement string `json:"measurement"`
	What        string `json:"what"`
	// Unit is of both values: /s, where more is better, or ms, MB or bytes, where less is.
	Unit   string `json:"unit"`
	Trueup Figure `json:"trueup"`
	Floor  Floor  `json:"floor"`
	// Ratio is Trueup's value divided by the floor's.
	Ratio float64 `json:"ratio"`
	Note  string  `json:"note,omitempty"`
}

// Figure is a value, and where single calls were timed how they are distributed. CPU is
// the processor time of the program itself for each event, change or customer, 0 where the
// system does not tell it; that of a PostgreSQL server is not in it.
type Figure struct {
	Value     float64 `json:"value"`
	P50Ms     float64 `json:"p50_ms,omitempty"`
	P99Ms     float64 `json:"p99_ms,omitempty"`
	CPUMicros float64 `json:"cpu_us,omitempty"`
}

// Floor is what a value is compared with.
type Floor struct {
	What string `json:"what"`
	Figure
}

// beside makes the row of a value and its floor.
func beside(what, unit string, trueup Figure, floorIs string, floor Figure, note string) Row {
	r := Row{What: what, Unit: unit, Trueup: trueup, Floor: Floor{What: floorIs, Figure: floor}, Note: note}
	if floor.Value > 0 {
		r.Ratio = trueup.Value / floor.Value
	}
	return r
}

// timed is the figure of n that took so long.
func timed(n int, took time.Duration, calls []time.Duration, cpu time.Duration) Figure {
	f := Figure{P50Ms: inMs(quantile(calls, 0.50)), P99Ms: inMs(quantile(calls, 0.99))}
	if n > 0 && took > 0 {
		f.Value, f.CPUMicros = float64(n)/took.Seconds(), float64(cpu.Microseconds())/float64(n)
	}
	return f
}

// quantile is the smallest duration that a share q of all does not exceed, 0 for none.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(float64(len(sorted))*q), len(sorted)-1)]
}

func inMs(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Machine is where it was measured.
type Machine struct {
	System     string  `json:"system"`
	Processor  string  `json:"processor"`
	Processors int     `json:"processors"`
	MemoryMB   int     `json:"memory_mb"`
	Load       float64 `json:"load"` // of the last minute, at the beginning
}

// thisMachine says what Linux tells; elsewhere some of it stays empty.
func thisMachine() Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU()}
	m.Processor = field("/proc/cpuinfo", "model name")
	kb, _ := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB")) // 0: not told
	m.MemoryMB = kb / 1024
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.Load, _ = strconv.ParseFloat(first, 64) // 0: not told
	}
	return m
}

// Busy reports whether others used the machine when it began.
func (m Machine) Busy() bool { return m.Load > float64(m.Processors)/2 }

func (m Machine) String() string {
	parts := []string{m.System, fmt.Sprintf("%d processors", m.Processors)}
	if m.Processor != "" {
		parts[1] += " (" + m.Processor + ")"
	}
	if m.MemoryMB > 0 {
		parts = append(parts, fmt.Sprintf("%d MB memory", m.MemoryMB))
	}
	return strings.Join(parts, ", ")
}

// field is the value of the first line "name: value" of a file, "" for none.
func field(path, name string) string {
	text, err := os.ReadFile(path) // #nosec G304 -- one of Linux's own files
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
