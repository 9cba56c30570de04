package reconcile

import "trueup/facts"

// Run is one execution of the program that left something behind.
type Run struct {
	ID       string        `json:"run"`  // sortable by start: 20261122T020000Z-xxxxxx
	Kind     string        `json:"kind"` // run, plan, pull, apply
	Started  facts.Instant `json:"started"`
	Finished facts.Instant `json:"finished"`
	AsOf     facts.Instant `json:"as_of"`
	State    RunState      `json:"state"`
	Plan     string        `json:"plan"`  // id of the plan it made or applied; "" if none
	Exit     int           `json:"exit"`  // exit code
	Error    string        `json:"error"` // what ended it early
	Who      string        `json:"who"`   // OS user and host
	Build    string        `json:"build"`
	Workbook string        `json:"workbook"` // where it was published
}

// RunState is how a run stands.
type RunState string

// The states of a run. One that is found running without holding the lease was interrupted.
const (
	RunRunning     RunState = "running"
	RunDone        RunState = "done"
	RunFailed      RunState = "failed"
	RunInterrupted RunState = "interrupted"
)

// PulledInput is the record of one pull of one feed: enough to read the same bytes again from the archive.
type PulledInput struct {
	Run      string        `json:"run"`
	Source   string        `json:"source"`
	Kind     string        `json:"kind"`
	Feed     facts.Feed    `json:"feed"`
	Observed facts.Instant `json:"observed"`
	Complete bool          `json:"complete"`
	Failure  string        `json:"failure"`
	Rows     int64         `json:"rows"`
	Rejected int64         `json:"rejected"`
	Files    []facts.File  `json:"files"`
}

// PlanRecord is a stored plan: its identity, and where in the archive everything lies that it was decided from, so that
// it can be decided again without any source.
type PlanRecord struct {
	ID        string        `json:"plan"`
	Run       string        `json:"run"`
	AsOf      facts.Instant `json:"as_of"`
	Made      facts.Instant `json:"made"`
	Decisions facts.Digest  `json:"decisions"`
	Digest    facts.Digest  `json:"digest"`
	Build     string        `json:"build"`
	Snapshot  facts.Digest  `json:"snapshot"` // archive object: the frozen snapshot
	Policy    facts.Digest  `json:"policy"`   // archive object: policy.yaml as read
	Products  facts.Digest  `json:"products"` // archive object: products.yaml as read
	Options   facts.Digest  `json:"options"`  // archive object: [Options] as JSON
	Config    facts.Digest  `json:"config"`
	Rows      facts.Digest  `json:"rows"` // archive object: all rows as one column file
	Mode      Mode          `json:"mode"`
	AppliedBy string        `json:"applied_by"` // run that used it up; "" if none
}

// Intent is written before a vendor is called: what is about to be done, under which fencing epoch.
type Intent struct {
	Action  facts.Digest  `json:"action"` // the case
	Plan    string        `json:"plan"`
	Run     string        `json:"run"`
	Epoch   int64         `json:"epoch"`
	Attempt int           `json:"attempt"`
	At      facts.Instant `json:"at"`
	Kind    ActionKind    `json:"kind"`
	Source  string        `json:"source"`
	Account string        `json:"account"` // the vendor's id
	Login   string        `json:"login"`
	Item    string        `json:"item"`    // the vendor's SKU
	ToItem  string        `json:"to_item"` // of a downgrade, upgrade or issue
	Before  []string      `json:"before"`  // the account's items just before, for the undo
	Holder  string        `json:"holder"`
	Product string        `json:"product"`
	Verdict string        `json:"verdict"`
	// Department of the holder, for rolling caps.
	Department string `json:"department"`
	// Frees and Takes name the product and pool of which the action gives a seat back, or takes one; "" for none. It is not
	// begun before After seats of Takes were taken back in the same run, and that was confirmed. The ledger does not keep these.
	Frees string `json:"-"`
	Takes string `json:"-"`
	After int    `json:"-"`
}

// Outcome is written after: how an action ended.
type Outcome struct {
	Action  facts.Digest  `json:"action"`
	Run     string        `json:"run"`
	Attempt int           `json:"attempt"`
	At      facts.Instant `json:"at"`
	State   State         `json:"state"`
	Already bool          `json:"already"` // the vendor was in the wanted state before the call
	Request string        `json:"request"` // the vendor's request id
	Detail  string        `json:"detail"`  // for people
}
