package licensegen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testKey is the key of RFC 8037, appendix A: as public as a private key can be.
func testKey(t testing.TB) PrivateKey {
	t.Helper()
	return keyFromSeed(t, []byte("\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4"+
		"\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60"))
}

func otherKey(t testing.TB) PrivateKey {
	t.Helper()
	seed := sha256.Sum256([]byte("another key"))
	return keyFromSeed(t, seed[:])
}

func keyFromSeed(t testing.TB, seed []byte) PrivateKey {
	t.Helper()
	key, err := GenerateKey(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func testCatalogue() *Catalogue {
	return &Catalogue{Issuer: "Example Software Ltd", Products: []Product{
		{ID: "orbit-suite", Name: "Orbit Suite", Parts: []string{"OS-100", "OS-200"}, Features: []string{"orbit", "export", "orbit"},
			Models: []Model{Subscription, Perpetual, NodeLocked, NamedUser}},
		{ID: "lathe", Name: "Lathe", Features: []string{"turn"}, Models: []Model{Perpetual, Floating}, MaxQuantity: 50},
	}}
}

func zone(t testing.TB, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func testLine(t testing.TB) *OrderLine {
	return &OrderLine{ID: LineID{"SO-1001", "1"}, Customer: "C-7", CustomerName: "Müller & Söhne KG", Product: "orbit-suite",
		Quantity: 25, Model: Subscription, Start: Date{2026, 4, 1}, End: Date{2027, 3, 31}, Status: Active,
		Amended: Date{2026, 3, 20}, Zone: zone(t, "Europe/Berlin")}
}

func newIssuer(t testing.TB, key Signer) *Issuer {
	t.Helper()
	i, err := NewIssuer(testCatalogue(), key)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func issue(t testing.TB, i *Issuer, line *OrderLine, former *License) *License {
	t.Helper()
	draft, err := i.Prepare(line, former)
	if err != nil {
		t.Fatal(err)
	}
	l, err := i.Issue(draft)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func testVerifier(t testing.TB) *Verifier {
	return NewVerifier("Example Software Ltd", testKey(t).Public())
}

func TestGoldenLicence(t *testing.T) {
	i := newIssuer(t, testKey(t))
	bound := testLine(t)
	bound.ID.Line, bound.Model, bound.Host, bound.End = "2", NodeLocked, "4C4C4544-0051", Date{}
	first := issue(t, i, testLine(t), nil)
	more := testLine(t)
	more.Quantity, more.Amended = 40, Date{2026, 9, 1}
	for name, l := range map[string]*License{"subscription": first, "node-locked": issue(t, i, bound, nil),
		"reissued": issue(t, i, more, first)} {
		path := filepath.Join("testdata", name+".license")
		if *update {
			if err := os.WriteFile(path, l.File(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(l.File(), want) {
			t.Errorf("%s:\n got %s\nwant %s", name, l.File(), want)
		}
	}
}

func TestSameLineSameBytes(t *testing.T) {
	a, b := newIssuer(t, testKey(t)), newIssuer(t, testKey(t))
	renamed := testLine(t)
	renamed.CustomerName = "Müller AG"
	if one, two := issue(t, a, testLine(t), nil), issue(t, b, renamed, nil); one.Token() != two.Token() {
		t.Errorf("the same line gave\n%s\n%s", one.Token(), two.Token())
	}
	if other := issue(t, newIssuer(t, otherKey(t)), testLine(t), nil); other.ID != issue(t, a, testLine(t), nil).ID {
		t.Error("the id depends on the key")
	}
}

func TestVerify(t *testing.T) {
	line := testLine(t)
	line.Model, line.Host = NodeLocked, "4C4C4544-0051"
	file := issue(t, newIssuer(t, testKey(t)), line, nil).File()
	good := Use{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), Product: "orbit-suite", Host: " 4c4c4544-0051"}
	begin := time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC)
	end := time.Date(2027, 3, 31, 22, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		v    *Verifier
		use  func(Use) Use
		want error
	}{
		{"good", testVerifier(t), func(u Use) Use { return u }, nil},
		{"first instant", testVerifier(t), func(u Use) Use { u.At = begin; return u }, nil},
		{"just before", testVerifier(t), func(u Use) Use { u.At = begin.Add(-1); return u }, ErrNotYet},
		{"last instant", testVerifier(t), func(u Use) Use { u.At = end.Add(-1); return u }, nil},
		{"just after", testVerifier(t), func(u Use) Use { u.At = end; return u }, ErrExpired},
		{"product", testVerifier(t), func(u Use) Use { u.Product = "lathe"; return u }, ErrProduct},
		{"host", testVerifier(t), func(u Use) Use { u.Host = "4c4c4544-0052"; return u }, ErrHost},
		{"no host", testVerifier(t), func(u Use) Use { u.Host = ""; return u }, ErrHost},
		{"unknown key", NewVerifier("Example Software Ltd", otherKey(t).Public()), func(u Use) Use { return u }, ErrUnknownKey},
		{"no key", NewVerifier("Example Software Ltd"), func(u Use) Use { return u }, ErrUnknownKey},
		{"zero key", NewVerifier("Example Software Ltd", PublicKey{}), func(u Use) Use { return u }, ErrUnknownKey},
		{"two keys", NewVerifier("Example Software Ltd", otherKey(t).Public(), testKey(t).Public()), func(u Use) Use { return u }, nil},
		{"issuer", NewVerifier("Somebody Else", testKey(t).Public()), func(u Use) Use { return u }, ErrIssuer},
	} {
		l, err := c.v.Verify(file, c.use(good))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if (l == nil) != (c.want != nil) {
			t.Errorf("%s: licence %v beside error %v", c.name, l, err)
		}
	}
}

// TestTamper changes every byte of a file in several ways; none may be accepted.
func TestTamper(t *testing.T) {
	file := issue(t, newIssuer(t, testKey(t)), testLine(t), nil).File()
	v := testVerifier(t)
	if _, err := v.Authenticate(file); err != nil {
		t.Fatal(err)
	}
	for n := range file {
		for _, b := range []byte{file[n] ^ 1, file[n] ^ 0x20, file[n] ^ 0x80, 'A', '.', '\n', '\r', 0} {
			if b == file[n] {
				continue
			}
			changed := bytes.Clone(file)
			changed[n] = b
			if l, err := v.Authenticate(changed); err == nil {
				t.Fatalf("byte %d set to %q was accepted: %v", n, b, l)
			}
		}
		if _, err := v.Authenticate(slices.Delete(bytes.Clone(file), n, n+1)); err == nil {
			t.Fatalf("accepted without byte %d", n)
		}
		if _, err := v.Authenticate(slices.Insert(bytes.Clone(file), n, file[n])); err == nil {
			t.Fatalf("accepted with byte %d twice", n)
		}
	}
}

// TestStrict signs licences of other form with the right key: a good signature excuses nothing.
func TestStrict(t *testing.T) {
	good := issue(t, newIssuer(t, testKey(t)), testLine(t), nil)
	parts := strings.Split(good.Token(), ".")
	head, _ := encoding.DecodeString(parts[0])
	body, _ := encoding.DecodeString(parts[1])
	resign := func(head, body string) []byte {
		m := encoding.EncodeToString([]byte(head)) + "." + encoding.EncodeToString([]byte(body))
		sig, err := testKey(t).Sign([]byte(m))
		if err != nil {
			t.Fatal(err)
		}
		return []byte(m + "." + encoding.EncodeToString(sig) + "\n")
	}
	if got := resign(string(head), string(body)); !bytes.Equal(got, good.File()) {
		t.Fatal("signing the same again gives other bytes")
	}
	replace := func(old, new string) func() (string, string) {
		return func() (string, string) {
			h, b := strings.Replace(string(head), old, new, 1), strings.Replace(string(body), old, new, 1)
			if h == string(head) && b == string(body) {
				t.Errorf("%s is not in the licence", old)
			}
			return h, b
		}
	}
	for name, edit := range map[string]func() (string, string){
		"alg none":        replace(`"alg":"EdDSA"`, `"alg":"none"`),
		"alg HS256":       replace(`"alg":"EdDSA"`, `"alg":"HS256"`),
		"alg Ed25519":     replace(`"alg":"EdDSA"`, `"alg":"Ed25519"`),
		"typ":             replace(`"typ":"license+jwt"`, `"typ":"JWT"`),
		"crit":            replace(`"alg":"EdDSA"`, `"alg":"EdDSA","crit":["b64"]`),
		"space":           replace(`"quantity":`, `"quantity": `),
		"float":           replace(`"quantity":25`, `"quantity":25.0`),
		"exponent":        replace(`"quantity":25`, `"quantity":25e0`),
		"text number":     replace(`"quantity":25`, `"quantity":"25"`),
		"negative":        replace(`"quantity":25`, `"quantity":-25`),
		"twice":           replace(`"quantity":25`, `"quantity":25,"quantity":25`),
		"case":            replace(`"quantity":25`, `"Quantity":25`),
		"unknown":         replace(`"zone":`, `"zz":1,"zone":`),
		"escape":          replace(`"sub":"C-7"`, `"sub":"C\u002d7"`),
		"order":           replace(`"v":1,"zone":"Europe/Berlin"`, `"zone":"Europe/Berlin","v":1`),
		"version":         replace(`"v":1`, `"v":2`),
		"digest":          replace(`"terms":"sha256:`, `"terms":"sha256:0`),
		"other quantity":  replace(`"quantity":25`, `"quantity":26`),
		"no expiry":       replace(`"exp":1806530400,`, ``),
		"expiry null":     replace(`"exp":1806530400,`, `"exp":null,`),
		"early expiry":    replace(`"exp":1806530400`, `"exp":1`),
		"features null":   replace(`"features":["export","orbit"]`, `"features":null`),
		"features order":  replace(`"features":["export","orbit"]`, `"features":["orbit","export"]`),
		"id":              replace(`"jti":"`, `"jti":"A`),
		"own predecessor": replace(`"terms"`, `"supersedes":"`+string(good.ID)+`","terms"`),
		"empty optional":  replace(`"iat"`, `"host":"","iat"`),
		"trailing":        func() (string, string) { return string(head), string(body) + " " },
		"two objects":     func() (string, string) { return string(head), string(body) + "{}" },
		"not an object":   func() (string, string) { return string(head), "null" },
	} {
		if _, err := testVerifier(t).Authenticate(resign(edit())); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, ErrMalformed)
		}
	}
	for name, file := range map[string][]byte{
		"empty": {}, "no line end": []byte(good.Token()), "CRLF": []byte(good.Token() + "\r\n"), "two lines": append(good.File(), '\n'),
		"padding": []byte(good.Token() + "==\n"), "huge": append(bytes.Repeat([]byte("A"), 1<<20), '\n'),
		"BOM": append([]byte("\ufeff"), good.File()...), "leading line": append([]byte("\n"), good.File()...),
	} {
		if _, err := testVerifier(t).Authenticate(file); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, ErrMalformed)
		}
	}
}

func TestDraftIsRedeemedOnce(t *testing.T) {
	i := newIssuer(t, testKey(t))
	draft, err := i.Prepare(testLine(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newIssuer(t, testKey(t)).Issue(draft); !errors.Is(err, ErrSpent) {
		t.Errorf("another issuer: %v", err)
	}
	if _, err := i.Issue(draft); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Issue(draft); !errors.Is(err, ErrSpent) {
		t.Errorf("second time: %v", err)
	}
}

func TestPrepareRefuses(t *testing.T) {
	i := newIssuer(t, testKey(t))
	for name, change := range map[string]func(*OrderLine){
		"cancelled":       func(l *OrderLine) { l.Status = Cancelled },
		"unknown product": func(l *OrderLine) { l.Product = "orbit" },
		"no quantity":     func(l *OrderLine) { l.Quantity = 0 },
		"no end":          func(l *OrderLine) { l.End = Date{} },
		"no host":         func(l *OrderLine) { l.Model = NodeLocked },
		"end before":      func(l *OrderLine) { l.End = Date{2026, 3, 1} },
		"odd customer":    func(l *OrderLine) { l.Customer = "C\u20287" },
		"a skipped day":   func(l *OrderLine) { l.Zone = zone(t, "Pacific/Apia"); l.Start = Date{2011, 12, 30}; l.End = l.Start },
	} {
		line := testLine(t)
		change(line)
		if _, err := i.Prepare(line, nil); err == nil {
			t.Errorf("%s: a draft was made", name)
		}
	}
	many := testCatalogue()
	for n := range 200 {
		many.Products[0].Features = append(many.Products[0].Features, strings.Repeat("f", 20)+string(rune('a'+n%26))+string(rune('a'+n/26)))
	}
	big, err := NewIssuer(many, testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := big.Prepare(testLine(t), nil); err == nil {
		t.Error("a licence larger than a key service signs was drafted")
	} else if _, ok := errors.AsType[*LintError](err); !ok {
		t.Errorf("%v is a %T", err, err)
	}
}

// liar signs with another key than it shows.
type liar struct{ PrivateKey }

func (l liar) Sign(m []byte) ([]byte, error) {
	sig, err := l.PrivateKey.Sign(m)
	if err == nil {
		sig[0] ^= 1
	}
	return sig, err
}

func TestIssueChecksTheSigner(t *testing.T) {
	i := newIssuer(t, liar{testKey(t)})
	draft, err := i.Prepare(testLine(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := i.Issue(draft); !errors.Is(err, ErrSignature) {
		t.Errorf("issued %v, %v", l, err)
	}
}

// shelf is a register in memory.
type shelf map[LineID][][]byte

func (s shelf) Chain(_ context.Context, line LineID) ([][]byte, error) { return s[line], nil }

func (s shelf) Append(_ context.Context, line LineID, n int, file []byte) error {
	switch {
	case n == len(s[line]):
		s[line] = append(s[line], file)
	case !bytes.Equal(s[line][n], file):
		return ErrTaken
	}
	return nil
}

func TestEnsure(t *testing.T) {
	ctx, r, v, i, line := t.Context(), shelf{}, testVerifier(t), newIssuer(t, testKey(t)), testLine(t)
	step := func(wantAlready bool, wantLength int) *License {
		t.Helper()
		l, already, err := i.Ensure(ctx, r, v, line)
		if err != nil || already != wantAlready || len(r[line.ID]) != wantLength {
			t.Fatalf("already %v, %d licences, %v; want %v, %d", already, len(r[line.ID]), err, wantAlready, wantLength)
		}
		return l
	}
	first := step(false, 1)
	step(true, 1)
	line.Amended = Date{2026, 5, 1} // nothing that bears on the terms
	step(true, 1)
	line.Quantity, line.Amended = 40, Date{2026, 9, 1}
	second := step(false, 2)
	if second.Supersedes != first.ID || second.Terms.Quantity != 40 || !bytes.Equal(r[line.ID][0], first.File()) {
		t.Errorf("second licence %+v does not follow %s, or the former was changed", second, first.ID)
	}
	line.Quantity, line.Amended = 25, Date{2026, 10, 1} // back to the first terms
	third := step(false, 3)
	if third.ID == first.ID || third.Supersedes != second.ID || third.Digest != first.Digest {
		t.Errorf("third licence %+v", third)
	}
	line.Quantity = 26
	twin := shelf{line.ID: slices.Clone(r[line.ID])}
	fourth, _, err := i.Ensure(ctx, twin, v, line)
	if err != nil {
		t.Fatal(err)
	}
	if again := step(false, 4); again.Token() != fourth.Token() {
		t.Error("the same step, side by side, gave two licences")
	}
}

func TestEnsureRefusesABrokenRegister(t *testing.T) {
	ctx, v, i, line := t.Context(), testVerifier(t), newIssuer(t, testKey(t)), testLine(t)
	first := issue(t, i, line, nil)
	other := testLine(t)
	other.ID.Line = "2"
	later := testLine(t)
	later.Quantity = 3
	for name, c := range map[string]struct {
		files [][]byte
		want  error
	}{
		"foreign key":       {[][]byte{issue(t, newIssuer(t, otherKey(t)), line, nil).File()}, ErrUnknownKey},
		"torn":              {[][]byte{first.File()[:100]}, ErrMalformed},
		"another line's":    {[][]byte{issue(t, i, other, nil).File()}, ErrChain},
		"first one missing": {[][]byte{issue(t, i, later, first).File()}, ErrChain},
		"twice":             {[][]byte{first.File(), first.File()}, ErrChain},
	} {
		line := testLine(t)
		line.Quantity = 99
		r := shelf{line.ID: c.files}
		if l, _, err := i.Ensure(ctx, r, v, line); !errors.Is(err, c.want) || l != nil || len(r[line.ID]) != len(c.files) {
			t.Errorf("%s: %v, %v, want %v", name, l, err, c.want)
		}
	}
	if _, err := i.Prepare(other, first); err == nil {
		t.Error("a licence was made to supersede another line's")
	}
}

// BenchmarkIssue compares a licence from order line to file with the bare signatures that are in it.
func BenchmarkIssue(b *testing.B) {
	key, line := testKey(b), testLine(b)
	i := newIssuer(b, key)
	message := []byte(issue(b, i, line, nil).Token())
	b.Run("licence", func(b *testing.B) {
		for b.Loop() {
			issue(b, i, line, nil)
		}
	})
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := key.Sign(message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
