package licensegen

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
)

// KeyID is a key's thumbprint by RFC 7638 over its public JWK (RFC 8037): 43 characters of base64url.
type KeyID string

// PublicKey verifies licences. The zero value verifies nothing.
type PublicKey struct {
	key ed25519.PublicKey
	id  KeyID
}

// NewPublicKey takes the 32 bytes of an Ed25519 public key.
func NewPublicKey(key []byte) (PublicKey, error) {
	if len(key) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("public key has %d bytes instead of %d", len(key), ed25519.PublicKeySize)
	}
	jwk := `{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`
	sum := sha256.Sum256([]byte(jwk))
	return PublicKey{key: append(ed25519.PublicKey{}, key...), id: KeyID(base64.RawURLEncoding.EncodeToString(sum[:]))}, nil
}

// ID returns the key's thumbprint.
func (k PublicKey) ID() KeyID { return k.id }

func (k PublicKey) verify(message, signature []byte) bool {
	return len(k.key) == ed25519.PublicKeySize && ed25519.Verify(k.key, message, signature)
}

// The types of PEM block in key files.
const (
	pemPublic  = "PUBLIC KEY"
	pemPrivate = "PRIVATE KEY"
)

// MarshalPEM writes the key as openssl does: SubjectPublicKeyInfo (RFC 8410) in PEM.
func (k PublicKey) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}

// ParsePublicKey reads what [PublicKey.MarshalPEM] writes.
func ParsePublicKey(b []byte) (PublicKey, error) {
	block, err := onlyBlock(b, pemPublic)
	if err != nil {
		return PublicKey{}, err
	}
	key, err := x509.ParsePKIXPublicKey(block)
	if err != nil {
		return PublicKey{}, err
	}
	ed, ok := key.(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, fmt.Errorf("public key is a %T, not an Ed25519 key", key)
	}
	return NewPublicKey(ed)
}

func onlyBlock(b []byte, want string) ([]byte, error) {
	block, rest := pem.Decode(b)
	switch {
	case block == nil:
		return nil, errors.New("no PEM block")
	case block.Type != want:
		return nil, fmt.Errorf("PEM block is a %s, not a %s", block.Type, want)
	case len(rest) > 0:
		return nil, fmt.Errorf("%d bytes after the PEM block", len(rest))
	}
	return block.Bytes, nil
}
