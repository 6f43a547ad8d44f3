package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/intake"
	"github.com/spillscope/spillscope/scan/storage"
)

// one is a store of one file.
type one []byte

func (o one) List(context.Context, string) ([]storage.Object, error) {
	return []storage.Object{{URI: "sessions", Size: int64(len(o))}}, nil
}

func (o one) Open(context.Context, storage.Object) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(o)), nil
}

func (o one) OpenAt(context.Context, storage.Object) (storage.ReaderAtCloser, int64, error) {
	return inMemory{bytes.NewReader(o)}, int64(len(o)), nil
}

// BenchmarkSessions loads a million sessions in each format; B/session is what
// stays of one in memory.
func BenchmarkSessions(b *testing.B) {
	const n = 1_000_000
	for _, c := range []struct{ name, head, row, claim string }{
		{"csv", "session_hash,user_id\n", "%s,u%d\n", ""},
		{"copy", "session_hash\tuser_id\n", "%s\tu%d\n", ""},
		{"jsonl", "", "{\"session_hash\":\"%s\",\"user_id\":\"u%d\"}\n", ""},
		{"raw", "session_hash\tuser_id\n", "%s\t{\"cookie\":{\"path\":\"/\"},\"passport\":{\"user\":\"u%d\"}}\n", "passport.user"},
	} {
		var text bytes.Buffer
		text.WriteString(c.head)
		for i := range n {
			sum := sha256.Sum256(fmt.Append(nil, i))
			fmt.Fprintf(&text, c.row, hex.EncodeToString(sum[:]), i/10)
		}
		b.Run(c.name, func(b *testing.B) {
			inc := &model.Incident{}
			inc.Directory.Sessions = model.Table{URI: "sessions", UserClaim: c.claim}
			kept := make([]*intake.Directory, 0, 1)
			for b.Loop() {
				d, _, err := intake.Load(context.Background(), one(text.Bytes()), inc, digest)
				if err != nil || d.Counts().Sessions != n {
					b.Fatal(d, err)
				}
				kept = append(kept[:0], d)
			}
			var with, without runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&with)
			runtime.KeepAlive(kept)
			clear(kept)
			runtime.GC()
			runtime.ReadMemStats(&without)
			b.ReportMetric(float64(with.HeapAlloc-without.HeapAlloc)/n, "B/session")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/session")
		})
	}
}
