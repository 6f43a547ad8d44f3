// Package render is the one list of what a case holds besides its records.
// Each entry is a package of its own that reads the case and writes one file;
// none knows of another.
package render

import (
	"github.com/spillscope/spillscope/export/render/notify"
	"github.com/spillscope/spillscope/export/render/report"
	"github.com/spillscope/spillscope/export/store"
)

// Outputs returns the files that every case is finished with, for
// [store.Options].
func Outputs() []store.Output {
	return []store.Output{
		{Path: notify.ListPath, Write: notify.List},
		{Path: notify.MissingPath, Write: notify.Missing},
		{Path: notify.ReadmePath, Write: notify.Readme},
		{Path: store.ReportFile, Write: report.Write},
	}
}
