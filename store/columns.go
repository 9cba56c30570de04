package store

import (
	"database/sql/driver"
	"fmt"

	"trueup/facts"
)

// moment stores an instant; an absent one is NULL.
type moment facts.Instant

func (m moment) Value() (driver.Value, error) {
	if facts.Instant(m) == facts.NoInstant {
		return nil, nil
	}
	return int64(m), nil
}

func (m *moment) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m = moment(facts.NoInstant)
	case int64:
		*m = moment(v)
	default:
		return fmt.Errorf("instant is stored as %T", v)
	}
	return nil
}

// date stores a day; an absent one is NULL.
type date facts.Day

func (d date) Value() (driver.Value, error) {
	if facts.Day(d) == facts.NoDay {
		return nil, nil
	}
	return int64(d), nil
}

func (d *date) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*d = date(facts.NoDay)
	case int64:
		*d = date(v)
	default:
		return fmt.Errorf("day is stored as %T", v)
	}
	return nil
}

// digest stores a SHA-256 as text.
type digest facts.Digest

func (d digest) Value() (driver.Value, error) { return facts.Digest(d).String(), nil }

func (d *digest) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return (*facts.Digest)(d).UnmarshalText([]byte(v))
	case []byte:
		return (*facts.Digest)(d).UnmarshalText(v)
	}
	return fmt.Errorf("digest is stored as %T", v)
}

// word stores a value of a closed list as the word it prints as.
type word[T interface {
	String() string
}, P interface {
	*T
	UnmarshalText([]byte) error
}] struct{ it T }

func (w word[T, P]) Value() (driver.Value, error) { return w.it.String(), nil }

func (w *word[T, P]) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return P(&w.it).UnmarshalText([]byte(v))
	case []byte:
		return P(&w.it).UnmarshalText(v)
	}
	return fmt.Errorf("word is stored as %T", v)
}
