package model

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
