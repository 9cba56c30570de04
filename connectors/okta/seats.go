package okta

import (
	"context"
	"strings"

	"trueup/connectors"
	"trueup/connectors/internal/exports"
	"trueup/connectors/internal/jsondoc"
	"trueup/facts"
)

const (
	seatUser = iota
	seatScope
	seatStatus
	seatCreated
	seatChanged
	seatLogin
	seatEmail
	seatGroupName
	seatGroupLink
)

var seatPaths = jsondoc.NewPaths("id", "scope", "status", "created", "statusChanged", "credentials.userName", "profile.email",
	"_links.group.name", "_links.group.href")

// vacant are the statuses of an application's user who holds no seat of it.
var vacant = map[string]bool{"DEPROVISIONED": true, "INACTIVE": true, "REVOKED": true, "UNASSIGNED": true}

func (s *source) seats(ctx context.Context, p connectors.Pull, o *facts.Observation) error {
	scan := jsondoc.NewScanner(seatPaths)
	return s.Read(ctx, p, o, func(ctx context.Context, f *exports.File) error {
		if f.Product == "" {
			return f.Fault(connectors.Permanent, 0, "no product is named for this list of an application's users",
				"give the files of seats by product")
		}
		product := []byte(f.Product)
		options := jsondoc.Options{MaxDocument: f.Record(), Accept: f.AddRows, Reject: f.Reject}
		return jsondoc.Each(ctx, f, options, func(_ int, doc jsondoc.Doc) error {
			if err := scan.Scan(doc.Bytes); err != nil {
				return err
			}
			return addSeat(o, scan, product)
		})
	})
}

// addSeat reads one user of an application.
func addSeat(o *facts.Observation, scan *jsondoc.Scanner, product []byte) error {
	seat := facts.Seat{Account: scan.Text(seatUser), Login: scan.Text(seatLogin), Product: product}
	if len(seat.Account) == 0 {
		return jsondoc.Malformed("a user of an application without an id")
	}
	if vacant[string(scan.Text(seatStatus))] {
		return nil
	}
	if len(seat.Login) == 0 {
		seat.Login = scan.Text(seatEmail)
	}
	switch string(scan.Text(seatScope)) {
	case "GROUP":
		seat.Path = groupPath(scan)
	case "USER":
		seat.Path = []byte("direct")
	default:
		return jsondoc.Malformed("a user of an application with a scope that is neither USER nor GROUP")
	}
	// A change of status may be a new assignment; taking the later moment never makes a seat look idle too early.
	seat.Assigned = max(instant(scan.Value(seatCreated)), instant(scan.Value(seatChanged)))
	o.AddSeat(seat)
	return nil
}

// groupPath names the group through which a user has an application: by name, by the id at the end of its link, or, where
// the record has neither, as some group.
func groupPath(scan *jsondoc.Scanner) []byte {
	name := string(scan.Text(seatGroupName))
	if link := string(scan.Text(seatGroupLink)); name == "" && link != "" {
		name = link[strings.LastIndexByte(link, '/')+1:]
	}
	if name == "" {
		name = kind
	}
	return []byte("group:" + name)
}
