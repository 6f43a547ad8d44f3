package inert_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/export/inert"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"Zoë & Söhne GmbH", "Zoë & Söhne GmbH"},
		{"\x1b[2Jgone", "<U+001B>[2Jgone"},
		{"a\x00b\r\nc\td", "a<U+0000>b<U+000D><U+000A>c<U+0009>d"},
		{"\u009b31m", "<U+009B>31m"},
		{"\xff\xfe", "<0xFF><0xFE>"},
		{"invoice\u202efdp.exe", "invoice<U+202E>fdp.exe"},
		{"\u2066x\u2069", "<U+2066>x<U+2069>"},
		{"line\u2028break", "line<U+2028>break"},
		{"می\u200cخواهم", "می\u200cخواهم"}, // spelled with a non-joiner
		{"�", "�"}, // a real replacement character is valid
	} {
		if got := inert.Text(tt.in); got != tt.want {
			t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCell(t *testing.T) {
	for _, tt := range []struct{ in, cell, id string }{
		{"plain", "plain", "plain"},
		{"=1+1", "'=1+1", "'=1+1"},
		{"+49", "'+49", "'+49"},
		{"@SUM(A1)", "'@SUM(A1)", "'@SUM(A1)"},
		{"＝1", "'＝1", "'＝1"},
		{"-x9_Zq==", "'-x9_Zq==", "-x9_Zq=="},
		{"-2+cmd|' /C calc'!A0", "'-2+cmd|' /C calc'!A0", "'-2+cmd|' /C calc'!A0"},
		{"-a=b", "'-a=b", "'-a=b"},
		{"\t=1", "<U+0009>=1", "<U+0009>=1"},
		{"'t Hooft", "'t Hooft", "'t Hooft"},
		{"'=1", "''=1", "''=1"},
		{"'-abc", "''-abc", "''-abc"},
		{"'", "'", "'"},
	} {
		if got := inert.Cell(tt.in); got != tt.cell {
			t.Errorf("Cell(%q) = %q, want %q", tt.in, got, tt.cell)
		}
		if got := inert.IDCell(tt.in); got != tt.id {
			t.Errorf("IDCell(%q) = %q, want %q", tt.in, got, tt.id)
		}
	}
}

// FuzzCell: a guarded cell starts with no formula and comes back as it was.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "=", "'=", "''-", "-a_==", "\x00=", "＠x", "a\u202eb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, guard := range map[string]func(string) string{"Cell": inert.Cell, "IDCell": inert.IDCell} {
			cell := guard(s)
			if got, want := inert.Undo(cell), inert.Text(s); got != want {
				t.Errorf("Undo(%s(%q)) = %q, want %q", name, s, got, want)
			}
			if strings.ContainsAny(cell, "\x00\x1b\r\n\t") {
				t.Errorf("%s(%q) = %q holds a control character", name, s, cell)
			}
			if name == "Cell" && cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("Cell(%q) = %q starts a formula", s, cell)
			}
		}
	})
}

func TestJSONKeepsMeaning(t *testing.T) {
	in := "a\u202eb\x7f\u009b\U000E0041 ü <b>"
	enc, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	got := inert.JSON(enc)
	if strings.ContainsAny(string(got), "\u202e\x7f\u009b\U000E0041") {
		t.Errorf("JSON left an acting character in %q", got)
	}
	var back string
	if err := json.Unmarshal(got, &back); err != nil || back != in {
		t.Errorf("JSON(%q) reads back as %q, %v", in, back, err)
	}
}
