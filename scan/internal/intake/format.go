package intake

import (
	"bytes"
	"context"
	"regexp"
	"strings"
)

const byteOrderMark = "\ufeff"

// format is one way to write a table.
type format struct {
	name     string                             // as the incident file words it
	read     func(context.Context, *file) error // reads all rows of a file
	comma    rune                               // between the cells of csv
	unclosed string                             // what to say of a record that never ends
}

// formatOf returns the format of a name.
func formatOf(name string, comma rune) format {
	switch name {
	case "copy":
		return format{name: name, read: readCopy, unclosed: "this line is longer than 4 MiB; is this the text that COPY writes?"}
	case "jsonl":
		return format{name: name, read: readJSON, unclosed: "this line is longer than 4 MiB; write one JSON object a line"}
	case "parquet":
		return format{name: name, read: readParquet}
	}
	return format{name: "csv", read: readDelimited, comma: comma,
		unclosed: "a quote is opened in or near this row and not closed, which hides the rows after it; export the table again with quotes doubled"}
}

// detect tells the format of a file that begins with head, or says why it is
// none. Asked is what the incident file says; width is the number of columns
// if that is known, else 0.
func detect(head []byte, asked string, width int) (f format, problem string) {
	if problem := refused(head); problem != "" {
		return format{}, problem
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(byteOrderMark)), " \t\r\n")
	found := "csv"
	comma := separator(head, width)
	switch {
	case bytes.HasPrefix(head, []byte("PAR1")):
		found = "parquet"
	case jsonStart.Match(text):
		found = "jsonl"
	case isDump(head), comma == '\t' && !quotes(head):
		found = "copy"
	}
	textual := func(name string) bool { return name != "parquet" && name != "jsonl" }
	switch {
	case asked == "" || asked == "auto" || asked == found:
		return formatOf(found, comma), ""
	case textual(asked) && found != "parquet": // a cell may look like JSON
		return formatOf(asked, comma), ""
	}
	return format{}, "format says " + asked + ", and this is " + described[found] + ": leave format out, or write " + found
}

var described = map[string]string{"csv": "CSV", "copy": "tab-separated text", "jsonl": "JSON", "parquet": "Parquet"}

// jsonStart matches the beginning of JSON that holds rows.
var jsonStart = regexp.MustCompile(`^(\{\s*"|\{\s*\}|\[\s*[{\]])`)

// aligned matches the line below the header of what database shells print for
// people to look at.
var aligned = regexp.MustCompile(`(?m)^\s*[+|]?-{2,}[-+| ]*\r?$|^-\[ RECORD `)

// refused says what a file is that begins with head, if that is no table.
func refused(head []byte) string {
	has := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	first := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(byteOrderMark)), " \t\r\n")
	switch {
	case len(first) == 0:
		return "the file is empty"
	case has("PAR1"):
		return ""
	case has("PK\x03\x04"), has("\xd0\xcf\x11\xe0"):
		return "this is an Excel file or a ZIP archive: save the table as CSV"
	case has("PGDMP"):
		return "this is an archive of pg_dump: write it as text with pg_restore -a -f tables.sql and name that file"
	case has("SQLite format 3"):
		return "this is a SQLite database: export the table as CSV"
	case has("BZh"), has("\xfd7zXZ"):
		return "this file is compressed with bzip2 or xz: use gzip or none"
	case first[0] == '<':
		return "this is HTML or XML: export the table as CSV"
	case bytes.IndexByte(head, 0) >= 0:
		return "this is a binary file: export the table as CSV"
	case isDump(head), jsonStart.Match(first):
		return ""
	case insert.Match(head):
		return "this is SQL that inserts rows: export the table as CSV, or with pg_dump without --inserts"
	case aligned.Match(firstLines(first, 2)):
		return `this is what a database shell prints for reading, in which values may be cut: export the table with \copy (SELECT …) TO 'table.csv' CSV HEADER, or with mysql --batch`
	}
	return ""
}

var insert = regexp.MustCompile("(?mi)^(INSERT|REPLACE) INTO |^CREATE TABLE ")

// copyFrom matches the line in a dump after which the rows of a table stand.
var copyFrom = regexp.MustCompile(`(?m)^COPY ([^\s(]+|"[^"]+"(?:\."[^"]+")?) ?\(([^)]*)\) FROM stdin;\r?$`)

// isDump reports whether head is that of a dump in SQL, as pg_dump writes it.
func isDump(head []byte) bool {
	return bytes.Contains(head[:min(len(head), 1<<10)], []byte("PostgreSQL database")) || copyFrom.Match(head)
}

func firstLines(text []byte, n int) []byte {
	end := 0
	for range n {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
	}
	return text[:end]
}

// separators are what may stand between cells, the likelier first.
const separators = ",\t;|"

// separator returns what stands between the cells of a file: what gives the
// first line the known number of columns, else what occurs most often in it.
func separator(head []byte, width int) rune {
	counts := map[rune]int{}
	quoted := false
	for _, c := range string(bytes.TrimPrefix(head, []byte(byteOrderMark))) {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			break
		}
		if !quoted {
			counts[c]++
		}
	}
	best := ','
	for _, c := range separators {
		if width > 1 && counts[c] == width-1 {
			return c
		}
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

// quotes reports whether cells of tab-separated text are quoted, as
// spreadsheets write them; databases escape with a backslash instead.
func quotes(head []byte) bool {
	for line := range strings.Lines(string(head)) {
		for c := range strings.SplitSeq(strings.TrimRight(line, "\r\n"), "\t") {
			if n := len(c); n > 1 && c[0] == '"' && c[n-1] == '"' && !strings.Contains(strings.ReplaceAll(c[1:n-1], `""`, ""), `"`) {
				return true
			}
		}
	}
	return false
}

// footer matches what psql writes below rows that it does not align.
var footer = regexp.MustCompile(`^\(\d+ rows?\)$`)

func isFooter(s string) bool { return footer.MatchString(strings.TrimSpace(s)) }
