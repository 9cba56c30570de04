package licensegen

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status says whether an order line stands.
type Status string

// The states of an order line.
const (
	Active    Status = "active"
	Cancelled Status = "cancelled"
)

// OrderLine is one line of an order as the sales system knows it. Only [Orders] and tests make one; it must not be
// changed.
type OrderLine struct {
	ID           LineID
	Customer     CustomerID
	CustomerName string // as it was read; may be anything that prints
	Product      ProductID
	Quantity     int64
	Model        Model
	Start        Date   // first day, in Zone
	End          Date   // last day, in Zone; absent: no end
	Host         string // id of the machine the licence is bound to; "" if none
	Status       Status
	Amended      Date // the day on which the line was ordered or last changed
	Zone         *time.Location
}

// What can be wrong with an order line. An [OrderError] wraps exactly one of them.
var (
	ErrColumns        = errors.New("wrong columns")
	ErrText           = errors.New("not a name or id")
	ErrUnknownProduct = errors.New("unknown product")
	ErrQuantity       = errors.New("wrong quantity")
	ErrModel          = errors.New("wrong licence model")
	ErrDate           = errors.New("wrong date")
	ErrHostID         = errors.New("wrong host")
	ErrStatus         = errors.New("wrong status")
	ErrZone           = errors.New("unknown time zone")
	ErrConflict       = errors.New("the line stands twice with different content")
)

// OrderError is an order line that was refused, with the place and what to do.
type OrderError struct {
	File string
	Line int64 // 1-based
	ID   LineID
	Err  error // wraps one of the errors above and says what was found
	Hint string
}

func (e *OrderError) Error() string {
	if e.ID == (LineID{}) {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s:%d: order line %s: %v", e.File, e.Line, e.ID, e.Err)
}

func (e *OrderError) Unwrap() error { return e.Err }

// Terms returns what a licence for the line grants by the catalogue.
func (l *OrderLine) Terms(c *Catalogue) (Terms, error) {
	product, ok := c.Product(string(l.Product))
	if !ok {
		return Terms{}, fmt.Errorf("order line %s: %w: %q", l.ID, ErrUnknownProduct, l.Product)
	}
	t := Terms{Customer: l.Customer, Line: l.ID, Product: product.ID, Features: product.features(), Model: l.Model,
		Quantity: l.Quantity, Start: l.Start, End: l.End, Zone: l.Zone.String()}
	if l.Host != "" {
		t.Host = BindHost(product.ID, l.Host)
	}
	if err := t.validate(); err != nil {
		return Terms{}, fmt.Errorf("order line %s: %w", l.ID, err)
	}
	return t, nil
}

// Begins returns the first instant of the line's term, in UTC.
func (l *OrderLine) Begins() time.Time { return l.Start.StartIn(l.Zone) }

// Ends returns the first instant after the line's term, in UTC; zero if the term has no end.
func (l *OrderLine) Ends() time.Time {
	if l.End.IsZero() {
		return time.Time{}
	}
	return l.End.EndIn(l.Zone)
}

// Over reports whether the line grants nothing at t and later: cancelled or past its end.
func (l *OrderLine) Over(t time.Time) bool {
	ends := l.Ends()
	return l.Status == Cancelled || !ends.IsZero() && !t.Before(ends)
}

// zones finds time zones by name and remembers them.
type zones map[string]*time.Location

func (z zones) find(name string) (*time.Location, error) {
	if zone, ok := z[name]; ok {
		return zone, nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%w %q", ErrZone, name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w %q", ErrZone, name)
	}
	z[name] = zone
	return zone, nil
}

// lineReader turns the cells of a row into an order line.
type lineReader struct {
	catalogue *Catalogue
	zones     zones
	zone      string // where a row names none
}

// fault is an error with what to do about it.
type fault struct {
	err  error
	hint string
}

func faultf(kind error, hint, format string, args ...any) *fault {
	return &fault{fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...)), hint}
}

