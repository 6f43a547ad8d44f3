package storage

import (
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// HourOf returns the hour that the name of a CloudFront object carries:
// <prefix>.YYYY-MM-DD-HH.<unique>, with or without .gz. It is the hour in
// which the requests occurred, however late the object was written.
func HourOf(name string) (time.Time, bool) {
	parts := strings.Split(path.Base(filepath.ToSlash(name)), ".")
	// From the right: the prefix may hold dots, the unique part never does.
	for i := len(parts) - 2; i > 0; i-- {
		if t, err := time.Parse("2006-01-02-15", parts[i]); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// slack is how far from the requests the hour of a folder may be: rows are
// delivered up to 24 hours late, and a delivery stream may name its folders in
// a zone of its own.
const slack = 24 * time.Hour

// HoursOf returns the time in which the requests of an object occurred, as far
// as its name and its folders tell: from the one, before the other. The hour
// in the name is that of the requests. Folders, be they Hive partitions
// (year=2023/month=03/day=07/hour=18) or a stream's (2023/03/07/18), may be
// named by the hour of delivery, so they tell less. Folders that name no hour
// tell nothing: people file their downloads by the day.
func HoursOf(uri string) (from, to time.Time, ok bool) {
	if hour, ok := HourOf(uri); ok {
		return hour, hour.Add(time.Hour), true
	}
	if hour, ok := folderHour(path.Dir(filepath.ToSlash(uri))); ok {
		return hour.Add(-slack), hour.Add(time.Hour + slack), true
	}
	return time.Time{}, time.Time{}, false
}

// partitions are the keys of a Hive path in the order of their folders.
var partitions = [...]string{"year", "month", "day", "hour"}

// folderHour returns the hour that four folders one below the other name.
func folderHour(dir string) (time.Time, bool) {
	folders := strings.Split(dir, "/")
	for i := len(folders) - len(partitions); i >= 0; i-- {
		if t, ok := hourOfFolders(folders[i : i+len(partitions)]); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

func hourOfFolders(folders []string) (time.Time, bool) {
	hive := strings.Contains(folders[0], "=")
	var text []string
	for i, f := range folders {
		key, value, has := strings.Cut(f, "=")
		if !has {
			key, value = "", f
		}
		if has != hive || hive && !strings.EqualFold(key, partitions[i]) {
			return time.Time{}, false
		}
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || i == 0 && len(value) != 4 || i > 0 && !hive && len(value) != 2 {
			return time.Time{}, false
		}
		text = append(text, strconv.FormatUint(n, 10))
	}
	t, err := time.Parse("2006-1-2-15", strings.Join(text, "-"))
	return t, err == nil
}
