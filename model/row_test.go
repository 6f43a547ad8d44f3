package model_test

import (
	"testing"

	"github.com/spillscope/spillscope/model"
)

func TestIn(t *testing.T) {
	ref := model.Ref{Object: 1, Line: 1234, Offset: 2}
	for format, want := range map[string]string{
		"cloudfront": "1234", "csv": "1234", "": "1234",
		"parquet": "group2/row1234", "cloudfront-v2-parquet": "group2/row1234",
	} {
		if got := ref.In(format); got != want {
			t.Errorf("%q: %s, want %s", format, got, want)
		}
	}
}