func (r *lineReader) read(cell func(column string) string) (*OrderLine, *fault) {
	l := &OrderLine{ID: LineID{cell("order"), cell("line")}, Customer: CustomerID(cell("customer")),
		CustomerName: cell("customer_name"), Model: Model(cell("model")), Host: cell("host"), Status: Status(cell("status"))}
	for _, column := range []string{"order", "line", "customer"} {
		if err := checkText(cell(column)); err != nil {
			return l, faultf(ErrText, "an id is printable text of at most 128 bytes", "%s %v", column, err)
		}
	}
	if len(l.ID.Order) > MaxLineID || len(l.ID.Line) > MaxLineID {
		return l, faultf(ErrText, "shorten it", "order or line has more than %d bytes", MaxLineID)
	}
	for _, column := range []string{"customer_name", "host"} {
		if err := checkText(cell(column)); err != nil && cell(column) != "" {
			return l, faultf(ErrText, "remove what does not print", "%s %v", column, err)
		}
	}
	zone := cell("zone")
	if zone == "" {
		zone = r.zone
	}
	var err error
	if l.Zone, err = r.zones.find(zone); err != nil {
		return l, &fault{err, "write an IANA name such as Europe/Berlin"}
	}
	for _, part := range []func(*OrderLine, func(string) string) *fault{r.dates, r.product} {
		if f := part(l, cell); f != nil {
			return l, f
		}
	}
	if l.Status != Active && l.Status != Cancelled {
		return l, faultf(ErrStatus, "write active or cancelled", "%q", l.Status)
	}
	return l, nil
}

func (r *lineReader) product(l *OrderLine, cell func(string) string) *fault {
	product, ok := r.catalogue.Product(cell("product"))
	if !ok {
		return faultf(ErrUnknownProduct, "add the product or part number to the catalogue", "%q", cell("product"))
	}
	l.Product = product.ID
	quantity, err := strconv.ParseInt(cell("quantity"), 10, 64)
	if err != nil || quantity < 1 || quantity > product.maxQuantity() {
		return faultf(ErrQuantity, "correct the order, or raise max_quantity in the catalogue",
			"%q is not a number between 1 and %d", cell("quantity"), product.maxQuantity())
	}
	l.Quantity = quantity
	if l.Model == "" {
		l.Model = product.Models[0]
	}
	if !slices.Contains(product.Models, l.Model) {
		return faultf(ErrModel, "write one of the product's models", "%q is not one of %s", l.Model, joinModels(product.Models))
	}
	rules, _ := l.Model.rules()
	switch {
	case rules.needsEnd && l.End.IsZero():
		return faultf(ErrDate, "write the last day of the term", "end is missing, and a %s licence needs one", l.Model)
	case rules.noEnd && !l.End.IsZero():
		return faultf(ErrDate, "leave end empty, or choose another model", "end is %s, and a %s licence has none", l.End, l.Model)
	case rules.needsHost && l.Host == "":
		return faultf(ErrHostID, "write the id of the customer's machine", "host is missing, and a %s licence needs one", l.Model)
	}
	return nil
}

func (r *lineReader) dates(l *OrderLine, cell func(string) string) *fault {
	for _, d := range []struct {
		column string
		into   *Date
		needed bool
	}{{"start", &l.Start, true}, {"end", &l.End, false}, {"amended", &l.Amended, true}} {
		text := cell(d.column)
		if text == "" && !d.needed {
			continue
		}
		date, err := ParseDate(text)
		if err != nil {
			return faultf(ErrDate, "write a date as 2026-02-28", "%s: %v", d.column, err)
		}
		*d.into = date
	}
	if !l.End.IsZero() && l.End.Before(l.Start) {
		return faultf(ErrDate, "end is the last day of the term", "end %s is before start %s", l.End, l.Start)
	}
	return nil
}

func joinModels(models []Model) string {
	words := make([]string, len(models))
	for n, m := range models {
		words[n] = string(m)
	}
	return strings.Join(words, ", ")
}
