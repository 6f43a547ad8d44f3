package sniff

import (
	"bytes"
	"strings"
)

// magics are files that begin with certain bytes.
var magics = [...]struct{ begins, format, advice string }{
	{"PAR1", Parquet, ""},
	{"PARE", "encrypted Parquet", "export it again without encryption"},
	{"BZh", "bzip2", "unpack it with bunzip2"},
	{"\xfd7zXZ\x00", "xz", "unpack it with unxz"},
	{"7z\xbc\xaf\x27\x1c", "7-Zip archive", "unpack it with 7z"},
	{"Rar!\x1a\x07", "RAR archive", "unpack it"},
	{"\x04\x22\x4d\x18", "lz4", "unpack it with unlz4"},
	{"\xff\x06\x00\x00sNaPpY", "snappy", "unpack it"},
	{"PK\x03\x04", "zip archive", "unpack it; an Excel sheet must be saved as CSV"},
	{"\xd0\xcf\x11\xe0", "Excel sheet", "save it as CSV"},
	{"ORC", "ORC table", "export it as Parquet or CSV"},
	{"Obj\x01", "Avro", "export it as Parquet or JSON lines"},
	{"SQLite format 3\x00", "SQLite database", "export the table as CSV"},
	{"PGDMP", "PostgreSQL dump", "restore it, and export the table as CSV"},
	{"%PDF-", "PDF", "get the data it was made from"},
	{"version https://git-lfs", "Git LFS pointer", "fetch the file itself with git lfs pull"},
}

func byMagic(head []byte) (Found, bool) {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.begins)) {
			return Found{Format: m.format, Advice: m.advice, Opaque: m.advice != ""}, true
		}
	}
	// A tar archive has its magic number behind the first member's name.
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return Found{Format: "tar archive", Advice: "unpack it with tar -x", Opaque: true}, true
	}
	return Found{}, false
}

// byMarkup tells error pages that were saved in place of an object, and dumps
// of databases.
func byMarkup(head []byte) (Found, bool) {
	start := strings.ToLower(string(bytes.TrimSpace(head[:min(len(head), 1<<10)])))
	start = strings.TrimPrefix(start, "\xef\xbb\xbf")
	page := Found{Opaque: true}
	switch {
	case strings.HasPrefix(start, "<?xml") && strings.Contains(start, "<error>"), strings.HasPrefix(start, "<error>"):
		page.Format, page.Advice = "error message of the storage", "it was saved in place of the object: download it again, with a user who may read it"
	case strings.HasPrefix(start, "<!doctype html"), strings.HasPrefix(start, "<html"):
		page.Format, page.Advice = "web page", "it was saved in place of the object: download it again, signed in"
	case strings.HasPrefix(start, "<?xml"):
		page.Format, page.Advice = "XML", "export it as JSON lines or CSV"
	case strings.Contains(start, "-- postgresql database dump"), strings.HasPrefix(start, "copy ") && strings.Contains(start, " from stdin;"):
		page.Format, page.Advice = "SQL dump", "it holds tables, no log: name it as the uri of those of directory that it has"
	default:
		return Found{}, false
	}
	return page, true
}
