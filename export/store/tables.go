package store

import "github.com/spillscope/spillscope/model"

// The files of a case that a reader may want by name.
const (
	ManifestFile = "manifest.json"
	RowsFile     = "privileged/rows.jsonl"
	RejectsFile  = "privileged/rejects.jsonl"
	ReportFile   = "privileged/report.html"
	InputSums    = "privileged/inputs-sha256.txt"
	VerifyFile   = "VERIFY.txt"
)

// The tables below are design, not code: each line is a column of the case.
// They are functions so that nothing of the package can be changed from outside.

func deliveries() table[model.Delivery] {
	return table[model.Delivery]{"privileged/deliveries.csv", delivery(func(d *model.Delivery) *model.Delivery { return d })}
}

func outside() table[model.OutsideDelivery] {
	return table[model.OutsideDelivery]{"privileged/outside.csv", delivery(func(o *model.OutsideDelivery) *model.Delivery { return &o.Delivery })}
}

// delivery is what the deliveries inside and outside the window have; at finds
// it in T.
func delivery[T any](at func(*T) *model.Delivery) []column[T] {
	return []column[T]{
		key("delivery_id", func(r *T) *string { return &at(r).ID }),
		key("hit_request_id", func(r *T) *string { return &at(r).Hit.RequestID }),
		stamp("hit_time_utc", func(r *T) *model.Instant { return &at(r).HitTime }),
		key("distribution", func(r *T) *string { return &at(r).Distribution }),
		key("cache", func(r *T) *string { return &at(r).Cache }),
		text("route", func(r *T) *string { return &at(r).Route }),
		digest("recipient_device", func(r *T) *model.ID { return &at(r).Device }),
		key("recipient_user_id", func(r *T) *string { return &at(r).RecipientUser }),
		list("recipient_workspace_ids", func(r *T) *[]string { return &at(r).RecipientWorkspaces }),
		key("fill_request_id", func(r *T) *string { return &at(r).Fill.RequestID }),
		stamp("fill_time_utc", func(r *T) *model.Instant { return &at(r).FillTime }),
		digest("holder_session", func(r *T) *model.ID { return &at(r).HolderSession }),
		key("holder_user_id", func(r *T) *string { return &at(r).HolderUser }),
		list("holder_workspace_ids", func(r *T) *[]string { return &at(r).HolderWorkspaces }),
		rung("holder_rung", func(r *T) *model.Rung { return &at(r).Rung }),
		prob("p_delivered", func(r *T) *float64 { return &at(r).PDelivered }),
		prob("p_applied", func(r *T) *float64 { return &at(r).PApplied }),
		prob("p_used", func(r *T) *float64 { return &at(r).PUsed }),
		tier("tier", func(r *T) *model.Tier { return &at(r).Tier }),
		flagNames("flags", func(r *T) *[]model.Flag { return &at(r).Flags }),
		evidence("hit_evidence", func(r *T) *model.Ref { return &at(r).Hit.Ref }),
		evidence("fill_evidence", func(r *T) *model.Ref { return &at(r).Fill.Ref }),
		flagEvidence("flag_evidence", func(r *T) *[]model.Flag { return &at(r).Flags }),
		count("generation", func(r *T) *int { return &at(r).Generation }),
		places("hit_also", func(r *T) *[]model.Ref { return &at(r).HitAlso }),
		places("fill_also", func(r *T) *[]model.Ref { return &at(r).FillAlso }),
	}
}

