package licensegen

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
)

// PrivateKey signs licences. However it is printed, it does not show itself. It must sign nothing but licences: the
// format relies on that to tell its signatures from others.
type PrivateKey struct {
	reveal func() ed25519.PrivateKey // a closure, since package fmt looks into everything else, even behind pointers
	public PublicKey
}

// GenerateKey makes a key from 32 bytes of random.
func GenerateKey(random io.Reader) (PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return PrivateKey{}, fmt.Errorf("generate key: %w", err)
	}
	return newPrivateKey(ed25519.NewKeyFromSeed(seed))
}

func newPrivateKey(key ed25519.PrivateKey) (PrivateKey, error) {
	public, err := NewPublicKey(key.Public().(ed25519.PublicKey))
	return PrivateKey{reveal: func() ed25519.PrivateKey { return key }, public: public}, err
}

// Public returns the key that verifies what k signs.
func (k PrivateKey) Public() PublicKey { return k.public }

// Sign signs the message by RFC 8032, pure Ed25519.
func (k PrivateKey) Sign(message []byte) ([]byte, error) {
	return ed25519.Sign(k.reveal(), message), nil
}

// MarshalPEM writes the key as openssl does: PKCS #8 (RFC 8410) in PEM, not encrypted.
func (k PrivateKey) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.reveal())
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der}), nil
}

// ParsePrivateKey reads what [PrivateKey.MarshalPEM] writes.
func ParsePrivateKey(b []byte) (PrivateKey, error) {
	block, err := onlyBlock(b, pemPrivate)
	if err != nil {
		return PrivateKey{}, err
	}
	key, err := x509.ParsePKCS8PrivateKey(block)
	if err != nil {
		return PrivateKey{}, err
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, fmt.Errorf("private key is a %T, not an Ed25519 key", key)
	}
	return newPrivateKey(ed)
}

func (k PrivateKey) String() string { return "private key " + string(k.public.id) + " (redacted)" }

// GoString is [PrivateKey.String].
func (k PrivateKey) GoString() string { return k.String() }

// Format writes [PrivateKey.String] whatever the verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue is [PrivateKey.String].
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(k.String()) }
