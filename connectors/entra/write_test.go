package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"trueup/connectors"
)

// exchange is one request that is expected and its answer.
type exchange struct {
	request string // method, path and body
	status  int
	answer  string
	header  string // "Name: value"
}

const (
	userPath   = "/v1.0/users/u%231"
	probe      = "GET " + userPath + "?$select=id,userPrincipalName,assignedLicenses,licenseAssignmentStates "
	assignPath = "POST " + userPath + "/assignLicense "
	revokeA    = assignPath + `{"addLicenses":[],"removeLicenses":["a"]}`
	assignB    = assignPath + `{"addLicenses":[{"skuId":"b","disabledPlans":[]}],"removeLicenses":[]}`
	swapAB     = assignPath + `{"addLicenses":[{"skuId":"b","disabledPlans":[]}],"removeLicenses":["a"]}`
)

// script answers one request after the other, after the token.
type script struct {
	t     *testing.T
	steps []exchange
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.HasSuffix(r.URL.Path, "/token") {
		want := "POST /contoso.onmicrosoft.com/oauth2/v2.0/token client_id=app&client_secret=s3cret&grant_type=client_credentials&scope=http%3A%2F%2F" +
			strings.ReplaceAll(r.Host, ":", "%3A") + "%2F.default"
		if got := r.Method + " " + r.RequestURI + " " + string(body); got != want {
			s.t.Errorf("token request:\n%s\nwant\n%s", got, want)
		}
		_, _ = io.WriteString(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"tok"}`)
		return
	}
	if len(s.steps) == 0 {
		s.t.Errorf("a request too many: %s %s", r.Method, r.RequestURI)
		return
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	if got := r.Method + " " + r.RequestURI + " " + string(body); got != step.request || r.Header.Get("Authorization") != "Bearer tok" {
		s.t.Errorf("request:\n%s\nwant\n%s", got, step.request)
	}
	if len(body) > 0 && r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("content type %q", r.Header.Get("Content-Type"))
	}
	w.Header().Set("request-id", "req-1")
	if name, value, ok := strings.Cut(step.header, ": "); ok {
		w.Header().Set(name, value)
	}
	w.WriteHeader(step.status)
	_, _ = io.WriteString(w, step.answer)
}

// writable opens a source that writes to a server.
func writable(t *testing.T, handler http.Handler) *writer {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	source, err := Descriptor().Open(section(samples, fmt.Sprintf("files: {people: users.guest.json}\n"+
		"endpoint: %s\nlogin: %s/\ntenant: contoso.onmicrosoft.com\nclient_id: app\nclient_secret: env:ENTRA_SECRET\nwrite: true", server.URL, server.URL)))
	if err != nil {
		t.Fatal(err)
	}
	return source.(*writer)
}

// refused is an error as Graph writes it.
func refused(code, message string) string {
	b, _ := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": message,
		"innerError": map[string]string{"date": "2026-11-22T06:00:00", "request-id": "req-1", "client-request-id": "c"}}})
	return string(b)
}

func shows(skus ...string) string {
	var all []string
	for _, sku := range skus {
		all = append(all, fmt.Sprintf(`{"disabledPlans":[],"skuId":%q}`, strings.ToUpper(sku)))
	}
	return `{"@odata.context":"x","id":"u#1","accountEnabled":true,"assignedLicenses":[` + strings.Join(all, ",") + `]}`
}

const inherited = "User license is inherited from a group membership and it cannot be removed directly from the user."

func TestWrites(t *testing.T) {
	revoke := func(w *writer) (connectors.Receipt, error) {
		return w.Revoke(t.Context(), connectors.Seat{Account: "u#1", Login: "a@x", Product: "a", Path: "direct"}, "key")
	}
	assign := func(w *writer) (connectors.Receipt, error) {
		return w.Assign(t.Context(), connectors.Seat{Account: "u#1", Product: "b"}, "key")
	}
	swap := func(w *writer) (connectors.Receipt, error) {
		return w.Swap(t.Context(), connectors.Seat{Account: "u#1", Product: "a", Path: "direct"}, "b", "key")
	}
	none := exchange{request: probe, status: 200, answer: `{"id":"u#1","assignedLicenses":[],"licenseAssignmentStates":[]}`}
	bad := func(request, code, message string) []exchange {
		return []exchange{{request: request, status: 400, answer: refused(code, message)}}
	}
	type want struct {
		receipt  connectors.Receipt
		class    connectors.Class
		answered bool
		text     string // in the error; "" for success
		hint     string // in the hint
		after    time.Duration
	}
	done := want{receipt: connectors.Receipt{Request: "req-1"}}
	tests := []struct {
		name  string
		call  func(*writer) (connectors.Receipt, error)
		steps []exchange
		want  want
	}{
		{"revoke", revoke, []exchange{{request: revokeA, status: 200, answer: shows("b")}}, done},
		{"revoke what is not held", revoke, bad(revokeA, "Request_BadRequest", "User does not have a corresponding license."),
			want{receipt: connectors.Receipt{Already: true, Request: "req-1", Detail: "Graph: the user does not hold the licence"}}},
		{"revoke what a group gives", revoke, bad(revokeA, "Request_BadRequest", inherited),
			want{class: connectors.Refused, answered: true, text: "inherited", hint: "out of the group"}},
		{"revoked and still shown", revoke, []exchange{{request: revokeA, status: 200, answer: shows("a")},
			{request: probe, status: 200, answer: `{"id":"u#1","assignedLicenses":[{"skuId":"A"}],"licenseAssignmentStates":[{"skuId":"A","assignedByGroup":null,"state":"Active"}]}`}},
			want{class: connectors.Transient, text: "still shows licence a"}},
		{"revoked and still given by a group", revoke, []exchange{{request: revokeA, status: 200, answer: shows("a")},
			{request: probe, status: 200, answer: `{"id":"u#1","assignedLicenses":[{"skuId":"a"}],"licenseAssignmentStates":[{"skuId":"a","assignedByGroup":"G1","state":"Active"}]}`}},
			want{receipt: connectors.Receipt{Request: "req-1", Detail: "the user still holds the licence by group:g1"}}},
		{"revoked and not to be read", revoke, []exchange{{request: revokeA, status: 200, answer: shows("a")}, {request: probe, status: 404}},
			want{class: connectors.Permanent, text: "status 404"}},
		{"revoke of nobody", revoke, []exchange{{request: revokeA, status: 404, answer: refused("Request_ResourceNotFound", "Resource 'u#1' does not exist.")}},
			want{class: connectors.Permanent, answered: true, text: "does not exist"}},
		{"dependent plan", revoke, bad(revokeA, "Request_BadRequest", "License assignment failed because service plan x depends on the service plan(s) y"),
			want{class: connectors.Permanent, answered: true, text: "depends on", hint: "change both"}},
		{"no permission", revoke, []exchange{{request: revokeA, status: 403, answer: refused("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")}},
			want{class: connectors.Unauthorised, answered: true, text: "Insufficient privileges", hint: "LicenseAssignment.ReadWrite.All"}},
		{"throttled", revoke, []exchange{{request: revokeA, status: 429, answer: refused("TooManyRequests", "Please retry again later."), header: "Retry-After: 12"}},
			want{class: connectors.Throttled, answered: true, text: "status 429", after: 12 * time.Second}},
		{"unavailable", revoke, []exchange{{request: revokeA, status: 503, answer: "<html>"}}, want{class: connectors.Transient, text: "status 503"}},
		{"at the same time", revoke, []exchange{{request: revokeA, status: 409, answer: refused("", "ConcurrencyViolation")}},
			want{class: connectors.Transient, answered: true, text: "status 409: ConcurrencyViolation"}},
		{"torn answer", revoke, []exchange{{request: revokeA, status: 200, answer: `{"id":`}}, want{class: connectors.Permanent, text: "not a user"}},

		{"assign", assign, []exchange{none, {request: assignB, status: 200, answer: shows("B")}}, done},
		{"assign what is held", assign, []exchange{{request: probe, status: 200, answer: `{"id":"u#1","assignedLicenses":[{"skuId":"B"}]}`}},
			want{receipt: connectors.Receipt{Already: true, Detail: "the user holds the licence"}}},
		{"no unit left", assign, append([]exchange{none}, bad(assignB, "CountViolation", "Subscription with SKU b does not have any available licenses.")...),
			want{class: connectors.Permanent, answered: true, text: "CountViolation", hint: "no unit is free"}},
		{"no usage location", assign, append([]exchange{none}, bad(assignB, "Request_BadRequest", "License assignment cannot be done for user with invalid usage location.")...),
			want{class: connectors.Permanent, answered: true, text: "usage location", hint: "set the user's usageLocation"}},
		{"assigned and not shown", assign, []exchange{none, {request: assignB, status: 200, answer: shows()}},
			want{class: connectors.Transient, text: "does not show licence b"}},
		{"unavailable before the write", assign, []exchange{{request: probe, status: 503}}, want{class: connectors.Transient, answered: true, text: "503"}},

		{"swap", swap, []exchange{{request: swapAB, status: 200, answer: shows("b")}}, done},
		{"swap of what is not held", swap, bad(swapAB, "Request_BadRequest", "User does not have a corresponding license."),
			want{class: connectors.Permanent, answered: true, text: "corresponding license", hint: "pull again"}},
		{"swapped by half", swap, []exchange{{request: swapAB, status: 200, answer: shows("a")}}, want{class: connectors.Transient, text: "does not show licence b"}},

		{"revoke of a group's path", func(w *writer) (connectors.Receipt, error) {
			return w.Revoke(t.Context(), connectors.Seat{Account: "u#1", Product: "a", Path: "group:g1"}, "")
		}, nil, want{class: connectors.Refused, answered: true, text: "group:g1", hint: "out of the group"}},
		{"revoke without an account", func(w *writer) (connectors.Receipt, error) {
			return w.Revoke(t.Context(), connectors.Seat{Account: "..", Product: "a"}, "")
		}, nil, want{class: connectors.Permanent, answered: true, text: `account ".." is no user's id`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &script{t, test.steps}
			receipt, err := test.call(writable(t, s))
			if len(s.steps) > 0 {
				t.Errorf("not asked: %v", s.steps)
			}
			if test.want.text == "" {
				if err != nil || receipt != test.want.receipt {
					t.Errorf("receipt %+v, error %v, want %+v", receipt, err, test.want.receipt)
				}
				return
			}
			e, ok := errors.AsType[*connectors.Error](err)
			if !ok || e.Class != test.want.class || e.Answered != test.want.answered || e.After != test.want.after ||
				!strings.Contains(e.Error(), test.want.text) || !strings.Contains(e.Hint, test.want.hint) {
				t.Errorf("error %+v, want %+v", e, test.want)
			}
			if strings.Contains(fmt.Sprint(err), "s3cret") || strings.Contains(fmt.Sprint(err), "tok ") {
				t.Errorf("error shows a secret: %v", err)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	w := writable(t, &script{t, []exchange{{request: probe, status: 200, answer: `{"id":"U#1","userPrincipalName":"a@x",
		"assignedLicenses":[{"skuId":"A"},{"skuId":"C"}],"licenseAssignmentStates":[{"skuId":"A","assignedByGroup":null,"state":"Active"},
		{"skuId":"A","assignedByGroup":"G","state":"Active"},{"skuId":"B","assignedByGroup":null,"state":"Error"}]}`}}})
	got, err := w.Probe(t.Context(), "u#1", "a@x")
	want := []connectors.Seat{{Account: "u#1", Login: "a@x", Product: "a", Path: "direct"}, {Account: "u#1", Login: "a@x", Product: "a", Path: "group:g"},
		{Account: "u#1", Login: "a@x", Product: "c", Path: "direct"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCheck(t *testing.T) {
	const skus = "GET /v1.0/subscribedSkus?$select=skuId "
	if err := writable(t, &script{t, []exchange{{request: skus, status: 200, answer: `{"value":[]}`}}}).Check(t.Context()); err != nil {
		t.Error(err)
	}
	err := writable(t, &script{t, []exchange{{request: skus, status: 403, answer: refused("Authorization_RequestDenied", "Insufficient privileges")}}}).Check(t.Context())
	if connectors.ClassOf(err) != connectors.Unauthorised || connectors.HintOf(err) == "" {
		t.Errorf("error %v", err)
	}
}

// TestSampleAnswer checks that the documented answer of assignLicense, with its SKU in capitals, is understood.
func TestSampleAnswer(t *testing.T) {
	b, err := os.ReadFile(samples + "assignLicense.response.json")
	if err != nil {
		t.Fatal(err)
	}
	u := new(user)
	if err := json.Unmarshal(b, u); err != nil {
		t.Fatal(err)
	}
	if !u.holds("0118a350-71fc-4ec3-8f0c-6a1cb8867561") || u.holds("bea13e0c-3828-4daa-a392-28af7ff61a0f") {
		t.Errorf("licences %+v", u.Licenses)
	}
}