// entity is the part that users.csv and workspaces.csv share; at finds it in T.
func entity[T any](at func(*T) *model.Entity) []column[T] {
	return []column[T]{
		role("role", func(r *T) *model.Role { return &at(r).Role }),
		tier("tier", func(r *T) *model.Tier { return &at(r).Tier }),
		prob("p_applied", func(r *T) *float64 { return &at(r).PApplied }),
		stamp("first_delivery_utc", func(r *T) *model.Instant { return &at(r).First }),
		stamp("last_delivery_utc", func(r *T) *model.Instant { return &at(r).Last }),
		count("holder_user_count", func(r *T) *int { return &at(r).HolderUsers }),
		count("recipient_device_count", func(r *T) *int { return &at(r).Devices }),
		count("delivery_count", func(r *T) *int { return &at(r).Deliveries }),
		count("used_count", func(r *T) *int { return &at(r).Used }),
		tri("opened", func(r *T) *model.Tri { return &at(r).Opened }),
		tri("changed", func(r *T) *model.Tri { return &at(r).Change }),
		list("flags", func(r *T) *[]model.FlagName { return &at(r).Flags }),
		key("evidence_ref", func(r *T) *string { return &at(r).Evidence }),
	}
}

func users() table[model.UserFinding] {
	type u = model.UserFinding
	cols := []column[u]{
		key("user_id", func(r *u) *string { return &r.ID }),
		text("user_name", func(r *u) *string { return &r.Name }),
	}
	cols = append(cols, entity(func(r *u) *model.Entity { return &r.Entity })...)
	return table[u]{"privileged/users.csv", append(cols,
		text("email", func(r *u) *string { return &r.Email }),
		text("user_role", func(r *u) *string { return &r.UserRole }),
		list("workspace_ids", func(r *u) *[]string { return &r.WorkspaceIDs }),
		tier("holder_tier", func(r *u) *model.Tier { return &r.AsHolder }),
		tier("recipient_tier", func(r *u) *model.Tier { return &r.AsRecipient }),
	)}
}

func workspaces() table[model.WorkspaceFinding] {
	type w = model.WorkspaceFinding
	cols := []column[w]{
		key("workspace_id", func(r *w) *string { return &r.ID }),
		text("workspace_name", func(r *w) *string { return &r.Name }),
	}
	cols = append(cols, entity(func(r *w) *model.Entity { return &r.Entity })...)
	return table[w]{"privileged/workspaces.csv", append(cols,
		flagged("in_directory", func(r *w) *bool { return &r.Known }, "yes", "no"),
		text("contact_email", func(r *w) *string { return &r.Contact.Email }),
		text("contact_name", func(r *w) *string { return &r.Contact.Name }),
		text("contact_role", func(r *w) *string { return &r.Contact.Role }),
		text("locale", func(r *w) *string { return &r.Contact.Locale }),
		text("country", func(r *w) *string { return &r.Contact.Country }),
		text("region", func(r *w) *string { return &r.Contact.Region }),
		list("data_categories", func(r *w) *[]string { return &r.Categories }),
		tier("holder_tier", func(r *w) *model.Tier { return &r.AsHolder }),
		tier("recipient_tier", func(r *w) *model.Tier { return &r.AsRecipient }),
	)}
}

func accesses() table[model.Access] {
	type a = model.Access
	return table[a]{"privileged/access.csv", []column[a]{
		stamp("time_utc", func(r *a) *model.Instant { return &r.Time }),
		text("method", func(r *a) *string { return &r.Method }),
		count("status", func(r *a) *int { return &r.Status }),
		text("route", func(r *a) *string { return &r.Pattern }),
		text("category", func(r *a) *string { return &r.Category }),
		list("workspace_ids", func(r *a) *[]string { return &r.WorkspaceIDs }),
		flagged("access", func(r *a) *bool { return &r.Write }, "write", "read"),
		text("outlives_revocation", func(r *a) *string { return &r.Lasting }),
		key("delivery_id", func(r *a) *string { return &r.Delivery }),
		digest("recipient_device", func(r *a) *model.ID { return &r.Device }),
		key("holder_user_id", func(r *a) *string { return &r.HolderUser }),
		key("request_id", func(r *a) *string { return &r.Row.RequestID }),
		evidence("evidence", func(r *a) *model.Ref { return &r.Row.Ref }),
	}}
}

