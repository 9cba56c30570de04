package reconcile

// Expression is a compiled rule. See rules.go for the names it may use.
type Expression struct {
	Source string
}
