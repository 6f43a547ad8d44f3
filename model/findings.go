package model

// Finding is one record of a case. Package scan puts findings into a Sink in
// the order stated at each type; package export/store writes them.
type Finding interface{ finding() }

// Sink receives the findings of a scan. Put is called from one goroutine.
// Records of different types may be interleaved; records of one type come in
// their stated order. A Sink must copy what it keeps.
type Sink interface {
	Put(Finding) error
}

// Tier is how sure it is that the recipient's client held the holder's session.
type Tier uint8

// The tiers, weakest first, so that the larger value is the stronger claim.
const (
	TierSetAside Tier = iota
	TierUnlikely
	TierPossible
	TierProbable
	TierConfirmed
)

var tierNames = [...]string{"set aside", "unlikely", "possible", "probable", "confirmed"}

func (t Tier) String() string { return tierNames[t] }

// Rung is the step of the holder ladder (design.md 6) by which a fill's holder was found.
type Rung uint8

// The rungs, best first.
const (
	RungOriginRow  Rung = iota + 1 // the fill's own origin row
	RungEdgeCookie                 // session in the edge's cookie column
	RungPlaced                     // an origin row without request id, placed by address, path and time
	RungConnection                 // origin rows of the same connection before and after
	RungDeviceID                   // same device id
	RungAgent                      // same address and User-Agent
	RungUnknown
)

var rungNames = [...]string{"", "origin row", "edge cookie", "address, path and time", "connection", "device id", "address and user agent", "unknown"}

func (r Rung) String() string { return rungNames[r] }

// FlagName is a named reason that moves one factor of a delivery. The table
// of what each means is in package verdict.
type FlagName string

// Flag is a raised flag with what speaks for it, in words that hold no address.
type Flag struct {
	Name     FlagName
	Evidence string
}

// Citation points at a cited row.
type Citation struct {
	RequestID string
	Ref       Ref
}

// Role says on which side of a delivery an entity stands.
type Role uint8

// The roles; they combine as bits.
const (
	RoleHolder    Role = 1
	RoleRecipient Role = 2
	RoleBoth      Role = 3
)

var roleNames = [...]string{"", "holder", "recipient", "both"}

func (r Role) String() string { return roleNames[r] }

// Delivery is one hit × fill × holder. Order: hit time, hit id, fill id.
type Delivery struct {
	ID           string
	Hit          Citation
	HitTime      Instant // as logged
	Distribution string
	Cache        string
	Route        string // glob of the suspect route

	Device              ID
	RecipientUser       string // "": not known
	RecipientWorkspaces []string

	Fill             Citation
	FillTime         Instant // as logged
	FillDevice       ID
	Generation       int // 1: the holder's own client filled; n+1: one that had probably got the session by a delivery of generation n; 0: not numbered, outside the window
	HolderSession    ID
	HolderUser       string // "": not known
	HolderWorkspaces []string
	Rung             Rung

	PDelivered, PApplied, PUsed float64 // rounded to 4 digits
	Tier                        Tier
	Flags                       []Flag // by name

	HitAlso, FillAlso []Ref // where else the same rows stand, in the logs of other deliveries
}

// Entity is a user or a workspace rolled up. Order: id.
type Entity struct {
	ID   string
	Role Role // the sides that are not set aside, if any
	Tier Tier // the stronger of the two sides'

	AsHolder    Tier // set aside where Role has no such side
	AsRecipient Tier

	PApplied       float64 // that at least one delivery was applied
	First, Last    Instant // deliveries
	HolderUsers    int     // own users whose sessions were delivered
	Devices        int     // recipient devices
	Deliveries     int     // hits
	Used           int     // hits with use seen
	Opened, Change Tri     // what recipients did there as the holder
	Flags          []FlagName
	Evidence       string // delivery id of the strongest row
}

// UserFinding is one user of users.csv.
type UserFinding struct {
	Entity
	Email, Name, UserRole string
	WorkspaceIDs          []string
}

// WorkspaceFinding is one workspace of workspaces.csv and, with its contact, of notify.csv.
type WorkspaceFinding struct {
	Entity
	Name       string
	Known      bool // the directory has it
	Contact    Contact
	Categories []string // data that recipients could open
}

// Contact is whom to write to about a workspace.
type Contact struct {
	Email, Name, Role, Locale, Country, Region string
}

