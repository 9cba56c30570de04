package entra

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trueup/connectors"
	"trueup/connectors/connectortest"
	"trueup/facts"
	"trueup/fixtures/graph"
)

const (
	e3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	e5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
)

// tenant is a stateful Graph with its export: ana holds e3, ben holds it by a group, cem both ways, dua nothing, eli
// nothing and has no usage location. One unit of e5 is free.
func tenant(t *testing.T) (server *graph.Server, w *writer) {
	t.Helper()
	group, germany := "6f1f0b8e-9d8c-4c38-a3c8-1f3f6f7a0001", "DE"
	user := func(name string, location *string, groups ...*string) graph.User {
		u := graph.User{ID: "id-" + name, UserPrincipalName: name + "@example.com", AccountEnabled: true, UserType: "Member",
			UsageLocation: location, AssignedLicenses: []graph.AssignedLicense{}, LicenseAssignmentStates: []graph.LicenseAssignmentState{}}
		for _, g := range groups {
			u.LicenseAssignmentStates = append(u.LicenseAssignmentStates, graph.LicenseAssignmentState{SKUID: e3, AssignedByGroup: g, State: "Active"})
			u.AssignedLicenses = []graph.AssignedLicense{{SKUID: e3}}
		}
		return u
	}
	users := []graph.User{user("ana", &germany, nil), user("ben", &germany, &group), user("cem", &germany, nil, &group),
		user("dua", &germany), user("eli", nil)}
	skus := []graph.SubscribedSKU{{SKUID: e3, AppliesTo: "User", ConsumedUnits: 3, PrepaidUnits: graph.PrepaidUnits{Enabled: 3}},
		{SKUID: e5, AppliesTo: "User", PrepaidUnits: graph.PrepaidUnits{Enabled: 1}}}

	dir := t.TempDir()
	var pages, counters strings.Builder
	if err := graph.WriteUsers(&pages, "https://graph", users, 0); err != nil {
		t.Fatal(err)
	}
	if err := graph.WriteSKUs(&counters, "https://graph", skus); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"entra/" + graph.PageName(0): pages.String(), "entra/subscribedSkus.json": counters.String(), graph.SecretFile: "s3cret\n"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server, err := graph.Load(dir, graph.Options{Base: "https://graph"})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(server)
	t.Cleanup(endpoint.Close)
	source, err := Descriptor().Open(section(dir, fmt.Sprintf("files: {people: entra/users-*.json, seats: entra/users-*.json, counters: entra/subscribedSkus.json}\n"+
		"endpoint: %s\nlogin: %s\ntenant: %s\nclient_id: %s\nclient_secret: env:ENTRA_SECRET\nwrite: true", endpoint.URL, endpoint.URL, graph.Tenant, graph.ClientID)))
	if err != nil {
		t.Fatal(err)
	}
	return server, source.(*writer)
}

func own3(name string) connectors.Seat {
	return connectors.Seat{Account: "id-" + name, Login: name + "@example.com", Product: e3, Path: direct}
}

