package licensegen

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// SigningKeyFile is the name of the private key in a folder of keys. Public keys end in PublicKeySuffix and are named
// after their id.
const (
	SigningKeyFile  = "signing.key"
	PublicKeySuffix = ".pub"
)

// Keyring is a folder of keys: at most one that signs, and every public key whose licences are still in use. To rotate,
// move the signing key away, make another, and leave the old public key where it is: licences it signed stay good.
type Keyring struct {
	Signing *PrivateKey // nil if the folder has none: licences can be verified and not issued
	Public  []PublicKey // by file name; that of Signing is one of them
}

// KeyFileError is a key file that is not used, with what to do.
type KeyFileError struct {
	Path string
	Err  error
	Hint string
}

func (e *KeyFileError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *KeyFileError) Unwrap() error { return e.Err }

// ErrKeyExposed is a private key that others than its owner can read or change.
var ErrKeyExposed = errors.New("the private key can be read or changed by others")

// CreateKeyring makes a key from random and writes it to folder dir, which it makes if need be: the private key
// readable by its owner only, the public one by all. It never replaces a key.
func CreateKeyring(dir string, random io.Reader) (*Keyring, error) {
	key, err := GenerateKey(random)
	if err != nil {
		return nil, err
	}
	private, err := key.MarshalPEM()
	if err != nil {
		return nil, err
	}
	public, err := key.Public().MarshalPEM()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := createFile(filepath.Join(dir, SigningKeyFile), private, 0o600); err != nil {
		return nil, err
	}
	if err := createFile(filepath.Join(dir, string(key.Public().ID())+PublicKeySuffix), public, 0o644); err != nil {
		return nil, err
	}
	return &Keyring{Signing: &key, Public: []PublicKey{key.Public()}}, nil
}

func createFile(path string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return &KeyFileError{Path: path, Err: fs.ErrExist, Hint: "to rotate keys, move this file away first"}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// ReadKeyring reads a folder of keys.
func ReadKeyring(dir string) (*Keyring, error) {
	ring := &Keyring{}
	path := filepath.Join(dir, SigningKeyFile)
	switch key, err := readPrivateKey(path); {
	case err == nil:
		ring.Signing = &key
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"+PublicKeySuffix))
	if err != nil {
		return nil, err
	}
	for _, path := range names {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		key, err := ParsePublicKey(b)
		if err != nil {
			return nil, &KeyFileError{Path: path, Err: err, Hint: "a public key file holds one PEM block, as openssl pkey -pubout writes it"}
		}
		ring.Public = append(ring.Public, key)
	}
	if ring.Signing != nil && !slices.ContainsFunc(ring.Public, func(k PublicKey) bool { return k.id == ring.Signing.public.id }) {
		return nil, &KeyFileError{Path: path, Err: errors.New("its public key is not in the folder"), Hint: "openssl pkey -in " + path +
			" -pubout -out " + filepath.Join(dir, string(ring.Signing.public.id)+PublicKeySuffix)}
	}
	if len(ring.Public) == 0 {
		return nil, &KeyFileError{Path: dir, Err: errors.New("no keys here"), Hint: "make one: mkdir -p " + dir +
			" && openssl genpkey -algorithm ed25519 -out " + path + " && chmod 600 " + path}
	}
	return ring, nil
}

func readPrivateKey(path string) (PrivateKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return PrivateKey{}, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return PrivateKey{}, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return PrivateKey{}, &KeyFileError{Path: path, Err: fmt.Errorf("%w: its mode is %04o", ErrKeyExposed, mode),
			Hint: "chmod 600 " + path + ", and think about whether the key is still secret"}
	}
	b, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return PrivateKey{}, err
	}
	key, err := ParsePrivateKey(b)
	if err != nil {
		return PrivateKey{}, &KeyFileError{Path: path, Err: err, Hint: "a private key file holds one PEM block in PKCS #8, not encrypted"}
	}
	return key, nil
}