// Access is one request that a recipient device made with the holder's
// session after a delivery. Order: time, request id.
type Access struct {
	Time         Instant
	Row          Citation
	Delivery     string // delivery id
	Device       ID
	HolderUser   string
	Method       string
	Status       int
	Pattern      string
	Category     string
	WorkspaceIDs []string // the one that the log names, else all of the holder's
	Write        bool
	Lasting      string // what outlives revocation: invite, key, grant, e-mail change; "" none
}

// Revocation is one session to revoke. Order: user, session.
type Revocation struct {
	Session     ID
	DirectoryID string // printable id of the directory, or file:line
	User        string
	Basis       Basis
	Tier        Tier // strongest of its deliveries
	Deliveries  int
	First       Instant // delivery; 0: none was reconstructed
}

// Basis is why a session should be revoked.
type Basis uint8

// The bases.
const (
	BasisDelivery Basis = iota + 1 // it was delivered, or may have been
	BasisReached                   // it reached the suspect routes, and without an edge log it is not known what became of it
)

var basisNames = [...]string{"", "delivery", "reached a suspect route"}

func (b Basis) String() string { return basisNames[b] }

// Unattributed is a hit whose fill or holder is not known. Order: time, request id.
type Unattributed struct {
	Hit          Citation
	HitTime      Instant
	Distribution string
	Cache        string
	Route        string
	Device       ID
	User         string
	PUnknown     float64
	Reason       string
}

// UnresolvedUser is an identity in the logs that the directory lacks. Order: kind, value.
type UnresolvedUser struct {
	Kind       string // user, session, workspace
	Value      string // user or workspace id, session digest
	Rows       int
	Deliveries int
	First      Instant
}

// Input is one object that was planned. Order: URI. The balance is
// Lines = Parsed + Rejected + Comment + Filtered + Duplicate.
type Input struct {
	Object uint32 // what Ref.Object means
	Kind   string // edge, origin, or the table of the directory
	URI    string // as found, relative to the incident file
	Format string
	Size   int64
	SHA256 string // of the object as stored
	Balance
	First, Last Instant
	Pruned      bool   // not read: its name says it cannot matter
	Problem     string // why it, or the rest of it, could not be read
}

// Balance is the account of an input's lines.
type Balance struct {
	Lines, Parsed, Rejected, Comment, Filtered, Duplicate int64
}

// Add returns the sum of b and c.
func (b Balance) Add(c Balance) Balance {
	return Balance{b.Lines + c.Lines, b.Parsed + c.Parsed, b.Rejected + c.Rejected,
		b.Comment + c.Comment, b.Filtered + c.Filtered, b.Duplicate + c.Duplicate}
}

// Holds reports whether every line is accounted for.
func (b Balance) Holds() bool {
	return b.Lines == b.Parsed+b.Rejected+b.Comment+b.Filtered+b.Duplicate
}

// Coverage counts one minute at one cache. Order: minute, cache.
type Coverage struct {
	Minute                         Instant
	Cache                          string
	Rows, Suspect, Hits, Fills     int
	SessionFills, Deliveries, Used int
}

// JoinRate is one five-minute step of the joins. Order: time.
type JoinRate struct {
	From                       Instant
	EdgeMisses, MissesAtOrigin int // edge Misses, and those with an origin row
	OriginIDs, OriginAtEdge    int // origin request ids, and those with an edge row
	Sessions, SessionsKnown    int // origin rows with a session, and those the directory knows
	Users, UsersKnown          int // origin rows with a user, and those the directory knows
}

// CitedRow is one row that a finding cites, redacted. Order: request id, ref.
type CitedRow struct {
	Citation
	Kind string // edge or origin
	Edge *EdgeRow
	Orig *OriginRow
}

func (Delivery) finding()         {}
func (UserFinding) finding()      {}
func (WorkspaceFinding) finding() {}
func (Access) finding()           {}
func (Revocation) finding()       {}
func (Unattributed) finding()     {}
func (UnresolvedUser) finding()   {}
func (Input) finding()            {}
func (Coverage) finding()         {}
func (JoinRate) finding()         {}
func (Reject) finding()           {}
func (CitedRow) finding()         {}