func revocations() table[model.Revocation] {
	type v = model.Revocation
	return table[v]{"privileged/revoke.csv", []column[v]{
		key("directory_id", func(r *v) *string { return &r.DirectoryID }),
		key("user_id", func(r *v) *string { return &r.User }),
		tier("tier", func(r *v) *model.Tier { return &r.Tier }).where(func(r *v) bool { return r.Basis == model.BasisDelivery }),
		count("delivery_count", func(r *v) *int { return &r.Deliveries }),
		stamp("first_delivery_utc", func(r *v) *model.Instant { return &r.First }),
		digest("session", func(r *v) *model.ID { return &r.Session }),
		named("basis", func(r *v) *model.Basis { return &r.Basis }, model.BasisDelivery, model.BasisReached),
	}}
}

func unattributed() table[model.Unattributed] {
	type u = model.Unattributed
	return table[u]{"privileged/unattributed.csv", []column[u]{
		key("hit_request_id", func(r *u) *string { return &r.Hit.RequestID }),
		stamp("hit_time_utc", func(r *u) *model.Instant { return &r.HitTime }),
		key("distribution", func(r *u) *string { return &r.Distribution }),
		key("cache", func(r *u) *string { return &r.Cache }),
		text("route", func(r *u) *string { return &r.Route }),
		digest("recipient_device", func(r *u) *model.ID { return &r.Device }),
		key("recipient_user_id", func(r *u) *string { return &r.User }),
		prob("p_unknown", func(r *u) *float64 { return &r.PUnknown }),
		text("reason", func(r *u) *string { return &r.Reason }),
		evidence("hit_evidence", func(r *u) *model.Ref { return &r.Hit.Ref }),
	}}
}

func unresolved() table[model.UnresolvedUser] {
	type u = model.UnresolvedUser
	return table[u]{"privileged/unresolved_users.csv", []column[u]{
		text("kind", func(r *u) *string { return &r.Kind }),
		key("value", func(r *u) *string { return &r.Value }),
		count("row_count", func(r *u) *int { return &r.Rows }),
		count("delivery_count", func(r *u) *int { return &r.Deliveries }),
		stamp("first_seen_utc", func(r *u) *model.Instant { return &r.First }),
	}}
}

func inputs() table[model.Input] {
	type i = model.Input
	return table[i]{"privileged/inputs.csv", []column[i]{
		text("uri", func(r *i) *string { return &r.URI }),
		text("kind", func(r *i) *string { return &r.Kind }),
		text("format", func(r *i) *string { return &r.Format }),
		long("size_bytes", func(r *i) *int64 { return &r.Size }),
		text("sha256", func(r *i) *string { return &r.SHA256 }),
		long("lines", func(r *i) *int64 { return &r.Lines }),
		long("parsed", func(r *i) *int64 { return &r.Parsed }),
		long("rejected", func(r *i) *int64 { return &r.Rejected }),
		long("comment", func(r *i) *int64 { return &r.Comment }),
		long("filtered", func(r *i) *int64 { return &r.Filtered }),
		long("duplicate", func(r *i) *int64 { return &r.Duplicate }),
		stamp("first_utc", func(r *i) *model.Instant { return &r.First }),
		stamp("last_utc", func(r *i) *model.Instant { return &r.Last }),
		flagged("pruned", func(r *i) *bool { return &r.Pruned }, "yes", "no"),
		text("problem", func(r *i) *string { return &r.Problem }),
		simple("object", func(r *i) *uint32 { return &r.Object }, formatObject, parseObject),
	}}
}

func coverage() table[model.Coverage] {
	type c = model.Coverage
	return table[c]{"privileged/coverage.csv", []column[c]{
		stamp("minute_utc", func(r *c) *model.Instant { return &r.Minute }),
		key("cache", func(r *c) *string { return &r.Cache }),
		count("rows", func(r *c) *int { return &r.Rows }),
		count("suspect_rows", func(r *c) *int { return &r.Suspect }),
		count("hits", func(r *c) *int { return &r.Hits }),
		count("fills", func(r *c) *int { return &r.Fills }),
		count("session_fills", func(r *c) *int { return &r.SessionFills }),
		count("deliveries", func(r *c) *int { return &r.Deliveries }),
		count("used", func(r *c) *int { return &r.Used }),
	}}
}

