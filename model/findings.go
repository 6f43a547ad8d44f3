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
