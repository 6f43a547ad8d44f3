package intake

import (
	"context"
)

func readParquet(_ context.Context, f *file) error {
	return f.errorf("this is a Parquet file: export the table as CSV")
}
