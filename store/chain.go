package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"

	"trueup/facts"
)

// Head is the end of the ledger: noted elsewhere, it proves later that nothing before it was changed or cut off.
type Head struct {
	Seq  int64        `json:"seq"`
	Hash facts.Digest `json:"hash"`
}

// entry is one entry of the ledger.
type entry struct {
	Seq  int64  `db:"seq"`
	At   int64  `db:"at"`
	Run  string `db:"run"`
	Kind string `db:"kind"`
	Body string `db:"body"`
	Prev digest `db:"prev"`
	Hash digest `db:"hash"`
}

// chainDomain begins what is hashed, so that the hash of an entry is no other hash.
const chainDomain = "trueup ledger v1\n"

// sum returns the entry's hash: SHA-256 over the domain, the hash of the entry before, and seq, at, run, kind and body,
// numbers as eight bytes, texts as their length in eight bytes and their bytes; all numbers big-endian.
func (e *entry) sum() facts.Digest {
	b := append([]byte(chainDomain), e.Prev[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At))
	for _, text := range []string{e.Run, e.Kind, e.Body} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// append adds an entry and returns its number. body becomes JSON; nothing personal may stand in it but as a commitment.
func (t *tx) append(ctx context.Context, at facts.Instant, run, kind string, body any) (int64, error) {
	if t.head == nil {
		t.head = new(Head)
		var last entry
		err := t.get(ctx, &last, `SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1`)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		*t.head = Head{Seq: last.Seq, Hash: facts.Digest(last.Hash)}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	e := entry{Seq: t.head.Seq + 1, At: int64(at), Run: run, Kind: kind, Body: string(text), Prev: digest(t.head.Hash)}
	*t.head = Head{Seq: e.Seq, Hash: e.sum()}
	_, err = t.exec(ctx, `INSERT INTO ledger (seq, at, run, kind, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, e.At, e.Run, e.Kind, e.Body, e.Prev, digest(t.head.Hash))
	return e.Seq, err
}

// commitment is what the chain knows of values that it must not hold: HMAC-SHA-256 under salt of each value's length in
// eight bytes, big-endian, and its bytes.
func commitment(salt []byte, values ...string) string {
	mac := hmac.New(sha256.New, salt)
	var length [8]byte
	for _, value := range values {
		binary.BigEndian.PutUint64(length[:], uint64(len(value)))
		mac.Write(length[:])
		mac.Write([]byte(value))
	}
	return "hmac-sha256:" + hex.EncodeToString(mac.Sum(nil))
}

// committed is [commitment] of one text for people; none is "".
func committed(salt []byte, text string) string {
	if text == "" {
		return ""
	}
	return commitment(salt, text)
}
