// Package jsondoc reads large JSON exports without decoding what nobody wants.
//
// [Each] splits a stream into the JSON objects it holds, whatever the container: one object a line, objects one after
// the other, one array, or a page that holds the array as a member. [Scanner] then finds a few wanted values in one
// object by structure and depth, leaving the rest unread.
//
// The grammar is that of RFC 8259. The one freedom the Scanner takes is that it does not look inside strings that are
// not wanted: their escapes and their UTF-8 go unchecked. Everything else is refused as [Malformed].
package jsondoc

// Malformed is why one document is refused. [Scanner.Scan] returns it; so does a caller's function that refuses a
// document for a reason of its own. [Each] reports it and goes on with the next document.
type Malformed string

func (m Malformed) Error() string { return string(m) }

// Truncated is the refusal of a document that is fine as far as it goes.
const Truncated Malformed = "ends before its last bracket"

const (
	notObject   Malformed = "not a JSON object"
	trailing    Malformed = "something follows the JSON object"
	badKey      Malformed = "malformed JSON: want a quoted key"
	badColon    Malformed = "malformed JSON: want a colon after a key"
	badComma    Malformed = "malformed JSON: want a comma or a closing bracket"
	badValue    Malformed = "malformed JSON: want a value"
	badNumber   Malformed = "malformed JSON: malformed number"
	badEscape   Malformed = "malformed JSON: unknown escape in a string"
	badControl  Malformed = "malformed JSON: control character in a string"
	badEncoding Malformed = "malformed JSON: text is not UTF-8"
	tooDeep     Malformed = "malformed JSON: nested more than 10000 deep"
)

// maxDepth is how deep brackets may be nested; encoding/json has the same limit.
const maxDepth = 10000
