package scan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// A tableLike is a table of the directory as companies keep it: what its
// needed columns are called, ours first.
type tableLike struct {
	name    string
	columns [][]string
}

var (
	sessionNames   = []string{"session_hash", "session_id", "session_key", "session_token", "sid", "sessid", "token_hash", "token", "session"}
	userNames      = []string{"user_id", "uid", "member_id", "user", "sess"}
	emailNames     = []string{"email", "email_address", "mail"}
	workspaceNames = []string{"workspace_id", "org_id", "organization_id", "organisation_id", "team_id", "tenant_id", "company_id", "workspace"}              //nolint:misspell // names of both spellings exist
	nameNames      = []string{"name", "title", "display_name", "workspace_name", "org_name", "organization_name", "team_name", "tenant_name", "company_name"} //nolint:misspell // as above
)

// tableLikes are in the order of choice: a table of users that also says the
// workspace of each is one of users.
var tableLikes = []tableLike{
	{"sessions", [][]string{sessionNames, userNames}},
	{"users", [][]string{append(slices.Clip(userNames), "id"), emailNames}},
	{"memberships", [][]string{userNames, workspaceNames}},
	{"workspaces", [][]string{append(slices.Clip(workspaceNames), "id"), nameNames}},
	{"contacts", [][]string{workspaceNames, append([]string{"contact_email"}, emailNames...)}},
}

// eventNames are of columns that rows of something that happens have, and
// tables of what there is do not.
var eventNames = []string{"ts", "time", "timestamp", "@timestamp", "datetime", "at", "occurred_at", "event_time", "logged_at",
	"event", "event_name", "event_type", "action", "method", "http_method", "request_method", "path", "uri", "request_uri", "request_path",
	"status_code", "http_status", "request_id", "x_request_id", "cf_id", "x_amz_cf_id"}

// foldName brings spellings of a name to one: USER_ID, userId, user-id.
func foldName(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
}

// among returns which of names is called one of ours, the best first; "": none.
func among(names, ours []string) string {
	for _, our := range ours {
		for _, n := range names {
			if foldName(n) == foldName(our) {
				return n
			}
		}
	}
	return ""
}

// directoryTable tells by its columns which table of the directory one is, and
// the columns of that which go by other names; "": none.
func directoryTable(names []string) (table string, renamed map[string]string) {
	if among(names, eventNames) != "" {
		return "", nil
	}
next:
	for _, like := range tableLikes {
		renamed := map[string]string{}
		for _, ours := range like.columns {
			theirs := among(names, ours)
			if theirs == "" {
				continue next
			}
			if our := ours[0]; !strings.EqualFold(theirs, our) {
				renamed[our] = theirs
			}
		}
		return like.name, renamed
	}
	return "", nil
}

// joinParts takes files of rows alone for what stands in the one file of their
// folder that has a header: so databases unload a table in parts.
func (s *inspection) joinParts() error {
	heads := map[string]*inspected{} // by folder; nil: of several tables
	for _, o := range s.objects {
		dir := path.Dir(o.URI)
		if head, seen := heads[dir]; !seen && o.table != "" {
			heads[dir] = o
		} else if seen && o.table != "" && head != nil && o.table != head.table {
			heads[dir] = nil
		}
	}
	for _, o := range s.objects {
		head := heads[path.Dir(o.URI)]
		headless := o.found.Format == sniff.Text || o.found.Format == sniff.CSV && !origin.IsHeader(o.names)
		if head != nil && o.table == "" && headless && head.found.Format == sniff.CSV {
			o.found, o.names, o.table, o.renamed = head.found, head.names, head.table, head.renamed
		}
	}
	return nil
}

// columnsText lists columns for a person; "" if they may be values.
func columnsText(names []string) string {
	if len(names) == 0 || !origin.IsHeader(names) {
		return ""
	}
	return origin.Shown(names)
}

// noLog says what a table is that is no log.
func (src *InspectedSource) noLog() string {
	list := columnsText(src.names)
	switch {
	case src.table != "":
		return fmt.Sprintf("no log, but a table with columns %s: it goes to directory.%s", cmp.Or(list, "of other names"), src.table)
	case list != "":
		return fmt.Sprintf("a table with columns %s; it is no log of requests (a time, and a request id that the CDN's log has, or path, method or status), nor does it say who was there from where", list)
	}
	return "the first line holds values, not names of columns: name them in order, as fields of a source or columns of a table of directory"
}
