package scan

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/intake"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/storage"
)

// Input is what a scan needs.
type Input struct {
	Incident       *model.Incident
	IncidentSHA256 string
	Key            model.Key
	Base           string // folder of the incident file; relative URIs start there
	Workers        int    // objects read at once; 0: one a core
	Memory         int64  // bytes for sorting; 0: 1 GiB
	TempDir        string // "": the system's
	Tool           string // name and version for the manifest
	Progress       func(Progress)
	Sensitivity    bool // judge again under other assumptions

	// Before, if set, is told what the inputs can and cannot name, before they are
	// read.
	Before func([]model.Capability)

	// Attributed, if set, is told of every hit how likely each fill was before
	// sightings were looked at; the fill "" is the one whose row is not in the
	// logs. For selfcheck, which asks how good each of the two is. It is never
	// called concurrently.
	Attributed func(hit, fill string, p float64)
}

// Progress is how far a scan is. The callback is never called concurrently.
type Progress struct {
	Phase                 string
	Objects, ObjectsTotal int
	Bytes, BytesTotal     int64 // as stored
	Rows                  int64
}

// NothingReadable says that no line of any log could be used.
type NothingReadable struct{ Reason string }

func (e *NothingReadable) Error() string { return "nothing readable: " + e.Reason }

// state is one scan under way: what the phases hand to each other.
type state struct {
	Input
	ctx   context.Context
	store storage.Store
	dec   *decode.Context
	dir   *intake.Directory
	spans spans
	sink  model.Sink

	objects []object // by Ref.Object
	tables  []model.Input
	pruned  int
	missing []string // edge sources that name no object
	noEdge  string   // why there is no edge log; "" if there is one

	evidence
	judgement
}

// evidence is what reading the logs gave. Judging reads it only, so that the
// same evidence can be judged again under other assumptions.
type evidence struct {
	requests   *spill.Sorter // rows by request id
	traces     *spill.Sorter // rows that have a trace alone, by it, with the request ids that others know
	rejects    *spill.Sorter
	cacheRows  *spill.Sorter // by object key, start
	sightings  *spill.Sorter // by device, time
	watch      *watch
	tracing    Tracing
	feeds      *feeds // on which ways the edge rows came
	placing    Placing
	clocks     originClocks
	clock      calibrate.Clock
	offset     calibrate.Offset
	trials     identity.Trials // of the rungs of the holder ladder
	notes      notes
	told       map[string]*ToldSource // by the URI of the source
	toldClocks toldClocks
	deviceIDs  DeviceIDs
}

// judgement is what is made of the evidence under one incident file. The tally
// begins with what was counted while reading.
type judgement struct {
	losses       calibrate.Losses
	trips        trips
	caches       *posteriors
	leaks        leaks
	headerSizes  headerSizes
	headerRatios headerRatios
	skew         time.Duration // how far clocks may be off, beyond what is always allowed for

	hits       *spill.Sorter // by device, time
	deliveries *spill.Sorter // by hit time, hit, fill
	atoms      *spill.Sorter // by entity
	access     *spill.Sorter
	orphans    *spill.Sorter // unattributed, by time
	cited      *spill.Sorter // by request id
	outsides   *spill.Sorter // deliveries of the margin, as deliveries
	countsOnly bool          // nothing is listed: of the sorters only hits and atoms are kept

	tally         tally
	phases        *phases
	reports       *reports
	heldOut       *heldOut // nil: no trial
	outcome       outcome
	habits        *identity.Estimate // of the case's clients
	confirms      confirms           // what 304s did, by cache
	rollup        *verdict.Rollup
	reportsResult *model.ReportsResult
	secondResult  *model.SecondMethod
	ceilingResult model.Ceilings
	sensitivities []model.Sensitivity
}

// Run scans and puts the findings into sink. The manifest says whether the
// result is complete; an error means that there is no result.
func Run(ctx context.Context, in Input, sink model.Sink) (m model.Manifest, err error) {
	s := newState(ctx, in)
	s.sink = sink
	defer func() { err = errors.Join(err, s.close()) }()
	for _, phase := range []struct {
		name string
		run  func() error
	}{
		{"plan", s.plan},
		{"look", s.lookFirst},
		{"read", s.read},
		{"join", s.join},
		{"calibrate", s.calibrate},
		{"reconstruct", s.reconstruct},
		{"identify", s.identify},
		{"write", s.write},
		{"sensitivity", s.sensitivity},
	} {
		if phase.name != "read" && phase.name != "sensitivity" { // which report by themselves
			s.Progress(Progress{Phase: phase.name})
		}
		if err := phase.run(); err != nil {
			return m, err
		}
		if err := ctx.Err(); err != nil {
			return m, err
		}
	}
	return s.manifest(), nil
}

// newState prepares a scan; what the caller left open is filled in.
func newState(ctx context.Context, in Input) *state {
	if in.Workers <= 0 {
		in.Workers = runtime.GOMAXPROCS(0)
	}
	if in.Memory <= 0 {
		in.Memory = 1 << 30
	}
	if in.Progress == nil {
		in.Progress = func(Progress) {}
	}
	if in.TempDir == "" {
		in.TempDir = os.TempDir()
	}
	return &state{Input: in, ctx: ctx, store: storage.NewLocal(in.Base), evidence: evidence{feeds: newFeeds(nil)}, judgement: judgement{tally: newTally()}}
}

// Shares of the memory budget. Rows of all requests are the largest stream;
// while it is read back the streams made of it fill.
const (
	requestShare = 0.45
	traceShare   = 0.05
	derivedShare = 0.12
)

// sorter returns a sorter for writers that share a part of the budget.
func (s *state) sorter(share float64, writers int) *spill.Sorter {
	return spill.New(s.TempDir, int(float64(s.Memory)*share)/max(1, writers))
}

// listing is a sorter of what the case lists, which keeps nothing where only
// counts are asked for.
func (s *state) listing(share float64, writers int) *spill.Sorter {
	if s.countsOnly {
		return spill.Discard()
	}
	return s.sorter(share, writers)
}

func (s *state) close() error {
	errs := []error{s.judgement.close(), closeAll(s.requests, s.traces, s.rejects, s.cacheRows, s.sightings)}
	if s.watch != nil {
		errs = append(errs, s.watch.close())
	}
	return errors.Join(errs...)
}

func (j *judgement) close() error {
	return closeAll(j.hits, j.deliveries, j.atoms, j.access, j.orphans, j.cited, j.outsides)
}

func closeAll(sorters ...*spill.Sorter) error {
	var errs []error
	for _, x := range sorters {
		if x != nil {
			errs = append(errs, x.Close())
		}
	}
	return errors.Join(errs...)
}

// release closes a sorter of the evidence early, to make room, unless the
// evidence will be judged again.
func (s *state) release(x **spill.Sorter) error {
	if s.Sensitivity || s.countsOnly {
		return nil
	}
	err := (*x).Close()
	*x = nil
	return err
}

// context prepares what decoding needs.
func (s *state) context() error {
	dec, err := decode.NewContext(s.Incident, s.Key)
	if err != nil {
		return fmt.Errorf("incident: %w", err)
	}
	s.dec = dec
	return nil
}
