package incident

// Evidence is something to preserve before it is lost.
type Evidence struct{ What, Why string }

// Preserve lists what to save in the first hour of an incident, the most
// perishable first: mitigations destroy several of these.
func Preserve() []Evidence {
	return []Evidence{
		{"the session store, before sessions are flushed or rotated",
			"it says whose session each logged value was; after the flush nobody can be named"},
		{"the database, before a rollback or restore",
			"what recipients did in other accounts is in its audit tables, and a restore erases it"},
		{"a dump of users, memberships and workspaces as they are now",
			"memberships change, and notices must go to those who were members then"},
		{"the CDN's logs, with their retention switched off",
			"the answer is in them; lifecycle rules delete them, and rows still arrive up to a day late"},
		{"the origin's logs on every host, before rotation or scale-in",
			"they alone tie a request to a session and a user; hosts that are replaced take them along"},
		{"load balancer, WAF and bot-protection logs",
			"they fill holes of the other two; samples are often kept for three hours only"},
		{"the old CDN configuration with its change history (who, what, when, rollout per location)",
			"TTL, cache key and forwarded cookies at that time decide the result; today's do not count"},
		{"client analytics and error reports with device and user ids",
			"they show which user a device was before and after, from outside the cache"},
		{"support tickets and chat reports, with the time of each",
			"known cases of a swapped account test the result"},
		{"the deploy log and alerts, with their time zones",
			"they bound the window; a window in local time is hours off"},
	}
}
