// Package exports is how every kind of source that reads files gets at their bytes: it resolves the patterns of the
// configuration, reads each file once, keeps and hashes the bytes as they are while they are being decoded, undoes gzip
// (RFC 1952) and Zstandard (RFC 8878), strips a byte order mark, turns UTF-16 into UTF-8, and gives the reader of a
// format a stream of text with bounded memory.
//
// A file that cannot be read whole makes the observation incomplete; what was read before the fault stays.
package exports
