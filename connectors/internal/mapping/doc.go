// Package mapping turns records with named columns into facts, for the kinds whose columns the operator names: csv and
// jsonl. It knows the columns of each feed, how the configuration maps other names and words to them, and how dates,
// numbers and yes-or-no are written.
//
// What it takes a record for:
//
//   - Text is kept exactly, blanks around it apart. A record with a NUL or with text that is not UTF-8 is rejected.
//   - A person without a kind is an employee; one with a kind that is none of the closed list, and that the
//     configuration does not map, is of kind unknown. A missing or unmapped status is unknown: neither active nor leaver.
//     Unmapped words are counted in the observation's notes.
//   - A sign-in whose outcome is neither success nor failure is rejected. A file without an outcome column is read, but
//     nothing in it counts as use.
//   - A time without a zone is one of the organisation's zone; a date without a time is a whole day there, and its first
//     instant where an instant is wanted.
package mapping
