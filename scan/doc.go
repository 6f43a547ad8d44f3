// Package scan reads archived logs once and turns them into findings.
//
// Run is the main job. Its phases are those of the layout below it, each a
// stream into the next, sorted on disk where it does not fit in memory:
//
//	plan         list objects; leave out those whose name says they cannot matter
//	read once    inflate → decode → rows of all sources under their request id
//	join         edge ⋈ origin; duplicates meet; sightings and cache rows part;
//	             what needs no model of caches is counted (watch)
//	calibrate    cache rows in the order of (object key, start) → Params
//	reconstruct  the same rows again → hits with candidates
//	identify     hits ⋈ sightings by device → who, and what became of it
//	judge        flags, tiers; users and workspaces rolled up; bounds
//	sensitivity  the last four again under other assumptions, if asked
//
// Findings go to a model.Sink in a stated order. The same input gives the same
// findings for any number of workers and any memory budget.
//
// What is not guaranteed: that the logs are complete. Gaps, join rates and
// assumptions travel with the result in the Manifest.
package scan
