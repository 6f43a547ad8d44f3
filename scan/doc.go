// Package scan reads archived logs once and turns them into findings.
//
// Run is the main job. Its phases are those of the layout below it, each a
// stream into the next, sorted on disk where it does not fit in memory:
//
//	plan         list objects; leave out those whose name says they cannot matter
//	look first   the beginning of some of them: what these inputs can name (peek)
//	read once    unwrap, inflate → decode → rows of all sources under their request id
//	traces       rows without a request id get that of their trace
//	clocks       instances and sources that stamp differently are set alike
//	join         edge ⋈ origin; duplicates meet; sightings and cache rows part;
//	             what needs no model of caches is counted (watch)
//	place        rows without any id: by address, path and time; device ids
//	             take sightings to their devices, told rows find their clock
//	calibrate    cache rows in the order of (object key, start) → Params
//	reconstruct  the same rows again → hits with candidates
//	identify     hits ⋈ sightings by device → who, and what became of it
//	judge        flags, tiers; users and workspaces rolled up; bounds
//	sensitivity  the last four again under other assumptions, if asked
//
// Findings go to a model.Sink in a stated order. The same input gives the same
// findings for any number of workers and any memory budget.
//
// Without a log of the edge there are no cache rows: Run then counts from the
// origin's log alone. Look ends after the look, RunAudit after the join.
//
// What is not guaranteed: that the logs are complete. Gaps, join rates and
// assumptions travel with the result in the Manifest.
package scan
