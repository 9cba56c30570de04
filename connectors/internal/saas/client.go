// Package saas calls the HTTP APIs of software services: with a bearer token that it gets by the client credentials grant
// (RFC 6749 section 4.4), with bounded answers, without following redirects, and with faults sorted into the classes of
// package connectors. It retries nothing but an expired token: whether a call may be made again is for the caller to
// know.
package saas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"trueup/connectors"
)

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 16 << 20

// Credentials are what the client credentials grant needs.
type Credentials struct {
	Token    *url.URL // token endpoint
	ClientID string
	Scope    string
	// Secret gives the client's secret. It is called when a token is needed and its result is kept nowhere.
	Secret func() (string, error)
}

// Client calls one service. It may be used by several goroutines.
type Client struct {
	base        *url.URL
	credentials Credentials
	http        *http.Client

	mu    sync.Mutex
	token *string // used until the service refuses it; a pointer, so that printing the client does not show it
}

// NewClient returns a client of the service at base. It does no I/O.
func NewClient(base *url.URL, credentials Credentials) *Client {
	return &Client{base: base, credentials: credentials, http: &http.Client{
		Transport:     transport(base.Hostname(), credentials.Token.Hostname()),
		Timeout:       5 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is what the service said, success or not.
type Answer struct {
	Place  string // method and path of the request
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request with body as JSON, none if nil, to a path below the base, which must be escaped already. An answer of
// any status comes without error; an error means that there was none: of class Transient if the connection failed,
// Unauthorised if no token could be had.
func (c *Client) Do(ctx context.Context, method, path string, body any) (*Answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	place := method + " " + path
	if k := strings.IndexByte(path, '?'); k >= 0 {
		place = method + " " + path[:k]
	}
	for fresh := false; ; fresh = true {
		token, err := c.bearer(ctx, fresh)
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(text))
		if err != nil {
			return nil, &connectors.Error{Class: connectors.Permanent, Place: place, Reason: "not a request", Answered: true}
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Accept", "application/json")
		if body != nil {
			request.Header.Set("Content-Type", "application/json")
		}
		answer, err := c.send(request, place)
		if err != nil || answer.Status != http.StatusUnauthorized || fresh {
			return answer, err
		}
	}
}

// send makes one exchange.
func (c *Client) send(request *http.Request, place string) (*Answer, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, lost(request.Context(), place, err)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, lost(request.Context(), place, err)
	}
	if len(body) > maxAnswer {
		return nil, &connectors.Error{Class: connectors.Permanent, Place: place,
			Reason: fmt.Sprintf("the answer is longer than %d bytes", maxAnswer)}
	}
	answer := &Answer{Place: place, Status: response.StatusCode, Header: response.Header, Body: body}
	if fault := answer.Fault("", ""); fault.Class == connectors.Throttled {
		connectors.TellThrottled(request.Context(), request.URL.Hostname(), fault.After)
	}
	return answer, nil
}

// lost is an exchange without an answer. The URL, which net/http puts into its errors, is left out.
func lost(ctx context.Context, place string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return &connectors.Error{Class: connectors.Transient, Place: place, Reason: "no answer", Err: err}
}

// bearer returns the token at hand, or gets another one.
func (c *Client) bearer(ctx context.Context, fresh bool) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != nil && !fresh {
		return *c.token, nil
	}
	c.token = nil
	secret, err := c.credentials.Secret()
	if err != nil {
		return "", &connectors.Error{Class: connectors.Unauthorised, Place: "client_secret", Err: err, Answered: true}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.credentials.ClientID},
		"client_secret": {secret}, "scope": {c.credentials.Scope}}
	place := "POST " + c.credentials.Token.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.credentials.Token.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", &connectors.Error{Class: connectors.Permanent, Place: place, Reason: "not a request", Answered: true}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	answer, err := c.send(request, place)
	if err != nil {
		return "", unsent(err)
	}
	token, err := granted(answer, secret)
	if err != nil {
		return "", unsent(err)
	}
	c.token = &token
	return token, nil
}

// unsent marks a fault of the token exchange: the request it was for was not made, so nothing was changed.
func unsent(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		e.Answered = true
	}
	return err
}

// granted reads a token endpoint's answer (RFC 6749 sections 5.1 and 5.2).
func granted(answer *Answer, secret string) (string, error) {
	var grant struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	err := json.Unmarshal(answer.Body, &grant)
	if answer.Status == http.StatusOK && err == nil && grant.AccessToken != "" {
		return grant.AccessToken, nil
	}
	first, _, _ := strings.Cut(grant.Description, "\n")
	reason := strings.TrimSpace(grant.Error + " " + first)
	if reason == "" {
		reason = "no token in the answer"
	}
	reason = strings.ReplaceAll(reason, secret, "***")
	fault := answer.Fault(reason, "")
	if answer.Status == http.StatusBadRequest || fault.Class == connectors.Unauthorised {
		fault.Class, fault.Hint = connectors.Unauthorised, "check tenant, client_id and client_secret"
	}
	return "", fault
}
