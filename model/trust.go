package model

// This file holds what lets a reader check an answer without trusting the
// model behind it (design.md 9): phases, support reports, a second method,
// predictions of what was hidden, ceilings.

// Event is a moment of the incident that its owner knows of: a change, its
// revert, a shutdown.
type Event struct {
	At   Instant
	What string // free text: "revert"
}

// PhaseMinute counts one minute at one location in one phase of the incident.
// A minute in which a phase ends has a record for each. Order: minute,
// location, phase.
type PhaseMinute struct {
	Minute   Instant
	Location string
	Phase    string
	Requests, Hits, SessionFills,
	Deliveries, Used int // of suspect routes, in the window and its margin
}

// OutsideDelivery is a row of a hit in the margin around the window. It is in
// no count of the headline but its own. Order: as Delivery.
type OutsideDelivery struct{ Delivery }

// ReportMatch is one support report and the deliveries that explain it, or why
// none does. Order: reported time, then place in the table.
type ReportMatch struct {
	Ref             Ref // of the table
	At              Instant
	User, Workspace string
	Outcome         string // a word of a fixed list
	MatchedBy       string // what the report and the deliveries share; "" none
	Tier            string // strongest of the matched rows; "" none
	PApplied        float64
	Deliveries      int      // hits
	DeliveryIDs     []string // strongest rows first; a few
	Explanation     string   // never the report's own note, which is personal
}

// TwoDevices is one session that two devices presented within one step of
// time. Order: session.
type TwoDevices struct {
	Session     ID
	User        string
	First, Last Instant // start of the first and last such step
	Steps       int
	Devices     int    // the most in one step
	OtherAgent  bool   // in some step the devices differ in User-Agent too
	Tier        string // by the reconstruction; "" if it knows no delivery of it
}

// TierChange is a workspace that another assumption would place elsewhere. Only
// changes across, or above, the border of the notices are told: a workspace
// that is at most unlikely either way is left out. Order: alternative as in the
// manifest, then workspace, then role.
type TierChange struct {
	Alternative string
	Workspace   string
	Role        Role
	Base, Other string // tiers; "" not in the case
	Change      string // appears, vanishes or tier
}

func (TierChange) finding()      {}
func (PhaseMinute) finding()     {}
func (OutsideDelivery) finding() {}
func (ReportMatch) finding()     {}
func (TwoDevices) finding()      {}

// PhaseResult sums up one phase of the incident. Times are in the manifest's
// own text form.
type PhaseResult struct {
	Phase         string `json:"phase"`
	Event         string `json:"event,omitempty"` // what began it; none at the first
	From          string `json:"from"`
	To            string `json:"to"`     // where judged: no further than was looked
	Judged        bool   `json:"judged"` // it meets the window or its margin
	Requests      int    `json:"requests"`
	Hits          int    `json:"hits"`
	SessionFills  int    `json:"session_fills"`
	Deliveries    int    `json:"deliveries"`
	Used          int    `json:"deliveries_with_use_seen"`
	AccessRows    int    `json:"access_rows"` // requests made as the holder in this phase
	Locations     int    `json:"locations_with_deliveries"`
	FirstDelivery string `json:"first_delivery_utc,omitempty"`
	LastDelivery  string `json:"last_delivery_utc,omitempty"`
	LastFill      string `json:"last_session_fill_utc,omitempty"`
}

// Outside is what the margin around the window holds.
type Outside struct {
	Before int    `json:"before_window"` // hits
	After  int    `json:"after_window"`
	First  string `json:"first_utc,omitempty"`
	Last   string `json:"last_utc,omitempty"`
}

// ReportsResult sums up the support reports.
type ReportsResult struct {
	Total     int            `json:"total"`
	Explained int            `json:"explained"`
	By        map[string]int `json:"explained_by,omitempty"` // side of the deliveries that the report is on
	Horizon   string         `json:"horizon"`                // how long before a report its delivery may lie
	Outcomes  map[string]int `json:"outcomes"`
}

// Ceilings are counts that need no model: no estimate may exceed them, unless
// rows are missing from the logs.
type Ceilings struct {
	Users           int `json:"users_whose_session_reached_the_routes"`
	UnknownSessions int `json:"sessions_there_without_a_known_user"`
	Workspaces      int `json:"workspaces_of_these_users"`
	Clients         int `json:"clients_that_a_cache_may_have_answered"`
}

// SecondMethod counts sessions that two devices presented within one step, in
// the window and in clean hours. It knows nothing of caches.
type SecondMethod struct {
	Step        string      `json:"step"`
	Baseline    string      `json:"baseline"` // control, lookback or none
	InWindow    StepCount   `json:"window"`
	InClean     StepCount   `json:"clean_hours"`
	Sessions    int         `json:"sessions_on_two_devices"`
	Agents      int         `json:"sessions_on_two_user_agents"`
	Expected    float64     `json:"sessions_expected_from_clean_hours"`
	ExpectedUA  float64     `json:"sessions_on_two_user_agents_expected"`
	Overlap     []TierShare `json:"overlap"` // by tier of the reconstruction, strongest first
	OnlySecond  int         `json:"sessions_without_reconstructed_delivery"`
	OnlySecondA int         `json:"of_these_on_two_user_agents"`
}

// StepCount counts steps of sessions.
type StepCount struct {
	Steps      int `json:"session_steps"`
	TwoDevices int `json:"on_two_devices"`
	TwoAgents  int `json:"on_two_user_agents"`
	Sessions   int `json:"sessions"`
	SessionsTD int `json:"sessions_on_two_devices"`
	SessionsTA int `json:"sessions_on_two_user_agents"`
}

// TierShare says of how many delivered sessions of a tier something holds.
type TierShare struct {
	Tier     string `json:"tier"`
	Sessions int    `json:"sessions"`
	Shown    int    `json:"shown_by_second_method"`
}

// HeldOut says how well probabilities that were computed without what was seen
// of a device after a hit foretold it. It is this case's own data.
type HeldOut struct {
	Hits        int           `json:"hits"`  // tried: what became of them was seen
	Pairs       int           `json:"pairs"` // hit × candidate session
	ECE         float64       `json:"expected_calibration_error"`
	Bins        []Reliability `json:"bins"`
	Held        int           `json:"hits_whose_session_was_held"` // with all sightings
	RankedTop   int           `json:"of_these_foretold_as_the_likeliest"`
	AsideHeld   int           `json:"set_aside_but_held_all_the_same"`
	OneDeviceIn int           `json:"one_device_in"`
}

// Reliability is one bin of a reliability table.
type Reliability struct {
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	N        int     `json:"n"`
	Foretold float64 `json:"mean_foretold"`
	Found    float64 `json:"mean_found"`
}

// Sensitivity is what another assumption makes of the same logs. The first one
// of a manifest is the case itself.
type Sensitivity struct {
	Alternative string `json:"alternative"`
	Words       string `json:"words"`
	Workspaces  Bounds `json:"holder_workspaces"`
	Deliveries  Bounds `json:"deliveries"`
	Lost        int    `json:"unattributed_deliveries"`
	Appear      int    `json:"workspace_sides_that_appear"`
	Vanish      int    `json:"workspace_sides_that_vanish"`
	Tier        int    `json:"workspace_sides_of_another_tier"`
}