// TestChangesAreMade drives a Graph that keeps its state through the life of some licences.
func TestChangesAreMade(t *testing.T) {
	server, w := tenant(t)
	ctx := t.Context()
	if err := w.Check(ctx); err != nil {
		t.Fatal(err)
	}
	receipt, err := w.Revoke(ctx, own3("ana"), "")
	if err != nil || receipt.Already || receipt.Request == "" {
		t.Errorf("revoke: %+v, %v", receipt, err)
	}
	if receipt, err = w.Revoke(ctx, own3("ana"), ""); err != nil || !receipt.Already {
		t.Errorf("revoke again: %+v, %v", receipt, err)
	}
	if _, err = w.Revoke(ctx, own3("ben"), ""); connectors.ClassOf(err) != connectors.Refused || !strings.Contains(connectors.HintOf(err), "group") {
		t.Errorf("revoke of what a group gives: %v", err)
	}
	if receipt, err = w.Revoke(ctx, own3("cem"), ""); err != nil || !strings.Contains(receipt.Detail, "group:6f1f0b8e") {
		t.Errorf("revoke of what a group gives too: %+v, %v", receipt, err)
	}
	server.ExpireTokens()
	if receipt, err = w.Assign(ctx, own3("ana"), ""); err != nil || receipt.Already {
		t.Errorf("assign: %+v, %v", receipt, err)
	}
	if receipt, err = w.Assign(ctx, own3("ana"), ""); err != nil || !receipt.Already {
		t.Errorf("assign again: %+v, %v", receipt, err)
	}
	if receipt, err = w.Swap(ctx, own3("ana"), e5, ""); err != nil || receipt.Request == "" {
		t.Errorf("swap: %+v, %v", receipt, err)
	}
	if _, err = w.Assign(ctx, connectors.Seat{Account: "id-dua", Product: e5}, ""); err == nil || !strings.Contains(connectors.HintOf(err), "no unit is free") {
		t.Errorf("assign without a free unit: %v", err)
	}
	if _, err = w.Assign(ctx, own3("eli"), ""); err == nil || !strings.Contains(connectors.HintOf(err), "usageLocation") {
		t.Errorf("assign without a usage location: %v", err)
	}
	if got := fmt.Sprint(server.Licenses("id-ana"), server.Licenses("id-ben"), server.Licenses("id-cem"), server.Licenses("id-dua")); got != fmt.Sprintf("[%s] [%s] [%s] []", e5, e3, e3) {
		t.Errorf("licences %s", got)
	}
	if n := len(server.Effects()); n != 4 {
		t.Errorf("%d effects, want 4: %+v", n, server.Effects())
	}
}

// TestFaultsAreClassed checks what each way of failing says about what was done.
func TestFaultsAreClassed(t *testing.T) {
	tests := []struct {
		fault    graph.Fault
		class    connectors.Class
		answered bool
		after    time.Duration
		held     int // licences left
	}{
		{graph.Fault{Kind: graph.LoseRequest}, connectors.Transient, false, 0, 1},
		{graph.Fault{Kind: graph.LoseReply}, connectors.Transient, false, 0, 0},
		{graph.Fault{Kind: graph.TearBody}, connectors.Transient, false, 0, 0},
		{graph.Fault{Kind: graph.Unavailable}, connectors.Transient, false, 0, 1},
		{graph.Fault{Kind: graph.Throttle, After: 3 * time.Second}, connectors.Throttled, true, 3 * time.Second, 1},
	}
	for _, test := range tests {
		server, w := tenant(t)
		server.Inject(test.fault)
		_, err := w.Revoke(t.Context(), own3("ana"), "")
		e, ok := errors.AsType[*connectors.Error](err)
		if !ok || e.Class != test.class || e.Answered != test.answered || e.After != test.after {
			t.Errorf("fault %d: %+v", test.fault.Kind, e)
		}
		if seats, err := w.Probe(t.Context(), "id-ana", ""); err != nil || len(seats) != test.held {
			t.Errorf("fault %d: read back %+v, %v", test.fault.Kind, seats, err)
		}
	}
}

// TestProbeAgreesWithExport checks that an account read alone shows the seats that the export shows.
func TestProbeAgreesWithExport(t *testing.T) {
	_, w := tenant(t)
	o := pullFrom(t, w, facts.FeedSeats)
	var probed []string
	for _, name := range []string{"ana", "ben", "cem", "dua", "eli"} {
		seats, err := w.Probe(t.Context(), "id-"+name, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range seats {
			probed = append(probed, fmt.Sprintf("%s %s %s %s ", s.Account, s.Login, s.Product, s.Path))
		}
	}
	connectortest.Same(t, "seats", connectortest.Seats(o), probed...)
	if len(probed) != 4 {
		t.Errorf("%d seats", len(probed))
	}
}
