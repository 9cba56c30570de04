package jsondoc

import (
	"fmt"
	"slices"
	"strings"
)

// Paths are the places in a document whose values are wanted. They are immutable and may be shared by goroutines.
type Paths struct {
	root  *node
	slots int // the wanted values in order, then members of array elements
}

// node is a place on the way to wanted values, or one itself.
type node struct {
	slot     int // where the value goes; -1 if only what is below is wanted
	edges    []edge
	lengths  uint64 // bit n is set if an edge's key has n bytes, modulo 64
	below    []int  // slots at or below this node
	choices  []choice
	elements *node // what the choices need of each element of an array; nil without choices
}

type edge struct {
	key string
	to  *node
}

// choice takes values from the first element of an array whose member says so.
type choice struct {
	key, value string
	test       int      // slot of the element's member
	moves      [][2]int // from an element's slot to a wanted one
}

// NewPaths names wanted values, numbered in the order given. A path is keys joined by dots; a key may be followed by
// [member=text], which stands for the first element of the array there that is an object with that text as that
// member: "target[type=AppInstance].displayName". It panics on a malformed path: paths are constants of the program.
func NewPaths(paths ...string) *Paths {
	p := &Paths{root: newNode(), slots: len(paths)}
	for slot, path := range paths {
		p.add(p.root, path, slot)
	}
	p.root.close()
	return p
}

// newMembers names members of a document by keys that are not parsed as paths.
func newMembers(keys []string) *Paths {
	p := &Paths{root: newNode(), slots: len(keys)}
	for slot, key := range keys {
		p.root.at(key).slot = slot
	}
	p.root.close()
	return p
}

func newNode() *node { return &node{slot: -1} }

func (p *Paths) add(n *node, path string, slot int) {
	for path != "" {
		step := path
		if k := strings.IndexAny(path, ".["); k >= 0 {
			step = path[:k]
		}
		if step == "" {
			panic(fmt.Sprintf("jsondoc: path %q: empty key", path))
		}
		n = n.at(step)
		path = path[len(step):]
		if strings.HasPrefix(path, "[") {
			p.choose(n, path, slot)
			return
		}
		path = strings.TrimPrefix(path, ".")
	}
	if n.slot >= 0 {
		panic("jsondoc: a path is named twice")
	}
	n.slot = slot
}

// choose adds "[member=text].rest", which stands in n.
func (p *Paths) choose(n *node, path string, slot int) {
	test, rest, ok := strings.Cut(path[1:], "].")
	key, value, is := strings.Cut(test, "=")
	if !ok || !is || key == "" || rest == "" {
		panic(fmt.Sprintf("jsondoc: path %q: want [member=text].key", path))
	}
	if n.elements == nil {
		n.elements = newNode()
	}
	k := slices.IndexFunc(n.choices, func(c choice) bool { return c.key == key && c.value == value })
	if k < 0 {
		if k = len(n.choices); k == 64 { // a bit each in Scanner.take
			panic("jsondoc: more than 64 choices from one array")
		}
		n.choices = append(n.choices, choice{key: key, value: value, test: p.share(n.elements, key)})
	}
	n.choices[k].moves = append(n.choices[k].moves, [2]int{p.share(n.elements, rest), slot})
	n.below = append(n.below, slot)
}

// share returns the slot of a path below an element, which several choices may want.
func (p *Paths) share(n *node, path string) int {
	at := n
	for key := range strings.SplitSeq(path, ".") {
		at = at.at(key)
	}
	if at.slot < 0 {
		at.slot = p.slots
		p.slots++
	}
	return at.slot
}

// at returns the node below n by key, adding it if need be.
func (n *node) at(key string) *node {
	for _, e := range n.edges {
		if e.key == key {
			return e.to
		}
	}
	to := newNode()
	n.edges = append(n.edges, edge{key, to})
	n.lengths |= 1 << (len(key) % 64)
	return to
}

// close collects what is below each node.
func (n *node) close() {
	if n.slot >= 0 {
		n.below = append(n.below, n.slot)
	}
	if n.elements != nil {
		n.elements.close()
		n.below = append(n.below, n.elements.below...)
	}
	for _, e := range n.edges {
		e.to.close()
		n.below = append(n.below, e.to.below...)
	}
}

// child returns the node below n by a key as it stands in the document, nil if it is not wanted.
func (n *node) child(key []byte) *node {
	if n.lengths>>(len(key)%64)&1 == 0 {
		return nil
	}
	for k := range n.edges {
		if e := &n.edges[k]; len(e.key) == len(key) && e.key == string(key) {
			return e.to
		}
	}
	return nil
}
