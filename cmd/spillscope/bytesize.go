package main

import (
	"fmt"
	"strconv"
	"strings"
)

// byteSize is a flag such as 512MiB, 4G or 1073741824. K, M and G are powers
// of 1024 with or without iB, as in most tools that take a memory budget.
type byteSize int64

var byteUnits = []struct {
	suffix string
	factor int64
}{
	{"GIB", 1 << 30}, {"MIB", 1 << 20}, {"KIB", 1 << 10},
	{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10},
	{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"B", 1},
}

// Set implements pflag.Value.
func (b *byteSize) Set(s string) error {
	number, factor := strings.ToUpper(strings.TrimSpace(s)), int64(1)
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is not a size; give for example 512MiB or 4GiB", s)
	}
	*b = byteSize(n * factor)
	return nil
}

// String implements pflag.Value.
func (b *byteSize) String() string {
	for _, u := range byteUnits[:3] {
		if n := int64(*b); n != 0 && n%u.factor == 0 {
			return strconv.FormatInt(n/u.factor, 10) + u.suffix[:1] + "i" + "B"
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Type implements pflag.Value.
func (b *byteSize) Type() string { return "size" }
