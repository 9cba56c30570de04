package licensegen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestRFC8037 checks key, thumbprint and signature against appendix A.
func TestRFC8037(t *testing.T) {
	key := testKey(t)
	if got := encoding.EncodeToString(key.Public().key); got != "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" {
		t.Errorf("A.2: public key %s", got)
	}
	if got := key.Public().ID(); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("A.3: thumbprint %s", got)
	}
	message := encoding.EncodeToString([]byte(`{"alg":"EdDSA"}`)) + "." + encoding.EncodeToString([]byte("Example of Ed25519 signing"))
	sig, err := key.Sign([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	const want = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	if got := message + "." + encoding.EncodeToString(sig); got != want {
		t.Errorf("A.4: %s", got)
	}
	if !key.Public().verify([]byte(message), sig) {
		t.Error("A.5: the signature does not verify")
	}
	if _, err := testVerifier(t).Authenticate([]byte(want + "\n")); !errors.Is(err, ErrMalformed) {
		t.Errorf("a JWS that is no licence: %v", err)
	}
}

func TestPrivateKeyDoesNotPrint(t *testing.T) {
	key := testKey(t)
	secret := key.reveal()
	holder := struct {
		Key  PrivateKey
		Ptr  *PrivateKey
		mine PrivateKey
	}{key, &key, key}
	var out bytes.Buffer
	for _, v := range []any{key, &key, holder, &holder} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%o"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	_ = holder.mine
	for _, form := range []string{"%d %d %d", "%x%x%x", "%X%X%X", "%o %o %o", "%c%c%c"} {
		if part := fmt.Sprintf(form, secret[0], secret[1], secret[2]); strings.Contains(out.String(), part) {
			t.Errorf("the output contains the key's first bytes as %q:\n%s", part, out.String())
		}
	}
	if !strings.Contains(out.String(), "redacted") {
		t.Error("nothing was printed at all")
	}
}

func TestKeyring(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	seed := bytes.Repeat([]byte{7}, 32)
	made, err := CreateKeyring(dir, bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, SigningKeyFile)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := CreateKeyring(dir, bytes.NewReader(seed)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key was made over the first: %v", err)
	}
	ring, err := ReadKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	if ring.Signing == nil || ring.Signing.Public().ID() != made.Signing.Public().ID() || len(ring.Public) != 1 {
		t.Errorf("read %+v", ring)
	}
	for _, c := range []struct {
		name string
		do   func() error
		want error
	}{
		{"readable by the group", func() error { return os.Chmod(path, 0o640) }, ErrKeyExposed},
		{"writable by all", func() error { return os.Chmod(path, 0o602) }, ErrKeyExposed},
		{"not PEM", func() error { return errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte("x"), 0o600)) }, nil},
	} {
		if runtime.GOOS == "windows" && c.want != nil {
			continue
		}
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		_, err := ReadKeyring(dir)
		e, ok := errors.AsType[*KeyFileError](err)
		if !ok || e.Path != path || e.Hint == "" || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if ring, err := ReadKeyring(dir); err != nil || ring.Signing != nil || len(ring.Public) != 1 {
		t.Errorf("public keys alone: %+v, %v", ring, err)
	}
	if _, err := ReadKeyring(t.TempDir()); err == nil {
		t.Error("an empty folder is a keyring")
	}
	if _, err := CreateKeyring(t.TempDir(), strings.NewReader("too short")); err == nil {
		t.Error("a key was made from 9 bytes")
	}
}

func TestSigningKeyNeedsItsPublicKey(t *testing.T) {
	dir := t.TempDir()
	made, err := CreateKeyring(dir, bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, string(made.Signing.Public().ID())+PublicKeySuffix)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKeyring(dir); err == nil {
		t.Error("a signing key without its public key is accepted")
	}
}

// TestOpenSSL follows the recipe of docs/formats/license.md, so that neither side of the signature is our own code.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	doc, err := os.ReadFile("../docs/formats/license.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, ok := strings.Cut(string(doc), "```sh\n")
	recipe, _, ok2 := strings.Cut(recipe, "```")
	if !ok || !ok2 {
		t.Fatal("the document has no recipe")
	}
	dir := t.TempDir()
	ring, err := CreateKeyring(dir, bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ring.Signing.Public().MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	l := issue(t, newIssuer(t, ring.Signing), testLine(t), nil)
	for name, b := range map[string][]byte{"key.pub": pub, "orbit.license": l.File()} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func() (string, error) {
		ctx := t.Context()
		cmd := exec.CommandContext(ctx, bash, "-euc", recipe)
		cmd.Dir, cmd.WaitDelay = dir, time.Second
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run()
	if err != nil && (strings.Contains(out, "nvalid command") || strings.Contains(out, "nknown option") || strings.Contains(out, "nrecognized")) {
		t.Skipf("%s does not know Ed25519 or -rawin: %s", openssl, out)
	}
	if err != nil || !strings.Contains(out, "Signature Verified Successfully") || !strings.Contains(out, `"sub":"C-7"`) {
		t.Fatalf("%v\n%s", err, out)
	}
	changed := bytes.Replace(l.File(), []byte("."), []byte(".A"), 1)
	if err := os.WriteFile(filepath.Join(dir, "orbit.license"), changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(); err == nil {
		t.Fatalf("openssl accepts a changed licence:\n%s", out)
	}
}

// TestVerifierStandsAlone builds the files that a customer would embed without the rest of the package.
func TestVerifierStandsAlone(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not installed")
	}
	out, err := exec.CommandContext(t.Context(), tool, "build", "-o", os.DevNull, "verify.go", "license.go", "terms.go", "date.go",
		"publickey.go").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