// Bounds are lower, best and upper of one population (design.md 2).
type Bounds struct {
	Lower     int     `json:"lower"`
	Best      float64 `json:"best"`
	BestLow   float64 `json:"best_low_90"`
	BestHigh  float64 `json:"best_high_90"`
	Upper     int     `json:"upper"`
	Confirmed int     `json:"confirmed"`
	Probable  int     `json:"probable"`
	Possible  int     `json:"possible"`
	Unlikely  int     `json:"unlikely"`
	SetAside  int     `json:"set_aside"`
}

// Headline is the answer.
type Headline struct {
	HolderUsers         Bounds `json:"holder_users"`
	HolderWorkspaces    Bounds `json:"holder_workspaces"`
	RecipientDevices    Bounds `json:"recipient_devices"`
	RecipientUsers      Bounds `json:"recipient_users"`
	RecipientWorkspaces Bounds `json:"recipient_workspaces"`
	Deliveries          Bounds `json:"deliveries"`
	Unattributed        int    `json:"unattributed_deliveries"`
	StaffSessions       int    `json:"staff_sessions"`
	TotalWorkspaces     int    `json:"total_workspaces"`
	TotalWorkspacesBase string `json:"total_workspaces_base"`
	NotACeiling         bool   `json:"not_a_ceiling"`
	UsedDeliveries      int    `json:"deliveries_with_use_seen"`
	AccessRows          int    `json:"access_rows"`
	DeliveriesOutside   int    `json:"deliveries_outside_window"`
	FirstDelivery       string `json:"first_delivery_utc"`
	LastDelivery        string `json:"last_delivery_utc"`

	Outside  Outside  `json:"outside_window"`
	Ceilings Ceilings `json:"ceilings"`
}

// Funnel counts how rows became deliveries.
type Funnel struct {
	EdgeRows           int `json:"edge_rows"`
	OriginRows         int `json:"origin_rows"`
	SuspectRows        int `json:"suspect_rows"`
	Hits               int `json:"hits"`
	Fills              int `json:"fills"`
	FillsWithOriginRow int `json:"fills_with_origin_row"`
	SessionFills       int `json:"session_bearing_fills"`
	HitsWithoutSession int `json:"hits_without_session"`
	HitsWithCandidates int `json:"hits_with_candidates"`
	Orphans            int `json:"orphan_hits"`
	OrphansNotLive     int `json:"orphan_hits_while_no_session_was_stored"`
	OrphansBare        int `json:"orphan_hits_without_the_bytes_of_a_cookie"`
	ConflictingIDs     int `json:"conflicting_request_ids"`
}

// ControlResult is what the same code says of clean hours.
type ControlResult struct {
	From       string `json:"from"`
	To         string `json:"to"`
	EdgeRows   int    `json:"edge_rows"`
	Hits       int    `json:"hits"`
	Deliveries int    `json:"deliveries"`
	Confirmed  int    `json:"confirmed"`
	Probable   int    `json:"probable"`
}

// Gap is a stretch of the window in which a source says nothing.
type Gap struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Source string `json:"source"`
}

// Manifest is the identity of a case: everything that follows from the inputs
// and the incident file, nothing that varies between runs.
type Manifest struct {
	Schema      int              `json:"schema"`
	Case        string           `json:"case"`
	Tool        string           `json:"tool"`
	Complete    bool             `json:"complete"`
	Partial     []string         `json:"partial,omitempty"` // reasons; printed as PARTIAL
	Window      Period           `json:"window"`
	Incident    string           `json:"incident_sha256"`
	Key         string           `json:"key_fingerprint"`
	Headline    Headline         `json:"headline"`
	Assumptions []string         `json:"assumptions"`
	Warnings    []string         `json:"warnings,omitempty"`
	Joins       JoinSummary      `json:"joins"`
	Gaps        []Gap            `json:"gaps,omitempty"`
	Control     []ControlResult  `json:"control,omitempty"`
	Phases      []PhaseResult    `json:"phases,omitempty"`
	Reports     *ReportsResult   `json:"reports,omitempty"` // nil: no table was given
	Second      *SecondMethod    `json:"second_method,omitempty"`
	HeldOut     *HeldOut         `json:"held_out,omitempty"`
	Sensitivity []Sensitivity    `json:"sensitivity,omitempty"` // empty unless it was asked for
	Funnel      Funnel           `json:"funnel"`
	Params      any              `json:"params"` // posteriors of package calibrate
	Balance     Balance          `json:"balance"`
	Inputs      []ManifestInput  `json:"inputs"`
	Pruned      int              `json:"pruned_objects"`
	Flags       map[FlagName]int `json:"flags"`
	Synthetic   *Synthetic       `json:"synthetic,omitempty"`
	OriginOnly  string           `json:"origin_only,omitempty"` // why no edge log was read; then nothing was reconstructed
	Limits      []string         `json:"log_limits,omitempty"`  // what the edge's log, as it was delivered, cannot say
}

