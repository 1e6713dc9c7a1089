package view

import (
	"io"
	"strings"
)

// Table is a table for people: a line of titles, and a line for each row. Rows may come in several parts; the columns of a later
// part are as wide as those before.
type Table struct {
	titles []string
	widths []int
}

// NewTable begins a table.
func NewTable(titles ...string) *Table { return &Table{titles: titles} }

// Write writes rows of cells of foreign origin, the titles above the first part. An empty cell shows a dash.
func (t *Table) Write(w io.Writer, rows [][]string, o Options) error {
	var b strings.Builder
	begun := t.widths != nil
	if !begun {
		t.widths = make([]int, len(t.titles))
		t.fit(t.titles)
	}
	shown := make([][]string, len(rows))
	for i, row := range rows {
		shown[i] = make([]string, len(row))
		for j, cell := range row {
			if shown[i][j] = visible(cell); cell == "" {
				shown[i][j] = "-"
			}
		}
		t.fit(shown[i])
	}
	if !begun {
		b.WriteString(pen{o.Color}.bold(t.line(t.titles)) + "\n")
	}
	for _, row := range shown {
		b.WriteString(t.line(row) + "\n")
	}
	return emit(w, b.String())
}

func (t *Table) fit(cells []string) {
	for i, cell := range cells {
		t.widths[i] = max(t.widths[i], columns(cell))
	}
}

func (t *Table) line(cells []string) string {
	padded := make([]string, len(cells))
	for i, cell := range cells {
		padded[i] = pad(cell, t.widths[i])
	}
	return strings.TrimRight(strings.Join(padded, "   "), " ")
}

// Lines writes texts of foreign origin, one a line.
func Lines(w io.Writer, lines []string) error {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(visible(l) + "\n")
	}
	return emit(w, b.String())
}

// Verbatim writes a text as it came, for programs that read it; to a terminal, line by line as Message does.
func Verbatim(w io.Writer, text string, terminal bool) error {
	if terminal {
		return Message(w, text)
	}
	_, err := io.WriteString(w, text)
	return err
}
