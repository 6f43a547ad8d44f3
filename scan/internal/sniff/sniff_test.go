package sniff_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spillscope/spillscope/scan/internal/inflate"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

const row = "2023-03-07\t18:21:05\tSEA19-C1\t482\t192.0.2.10\tGET\n"

// TestOf has an object of each kind.
func TestOf(t *testing.T) {
	for name, tt := range map[string]struct{ head, format string }{
		"nothing":                {"", sniff.Empty},
		"blank lines":            {"\n \n", sniff.Empty},
		"CloudFront, header":     {"#Version: 1.0\n#Fields: date time x-edge-location\n", sniff.CloudFront},
		"CloudFront, rows":       {row + row, sniff.CloudFront},
		"CloudFront v2 as JSON":  {`{"date":"2024-12-18","x-edge-location":"SEA19-C1","x-edge-request-id":"a=="}` + "\n", sniff.CloudFront},
		"CloudFront, real time":  {"1684226820.937\t192.0.2.10\t0.002\t200\n", sniff.RealTime},
		"CloudFront v2, plain":   {"1684226820937|a==|SEA19-C1|E1|192.0.2.10|/a.js|200|Hit\n", sniff.CloudFront},
		"dump of a database":     {"--\n-- PostgreSQL database dump\n--\n\nCOPY public.users (user_id) FROM stdin;\n", "SQL dump"},
		"JSON lines":             {`{"ts":"2023-03-07T18:21:05Z"}` + "\n", sniff.JSONL},
		"CSV":                    {"ts,user_id,path\n1,2,/\n", sniff.CSV},
		"tabs between":           {"ts\tuser id\tpath\n", sniff.CSV},
		"logfmt":                 {"ts=2023-03-07T18:21:05Z level=info msg=\"a b\" path=/\n", sniff.Logfmt},
		"load balancer":          {`https 2023-03-07T18:21:05.123456Z app/web/50dc6c495c0c9188 192.0.2.10:4711 198.51.100.7:80 0.000 0.001 0.000 200 200 34 366 "GET https://www.example.com:443/ HTTP/1.1"` + "\n", sniff.ALB},
		"Parquet":                {"PAR1\x15\x04\x15", sniff.Parquet},
		"Cloudflare":             {`{"RayID":"87a1","EdgeStartTimestamp":1,"CacheCacheStatus":"hit"}` + "\n", "Cloudflare log"},
		"Fastly":                 {`<134>2023-03-07T18:21:05Z cache-lhr-egll1980001 web[7]: {"url":"/"}` + "\n", "Fastly log"},
		"W3C of another":         {"#Fields: date time s-ip cs-method\n", "W3C log, not of CloudFront"},
		"bzip2":                  {"BZh91AY&SY", "bzip2"},
		"xz":                     {"\xfd7zXZ\x00\x00", "xz"},
		"Excel":                  {"PK\x03\x04\x14\x00", "zip archive"},
		"storage error":          {`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>AccessDenied</Code></Error>", "error message of the storage"},
		"sign-in page":           {"\n<!DOCTYPE html><html><title>Sign in</title>", "web page"},
		"pointer":                {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"},
		"noise":                  {"\x00\x01\x02\x03\x04", sniff.Binary},
		"prose":                  {"hello\nworld\n", sniff.Text},
		"a first row cut off":    {`{"ts":"2023-03-07T18:21:05Z","pa`, sniff.Text},
		"behind a damaged start": {"{not JSON\n" + `{"ts":1}` + "\n", sniff.JSONL},
	} {
		t.Run(name, func(t *testing.T) {
			got := sniff.Of([]byte(tt.head))
			if got.Format != tt.format {
				t.Errorf("looks %s, want %s", got.Look(), tt.format)
			}
			if got.Known() != (got.Advice == "") && got.Format != sniff.Empty {
				t.Errorf("known %v with the advice %q", got.Known(), got.Advice)
			}
		})
	}
}

// TestColumns counts columns that no line names.
func TestColumns(t *testing.T) {
	for head, want := range map[string]int{
		"#Version: 1.0\n#Fields: date time x-edge-location\n" + row: 0,
		row: 6,
		"1684226820.937\t192.0.2.10\t0.002\t200\n":              4,
		"1684226820937|a==|SEA19-C1|192.0.2.10|/a.js|200|Hit\n": 7,
		"a==,IAD89-P2,192.0.2.10,/a.js,Miss\n":                  5,
		"{\"at\":\"SEA19-C1\"}\n":                               0,
		"\"" + "app\",192.0.2.10,GET,/a.js,Miss\n":              0,
	} {
		if got := sniff.Of([]byte(head)).Columns; got != want {
			t.Errorf("%d columns, want %d of %q", got, want, head)
		}
	}
}

// TestWrapped tells what is wrapped, and in what.
func TestWrapped(t *testing.T) {
	for name, tt := range map[string]struct{ head, format, unwrap string }{
		"nothing":         {`{"ts":1}` + "\n", sniff.JSONL, ""},
		"no line breaks":  {`{"ts":1}{"ts":2}`, sniff.JSONL, ""},
		"envelope":        {`{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"ts=1 a=b"}]}`, sniff.Logfmt, "firehose"},
		"envelope, cut":   {`{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"ts\":1}"},{"id":"2","mess`, sniff.JSONL, "firehose"},
		"CloudFront":      {"2023-03-07T18:21:05.123Z " + row, sniff.CloudFront, "cloudwatch-export"},
		"Docker":          {`{"log":"{\"ts\":1}\n","stream":"stdout","time":"2023-03-07T18:21:05Z"}` + "\n", sniff.JSONL, "string-json"},
		"syslog":          {`<134>2023-03-07T18:21:05Z web-1 app[7]: {"ts":1}` + "\n", sniff.JSONL, ""},
		"a control alone": {`{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","message":"CWL CONTROL MESSAGE"}]}`, sniff.Empty, "firehose"},
	} {
		if got := sniff.Of([]byte(tt.head)); got.Format != tt.format || got.Unwrap != tt.unwrap {
			t.Errorf("%s: %+v, want %s in %q", name, got, tt.format, tt.unwrap)
		}
	}
}

// TestSamples tells others' logs, where they are.
func TestSamples(t *testing.T) {
	for pattern, want := range map[string]string{"cloudfront/*": sniff.CloudFront, "fastly/*": "Fastly log", "cloudflare/*": "Cloudflare log"} {
		names, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "shared", "samples", pattern))
		if err != nil || len(names) == 0 {
			t.Skipf("no samples beside the repository (%v)", err)
		}
		for _, name := range names {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			plain, _, err := inflate.Open(f)
			if err != nil {
				t.Fatal(err)
			}
			head, err := io.ReadAll(io.LimitReader(plain, sniff.Size))
			if err != nil {
				t.Fatal(err)
			}
			want := want
			if bytes.HasPrefix(head, []byte("#Version: 1.0\n#Foo?")) { // whose list of fields is no list of CloudFront's
				want = "W3C log, not of CloudFront"
			}
			if got := sniff.Of(head).Format; got != want {
				t.Errorf("%s looks like %s, want %s", filepath.Base(name), got, want)
			}
			_ = f.Close() // it was only read
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte(row))
	f.Add([]byte(`{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":"{\"ts\":1}"}]}`))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, head []byte) {
		got := sniff.Of(head)
		if got.Format == "" || got.Opaque && got.Advice == "" {
			t.Errorf("%+v", got)
		}
	})
}
