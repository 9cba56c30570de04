package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// asOf is the fixed moment of the benchmark; events lie in the 180 days before it.
var asOf = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

const eventDays = 180

// generate writes the organisation unless one of this size is there already. The data is the same for the same size; it
// comes scattered, as exports do: seats by product with people in no order, events by time with people in no order.
func (s size) generate(ctx context.Context) error {
	mark := filepath.Join(s.dir, "size")
	label := fmt.Sprintf("%d %d %g %d %d 3\n", s.users, s.products, s.density, s.events, s.eventsCSV)
	if b, err := os.ReadFile(mark); err == nil && string(b) == label {
		return nil
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	begin := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for name, write := range map[string]func(context.Context, *bufio.Writer) error{
		"events.jsonl": s.writeEvents, "events.csv": s.writeEventsCSV, "users.jsonl": s.writeUsers, "seats.csv": s.writeSeats,
		"contracts.csv": s.writeContracts, "products.yaml": s.writeProducts, "policy.yaml": writePolicy,
	} {
		group.Go(func() error { return writeTo(ctx, filepath.Join(s.dir, name), write) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "generated in %.1f s\n", time.Since(begin).Seconds())
	return os.WriteFile(mark, []byte(label), 0o644)
}

func writeTo(ctx context.Context, path string, write func(context.Context, *bufio.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(ctx, w); err != nil {
		return err
	}
	return w.Flush()
}

func login(user int) string { return "user" + strconv.Itoa(user) + "@example.com" }

func oktaID(user int) string { return fmt.Sprintf("00u%017d", user) }

// scatter visits 0..n-1 once each in an order that jumps about.
func scatter(n int, visit func(int) error) error {
	step := int(float64(n)*0.618) | 1
	for gcd(step, n) != 1 {
		step += 2
	}
	for k, at := 0, 0; k < n; k, at = k+1, (at+step)%n {
		if err := visit(at); err != nil {
			return err
		}
	}
	return nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (s size) writeUsers(_ context.Context, w *bufio.Writer) error {
	return scatter(s.users, func(user int) error {
		status, deactivated := "ACTIVE", "null"
		if user%25 == 7 { // 4 %
			status, deactivated = "DEPROVISIONED", `"2026-09-01T08:00:00.000Z"`
		}
		_, err := fmt.Fprintf(w, `{"id":"%s","status":"%s","created":"2024-01-10T09:00:00.000Z","statusChanged":%s,"lastLogin":null,`+
			`"profile":{"firstName":"User","lastName":"\"%d\"","login":"%s","email":"%s","department":"Dept %d"}}`+"\n",
			oktaID(user), status, deactivated, user, login(user), login(user), user%40)
		return err
	})
}

// seatsOf says whether a user has a seat of a product.
func (s size) holds(user, product int) bool {
	r := uint64(user)*0x9E3779B97F4A7C15 ^ uint64(product)*0xC2B2AE3D27D4EB4F
	r ^= r >> 29
	r *= 0xBF58476D1CE4E5B9
	return float64(r>>40)/float64(1<<24) < s.density
}

func (s size) writeSeats(_ context.Context, w *bufio.Writer) error {
	fmt.Fprintln(w, "account,product,assigned,path")
	random := rand.New(rand.NewPCG(1, 2))
	for product := range s.products {
		err := scatter(s.users, func(user int) error {
			if !s.holds(user, product) {
				return nil
			}
			account := login(user)
			switch n := random.IntN(1000); {
			case n < 10: // 1 % of accounts are in no directory
				account = "ghost" + account
			case n < 30: // 2 % are written with a capital
				account = "U" + account[1:]
			}
			line := fmt.Sprintf("%s,p%02d,2026-06-15T00:00:00Z,direct\n", account, product)
			if _, err := w.WriteString(line); err != nil {
				return err
			}
			if random.IntN(1000) < 5 { // 0.5 % stand twice: direct and by a group
				_, err := fmt.Fprintf(w, "%s,p%02d,2026-06-15T00:00:00Z,group:everybody\n", account, product)
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s size) writeContracts(_ context.Context, w *bufio.Writer) error {
	fmt.Fprintln(w, "contract,product,quantity,unit_price,price_per,currency,billing,start,end,notice,auto_renew,renew_term,commit_floor,true_down,pool,cost_centre,order")
	for product := range s.products {
		currency := []string{"EUR", "USD"}[product%2]
		half := int(float64(s.users) * s.density / 2)
		fmt.Fprintf(w, "C%02d,p%02d,%d,%d.00,year,%s,per-assigned,2026-01-01,2026-12-31,2026-11-30,true,12m,,true,,,O%02d\n", product, product, half, 60+product*12, currency, product)
		fmt.Fprintf(w, "C%02d-A,p%02d,%d,%d.00,year,%s,per-assigned,2026-03-01,2026-12-31,2026-11-30,true,12m,,true,,,O%02d\n", product, product, half+product*10, 60+product*12, currency, product)
	}
	return nil
}

func (s size) writeProducts(_ context.Context, w *bufio.Writer) error {
	fmt.Fprintln(w, "products:")
	for p := range s.products {
		fmt.Fprintf(w, "  - {id: p%02d, name: Product %02d, vendor: Vendor, metric: named-user, seats_from: {seats: [p%02d]}, activity: {okta: [\"App %02d\"], vpn: [\"App %02d\"]}}\n", p, p, p, p, p)
	}
	return nil
}

func writePolicy(_ context.Context, w *bufio.Writer) error {
	_, err := io.WriteString(w, `version: 1
mode: observe
reclaim:
  - {product: "*", idle_after: 60d, never_used_after: 30d, action: revoke}
leaver: {grace: 24h, action: revoke}
approval: {unattended: [leaver]}
`)
	return err
}

// applications used by a user: the products held, and one more now and then.
func (s size) application(random *rand.Rand, user int) int {
	for range 4 {
		if p := random.IntN(s.products); s.holds(user, p) {
			return p
		}
	}
	return random.IntN(s.products)
}

// person draws who signs in: a third of the people do most of it, some never do.
func (s size) person(random *rand.Rand) int {
	u := random.Float64()
	return int(u * u * float64(s.users) * 0.9)
}

func (s size) writeEvents(ctx context.Context, w *bufio.Writer) error {
	random := rand.New(rand.NewPCG(3, 4))
	span := int64(eventDays) * 86_400_000
	start := asOf.UnixMilli() - span - 1
	var line []byte
	for n := range s.events {
		if n%100_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		at := time.UnixMilli(start + span*int64(n)/int64(s.events) + int64(random.IntN(60_000))).UTC()
		if !at.Before(asOf) {
			at = asOf.Add(-time.Millisecond)
		}
		user := s.person(random)
		line = s.event(line[:0], random, at, user, n)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// event writes one System Log event in the vendor's key order and usual size.
func (s size) event(b []byte, random *rand.Rand, at time.Time, user, n int) []byte {
	kind, message, app := "policy.evaluate_sign_on", "Evaluation of sign-on policy", -1
	switch d := random.IntN(100); {
	case d < 62:
		kind, message, app = "user.authentication.sso", "User single sign on to app", s.application(random, user)
	case d < 80:
		kind, message = "user.session.start", "User login to Okta"
	}
	result := "SUCCESS"
	if random.IntN(100) < 4 {
		result = "FAILURE"
	}
	address := fmt.Sprintf("198.51.%d.%d", user%100, user%250)
	b = fmt.Appendf(b, `{"actor":{"id":"%s","type":"User","alternateId":"%s","displayName":"User \"%d\"","detailEntry":null},`, oktaID(user), login(user), user)
	b = fmt.Appendf(b, `"client":{"userAgent":{"rawUserAgent":"Mozilla/5.0 (X11; Linux x86_64)  Chrome/127.0.0.0","os":"Linux","browser":"CHROME"},"zone":"null","device":"Computer","id":null,"ipAddress":"%s","geographicalContext":{"city":"Berlin","country":"Germany","postalCode":"10115","geolocation":{"lat":52.53,"lon":13.38}}},`, address)
	b = fmt.Appendf(b, `"authenticationContext":{"authenticationProvider":null,"authenticationStep":0,"externalSessionId":"102%08x"},"displayMessage":"%s","eventType":"%s","outcome":{"result":"%s","reason":null},"published":"%s",`, n, message, kind, result, at.Format("2006-01-02T15:04:05.000Z"))
	b = fmt.Appendf(b, `"securityContext":{"asNumber":64496,"isProxy":false},"severity":"INFO","debugContext":{"debugData":{"requestId":"Yz%08x","requestUri":"/app/sso/saml"}},"legacyEventType":"app.auth.sso","transaction":{"type":"WEB","id":"Yt%08x","detail":{}},"uuid":"%08x-0000-11ef-8478-2b7584bf8d5a","version":"0",`, n, n, n)
	b = fmt.Appendf(b, `"request":{"ipChain":[{"ip":"%s","geographicalContext":{"city":"Berlin","country":"Germany"},"version":"V4","source":null}]},"target":`, address)
	if app < 0 {
		b = append(b, "null}\n"...)
		return b
	}
	b = fmt.Appendf(b, `[{"id":"0oa%05d","type":"AppInstance","alternateId":"App %02d","displayName":"App %02d","detailEntry":{"signOnModeType":"SAML_2_0"}},{"id":"0ua%07d","type":"AppUser","alternateId":"%s","displayName":"User \"%d\"","detailEntry":null}]}`, app, app, app, user, login(user), user)
	return append(b, '\n')
}

func (s size) writeEventsCSV(_ context.Context, w *bufio.Writer) error {
	fmt.Fprintln(w, "time,account,application,outcome,interactive,address,session,note")
	random := rand.New(rand.NewPCG(5, 6))
	span := int64(eventDays) * 86_400_000
	start := asOf.UnixMilli() - span - 1
	for n := range s.eventsCSV {
		at := time.UnixMilli(start + span*int64(n)/int64(s.eventsCSV)).UTC()
		user := s.person(random)
		outcome := "success"
		if random.IntN(100) < 4 {
			outcome = "failure"
		}
		_, err := fmt.Fprintf(w, "%s,%s,App %02d,%s,true,198.51.%d.%d,%016x,\"gateway 7, Berlin\"\n", at.Format("2006-01-02T15:04:05.000Z"), login(user),
			s.application(random, user), outcome, user%100, user%250, uint64(n)*0x9E3779B97F4A7C15)
		if err != nil {
			return err
		}
	}
	return nil
}
