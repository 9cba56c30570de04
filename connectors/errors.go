package connectors

import (
	"errors"
	"fmt"
	"time"
)

// Class says what an error means for the run.
type Class uint8

// The classes of error. Only Transient and Throttled are worth another try.
const (
	// Permanent will fail again: a missing file, a refused request.
	Permanent Class = iota
	// Transient may go away: a lost connection, a 5xx.
	Transient
	// Throttled asks to wait; see [Error.After].
	Throttled
	// Unauthorised needs another credential or permission.
	Unauthorised
	// Incomplete means that a part was read: a truncated file, a torn page.
	Incomplete
	// Refused means that the system will not do this by this path: a seat inherited from a group.
	Refused
)

var classNames = [...]string{"permanent", "transient", "throttled", "unauthorised", "incomplete", "refused"}

func (c Class) String() string { return classNames[c] }

// Error is a fault of an input or a vendor, with the place and what to do about it.
type Error struct {
	Class  Class
	Place  string        // file, URL without secrets, or operation
	Line   int64         // 1-based; 0 if there is none
	Reason string        // what is wrong, lower case, no full stop
	Hint   string        // what to do; "" if there is nothing to say
	After  time.Duration // how long to wait, of Throttled
	Err    error         // cause, may be nil
	// Answered says that the vendor answered the request, so that it is known to have changed nothing.
	Answered bool
}

func (e *Error) Error() string {
	text := e.Reason
	if e.Err != nil {
		if text != "" {
			text += ": "
		}
		text += e.Err.Error()
	}
	switch {
	case e.Place != "" && e.Line > 0:
		return fmt.Sprintf("%s:%d: %s", e.Place, e.Line, text)
	case e.Place != "":
		return e.Place + ": " + text
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of the first [Error] in err's chain; Permanent if there is none.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Permanent
}

// HintOf returns the hint of the first [Error] in err's chain that has one.
func HintOf(err error) string {
	for err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}
