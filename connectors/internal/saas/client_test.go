package saas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"trueup/connectors"
)

const secret = "s3cret&with=odd signs"

// service is an API with its token endpoint. Answer is called for everything but tokens.
type service struct {
	*httptest.Server
	tokens int // given out
	seen   []string
	answer http.HandlerFunc
}

func newService(t *testing.T, answer http.HandlerFunc) *service {
	s := &service{answer: answer}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.seen = append(s.seen, fmt.Sprintf("%s %s | %s | %s | %s", r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), body))
	if r.URL.Path != "/tenant/token" {
		s.answer(w, r)
		return
	}
	s.tokens++
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprint("token-", s.tokens), "token_type": "Bearer", "expires_in": 3599})
}

func (s *service) client(t *testing.T) *Client {
	base, err := ParseAddress(s.URL + "/api/")
	if err != nil {
		t.Fatal(err)
	}
	token, err := ParseAddress(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return NewClient(base, Credentials{Token: token.JoinPath("tenant", "token"), ClientID: "id", Scope: "scope/.default",
		Secret: func() (string, error) { return secret, nil }})
}

func TestRequests(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" && r.Method == "POST" {
			w.WriteHeader(http.StatusUnauthorized) // expired
			return
		}
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	c := s.client(t)
	for _, call := range []struct {
		method, path string
		body         any
	}{{"GET", "/v1/a%20b?x=1", nil}, {"POST", "/v1/c", map[string]string{"k": "v"}}, {"GET", "/v1/d", nil}} {
		answer, err := c.Do(t.Context(), call.method, call.path, call.body)
		if err != nil || answer.Status != 200 || string(answer.Body) != `{"ok":true}` {
			t.Fatalf("%s: %+v, %v", call.path, answer, err)
		}
	}
	form := url.Values{"client_id": {"id"}, "client_secret": {secret}, "grant_type": {"client_credentials"}, "scope": {"scope/.default"}}.Encode()
	want := []string{
		"POST /tenant/token |  | application/x-www-form-urlencoded | " + form,
		"GET /api/v1/a%20b?x=1 | Bearer token-1 |  | ",
		`POST /api/v1/c | Bearer token-1 | application/json | {"k":"v"}`,
		"POST /tenant/token |  | application/x-www-form-urlencoded | " + form,
		`POST /api/v1/c | Bearer token-2 | application/json | {"k":"v"}`,
		"GET /api/v1/d | Bearer token-2 |  | ",
	}
	if got := strings.Join(s.seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("requests:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// TestUnauthorisedIsFinal checks that a token is renewed once only.
func TestUnauthorisedIsFinal(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	answer, err := s.client(t).Do(t.Context(), "GET", "/", nil)
	if err != nil || answer.Status != 401 || s.tokens != 2 {
		t.Errorf("%+v, %v, %d tokens", answer, err, s.tokens)
	}
}

func TestFaults(t *testing.T) {
	date := "Sun, 22 Nov 2026 06:00:00 GMT"
	tests := []struct {
		status   int
		retry    string
		class    connectors.Class
		after    time.Duration
		answered bool
	}{
		{400, "", connectors.Permanent, 0, true},
		{401, "", connectors.Unauthorised, 0, true},
		{403, "", connectors.Unauthorised, 0, true},
		{404, "", connectors.Permanent, 0, true},
		{409, "", connectors.Transient, 0, true},
		{429, "7", connectors.Throttled, 7 * time.Second, true},
		{429, "", connectors.Throttled, defaultWait, true},
		{429, "soon", connectors.Throttled, defaultWait, true},
		{429, "-1", connectors.Throttled, defaultWait, true},
		{429, "99999999999999999999", connectors.Throttled, defaultWait, true},
		{429, "86400", connectors.Throttled, maxWait, true},
		{429, "Sun, 22 Nov 2026 06:01:30 GMT", connectors.Throttled, 90 * time.Second, true},
		{429, "Sun, 22 Nov 2026 05:00:00 GMT", connectors.Throttled, 0, true},
		{429, "Mon, 22 Nov 2027 05:00:00 GMT", connectors.Throttled, maxWait, true},
		{500, "", connectors.Transient, 0, false},
		{502, "", connectors.Transient, 0, false},
		{503, "", connectors.Transient, 0, false},
		{503, "3", connectors.Throttled, 3 * time.Second, false},
		{504, "", connectors.Transient, 0, false},
		{302, "", connectors.Permanent, 0, false},
	}
	for _, test := range tests {
		a := Answer{Place: "GET /x", Status: test.status, Header: http.Header{"Date": {date}}}
		if test.retry != "" {
			a.Header.Set("Retry-After", test.retry)
		}
		e := a.Fault("why", "hint")
		if e.Class != test.class || e.After != test.after || e.Answered != test.answered || !strings.HasPrefix(e.Error(), fmt.Sprintf("GET /x: status %d: ", test.status)) {
			t.Errorf("%d %q: %+v", test.status, test.retry, e)
		}
	}
	if e := (&Answer{Status: 400, Header: http.Header{}}).Fault(strings.Repeat("ä", 2000), ""); len(e.Reason) > maxReason+30 {
		t.Errorf("a reason of %d bytes", len(e.Reason))
	}
}

// TestThrottlingIsTold holds that whoever watches the context hears of waits that were asked for, and of nothing else.
func TestThrottlingIsTold(t *testing.T) {
	status := http.StatusOK
	client := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
	}).client(t)
	var told []string
	ctx := connectors.WithTrace(t.Context(), &connectors.Trace{Throttled: func(host string, wait time.Duration) {
		told = append(told, host+" "+wait.String())
	}})
	for _, status = range []int{200, 404, 429, 500, 503} {
		for _, ctx := range []context.Context{ctx, t.Context()} { // unwatched, nothing happens
			if _, err := client.Do(ctx, http.MethodGet, "/users", nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := []string{"127.0.0.1 7s", "127.0.0.1 7s"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newService(t, func(http.ResponseWriter, *http.Request) { t.Error("followed") })
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	answer, err := s.client(t).Do(t.Context(), "POST", "/", 1)
	if err != nil || answer.Status != 307 {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestLongAnswerIsRefused(t *testing.T) {
	s := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		for range maxAnswer>>20 + 1 {
			_, _ = w.Write(make([]byte, 1<<20))
		}
	})
	_, err := s.client(t).Do(t.Context(), "GET", "/", nil)
	if connectors.ClassOf(err) != connectors.Permanent || !strings.Contains(fmt.Sprint(err), "longer than") {
		t.Errorf("error %v", err)
	}
}

func TestLostConnections(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"before the answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"within the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		},
	} {
		s := newService(t, answer)
		_, err := s.client(t).Do(t.Context(), "POST", "/x", 1)
		e, ok := errors.AsType[*connectors.Error](err)
		if !ok || e.Class != connectors.Transient || e.Answered || strings.Contains(err.Error(), s.URL) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newService(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := s.client(t).Do(ctx, "GET", "/", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestSecretsStayIn checks that neither the secret nor a token is in any error, even if the service sends them back.
func TestSecretsStayIn(t *testing.T) {
	status := http.StatusUnauthorized
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret '" + secret + "' for 'id'.\r\nTrace ID: 1"})
	}))
	t.Cleanup(server.Close)
	s := &service{Server: server}
	for status = range map[int]bool{400: true, 401: true} {
		_, err := s.client(t).Do(t.Context(), "GET", "/", nil)
		e, ok := errors.AsType[*connectors.Error](err)
		if !ok || e.Class != connectors.Unauthorised || !e.Answered || e.Hint == "" || !strings.Contains(err.Error(), "AADSTS7000215") {
			t.Errorf("error %v", err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, e), secret) || strings.Contains(err.Error(), "Trace") {
			t.Errorf("error shows too much: %v", err)
		}
	}
	whole := newService(t, func(http.ResponseWriter, *http.Request) {})
	used := whole.client(t)
	if _, err := used.Do(t.Context(), "GET", "/", nil); err != nil || strings.Contains(fmt.Sprintf("%v %+v %#v", used, used, used), "token-1") {
		t.Errorf("error %v, or the client shows its token", err)
	}
	c := s.client(t)
	c.credentials.Secret = func() (string, error) { return "", errors.New("ENTRA_SECRET is not set") }
	if _, err := c.Do(t.Context(), "GET", "/", nil); connectors.ClassOf(err) != connectors.Unauthorised || !strings.Contains(err.Error(), "ENTRA_SECRET is not set") {
		t.Errorf("error %v", err)
	}
}

func TestParseAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://graph.microsoft.com/": "https://graph.microsoft.com",
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080",
		"http://localhost:1/x/":        "http://localhost:1/x",
		"http://[::1]:1":               "http://[::1]:1",
		"http://graph.microsoft.com":   "",
		"http://127.0.0.1.evil.org":    "",
		"ftp://x":                      "",
		"https://user:pw@x":            "",
		"https://x?y":                  "",
		"https://x#y":                  "",
		"https:x":                      "",
		"graph.microsoft.com":          "",
		"https://%zz":                  "",
	} {
		u, err := ParseAddress(address)
		if (err == nil) != (want != "") || err == nil && u.String() != want {
			t.Errorf("%s: %v, %v", address, u, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("error shows the password: %v", err)
		}
	}
}

// TestNamesDoNotLeadInside checks the judgement of addresses at the moment of the connection.
func TestNamesDoNotLeadInside(t *testing.T) {
	for address, want := range map[string][2]bool{ // allowed for this machine, for others
		"127.0.0.1:80":         {true, false},
		"[::1]:80":             {true, false},
		"[::ffff:127.0.0.1]:1": {true, false},
		"20.190.159.1:443":     {false, true},
		"[2603:1026::1]:443":   {false, true},
		"10.0.0.1:443":         {false, false},
		"192.168.1.1:443":      {false, false},
		"169.254.169.254:80":   {false, false},
		"[fe80::1]:443":        {false, false},
		"[fd00:ec2::254]:80":   {false, false},
		"0.0.0.0:80":           {false, false},
		"224.0.0.1:80":         {false, false},
		"nonsense":             {false, false},
	} {
		for n, local := range []bool{true, false} {
			if err := judge(local)("tcp", address, nil); (err == nil) != want[n] {
				t.Errorf("%s, local %v: %v", address, local, err)
			}
		}
	}
	c := NewClient(&url.URL{Scheme: "http", Host: "10.255.255.1"}, Credentials{Token: &url.URL{Scheme: "http", Host: "10.255.255.1"},
		Secret: func() (string, error) { return "x", nil }})
	if _, err := c.Do(t.Context(), "GET", "/", nil); err == nil || !strings.Contains(err.Error(), "10.255.255.1 is not in the open network") {
		t.Errorf("error %v", err)
	}
}