func joins() table[model.JoinRate] {
	type j = model.JoinRate
	return table[j]{"privileged/joins.csv", []column[j]{
		stamp("from_utc", func(r *j) *model.Instant { return &r.From }),
		count("edge_misses", func(r *j) *int { return &r.EdgeMisses }),
		count("edge_misses_found_at_origin", func(r *j) *int { return &r.MissesAtOrigin }),
		count("origin_ids", func(r *j) *int { return &r.OriginIDs }),
		count("origin_ids_found_at_edge", func(r *j) *int { return &r.OriginAtEdge }),
		count("session_rows", func(r *j) *int { return &r.Sessions }),
		count("session_rows_known_to_directory", func(r *j) *int { return &r.SessionsKnown }),
		count("user_rows", func(r *j) *int { return &r.Users }),
		count("user_rows_known_to_directory", func(r *j) *int { return &r.UsersKnown }),
	}}
}

func phases() table[model.PhaseMinute] {
	type p = model.PhaseMinute
	return table[p]{"privileged/phases.csv", []column[p]{
		stamp("minute_utc", func(r *p) *model.Instant { return &r.Minute }),
		key("location", func(r *p) *string { return &r.Location }),
		text("phase", func(r *p) *string { return &r.Phase }),
		count("requests", func(r *p) *int { return &r.Requests }),
		count("hits", func(r *p) *int { return &r.Hits }),
		count("session_fills", func(r *p) *int { return &r.SessionFills }),
		count("deliveries", func(r *p) *int { return &r.Deliveries }),
		count("used", func(r *p) *int { return &r.Used }),
	}}
}

func reports() table[model.ReportMatch] {
	type m = model.ReportMatch
	return table[m]{"privileged/reports.csv", []column[m]{
		evidence("report_evidence", func(r *m) *model.Ref { return &r.Ref }),
		stamp("reported_at_utc", func(r *m) *model.Instant { return &r.At }),
		key("user_id", func(r *m) *string { return &r.User }),
		key("workspace_id", func(r *m) *string { return &r.Workspace }),
		text("outcome", func(r *m) *string { return &r.Outcome }),
		text("matched_by", func(r *m) *string { return &r.MatchedBy }),
		text("tier", func(r *m) *string { return &r.Tier }),
		prob("p_applied", func(r *m) *float64 { return &r.PApplied }),
		count("delivery_count", func(r *m) *int { return &r.Deliveries }),
		list("delivery_ids", func(r *m) *[]string { return &r.DeliveryIDs }),
		text("explanation", func(r *m) *string { return &r.Explanation }),
	}}
}

func second() table[model.TwoDevices] {
	type x = model.TwoDevices
	return table[x]{"privileged/second.csv", []column[x]{
		digest("session", func(r *x) *model.ID { return &r.Session }),
		key("user_id", func(r *x) *string { return &r.User }),
		stamp("first_step_utc", func(r *x) *model.Instant { return &r.First }),
		stamp("last_step_utc", func(r *x) *model.Instant { return &r.Last }),
		count("steps", func(r *x) *int { return &r.Steps }),
		count("devices", func(r *x) *int { return &r.Devices }),
		flagged("other_user_agent", func(r *x) *bool { return &r.OtherAgent }, "yes", "no"),
		text("tier", func(r *x) *string { return &r.Tier }),
	}}
}

func sensitivity() table[model.TierChange] {
	type c = model.TierChange
	return table[c]{"privileged/sensitivity.csv", []column[c]{
		text("alternative", func(r *c) *string { return &r.Alternative }),
		key("workspace_id", func(r *c) *string { return &r.Workspace }),
		role("role", func(r *c) *model.Role { return &r.Role }),
		text("tier_base", func(r *c) *string { return &r.Base }),
		text("tier_alternative", func(r *c) *string { return &r.Other }),
		text("change", func(r *c) *string { return &r.Change }),
	}}
}