// Capability is one thing that a case's inputs can or cannot name, as it was
// told before they were read.
type Capability struct {
	What    string `json:"what"`
	Verdict string `json:"verdict"`          // yes, in part, no
	Why     string `json:"why"`              // with numbers
	Change  string `json:"change,omitempty"` // what would change it
}

// The verdicts of a Capability.
const (
	CapabilityYes    = "yes"
	CapabilityPartly = "in part"
	CapabilityNo     = "no"
)

// Synthetic is how right this build was on synthetic incidents, of which the
// truth is known, under the conditions nearest to the case's. It measures the
// build; of the case it says nothing.
type Synthetic struct {
	Label      string             `json:"label"` // "synthetic data"
	Sentence   string             `json:"sentence"`
	Model      string             `json:"model_sha256"` // of the sources that were measured
	Cell       string             `json:"nearest"`      // name of the incident; "": nothing was measured
	Conditions []ConditionPair    `json:"conditions"`
	Outside    []string           `json:"conditions_not_measured,omitempty"` // in which the case is unlike every incident
	Tiers      []SyntheticTier    `json:"tiers,omitempty"`
	ECE        map[string]float64 `json:"expected_calibration_error_of_ambiguous_hits,omitempty"`
	Case       Conditions         `json:"case"`
}

// SyntheticTier is how often the claims of one tier were true.
type SyntheticTier struct {
	Tier   string  `json:"tier"`
	Claims int     `json:"claims"`
	Wrong  int     `json:"wrong"`
	Share  float64 `json:"wrong_share"`
	Low    float64 `json:"low_95"`
	High   float64 `json:"high_95"`
}

// ConditionPair is one condition of the case beside the synthetic incident's.
type ConditionPair struct {
	Name      string `json:"name"`
	Case      string `json:"case"`
	Synthetic string `json:"synthetic"`
}

// Conditions are what makes attribution easier or harder, as a scan measures
// them. Shares are of 1.
type Conditions struct {
	TTL       float64 `json:"ttl_seconds"`
	Rate      float64 `json:"arrivals_per_second_key_and_cache"`
	Real      float64 `json:"p_real"`
	Floor     float64 `json:"p_floor"`
	Ceil      float64 `json:"p_ceil"`
	Caches    float64 `json:"caches_behind_a_name"`
	EdgeLost  float64 `json:"edge_rows_lost"`
	Logged    float64 `json:"fills_with_an_origin_row"`
	Cookies   float64 `json:"fills_with_an_edge_cookie"`
	Tier      float64 `json:"misses_answered_by_an_upper_tier"`
	Behind    float64 `json:"hits_also_seen_at_the_origin"`
	Refreshed float64 `json:"responses_revalidated"`
	Shared    float64 `json:"hits_from_shared_addresses"`
	Spread    float64 `json:"origin_clock_spread_seconds"`
}

// Period is a span in the manifest's own text form.
type Period struct {
	From        string `json:"from"`
	To          string `json:"to"`
	Lookback    string `json:"lookback"`
	Margin      string `json:"margin"`
	FollowUntil string `json:"follow_until"`
}

// JoinSummary is the joins over the whole window.
type JoinSummary struct {
	EdgeMisses     int `json:"edge_misses"`
	MissesAtOrigin int `json:"edge_misses_found_at_origin"`
	OriginIDs      int `json:"origin_ids"`
	OriginAtEdge   int `json:"origin_ids_found_at_edge"`
	Sessions       int `json:"session_rows"`
	SessionsKnown  int `json:"session_rows_known_to_directory"`
	Users          int `json:"user_rows"`
	UsersKnown     int `json:"user_rows_known_to_directory"`
}

// ManifestInput names one input by content.
type ManifestInput struct {
	URI     string  `json:"uri"`
	Kind    string  `json:"kind"`
	Size    int64   `json:"size"`
	SHA256  string  `json:"sha256"`
	Balance Balance `json:"balance"`
	First   string  `json:"first_utc"`
	Last    string  `json:"last_utc"`
}
