package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spillscope/spillscope/export/inert"
)

// RowsOf returns the cited rows with a request id, as the CSV files spell it.
//
// rows.jsonl is in the order of request ids, so a binary search over byte
// offsets finds one in 10⁷ rows with some twenty reads and needs no index
// file that could disagree. An id that held control characters is spelled
// otherwise in the CSV files, with marks such as <U+001B>; for such a one the
// whole file is read.
func (c *Case) RowsOf(requestID string) ([]Row, error) {
	f, err := c.open(RowsFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := searchRows(f, requestID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", RowsFile, err)
	}
	if len(rows) > 0 || !strings.Contains(requestID, "<") {
		return rows, nil
	}
	for r, err := range c.Rows() {
		if err != nil {
			return nil, err
		}
		if inert.Text(r.RequestID) == requestID {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// searchRows returns the rows of id in a file that is in order.
func searchRows(f *os.File, id string) ([]Row, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// lo is always the start of a line, and every line that starts before lo
	// has a smaller id; the first line with id or more starts at most at hi.
	lo, hi := int64(0), info.Size()
	for hi-lo > 64<<10 {
		mid := lo + (hi-lo)/2
		start, row, err := rowAfter(f, mid)
		switch {
		case errors.Is(err, io.EOF):
			hi = mid
		case err != nil:
			return nil, err
		case row.RequestID < id:
			lo = start
		default:
			hi = mid
		}
	}
	return scanRows(f, lo, hi, id)
}

// scanRows collects the rows of id from the line at lo on. The first of them
// starts at most one line after hi.
func scanRows(f *os.File, lo, hi int64, id string) ([]Row, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(f, lo, 1<<62), 64<<10)
	var rows []Row
	for at := lo; ; {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		var r Row
		if err == nil {
			err = json.Unmarshal(line, &r)
		}
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", at, err)
		}
		if r.RequestID == id {
			rows = append(rows, r)
		} else if at > hi || r.RequestID > id {
			return rows, nil
		}
		at += int64(len(line))
	}
}

// rowAfter reads the first line that starts after byte at.
func rowAfter(f *os.File, at int64) (start int64, row Row, err error) {
	in := bufio.NewReader(io.NewSectionReader(f, at, 1<<62))
	skipped, err := in.ReadBytes('\n')
	if err != nil {
		return 0, row, err
	}
	start = at + int64(len(skipped))
	line, err := in.ReadBytes('\n')
	if err != nil {
		return 0, row, err
	}
	return start, row, json.Unmarshal(line, &row)
}
