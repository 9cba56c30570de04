package reconcile

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A value that reads itself from YAML.
type unmarshaler interface {
	UnmarshalYAML(unmarshal func(any) error) error
}

// A value that can say what is wrong with it.
type checker interface{ Check(Report) }

// decode sets v from n and checks it. It reports whether the value had the right shape.
func (d *Document) decode(n ast.Node, v reflect.Value, key string, depth int) bool {
	if d.visits++; d.visits > maxVisits || depth > maxDepth {
		d.fault(d.places[""], "", "is too large or too deep once its aliases are followed", "")
		return false
	}
	if _, known := d.places[key]; !known {
		d.places[key] = placeOf(n)
	}
	if n != nil {
		var ok bool
		if n, ok = d.resolve(n, key); !ok {
			return false
		}
	}
	ok := d.set(n, v, key, depth)
	if c, is := v.Addr().Interface().(checker); is && ok {
		c.Check(func(sub, reason, hint string) { d.Fault(joinKey(key, sub), reason, hint) })
	}
	return ok
}

func joinKey(key, sub string) string {
	switch {
	case sub == "":
		return key
	case key == "" || sub[0] == '[':
		return key + sub
	}
	return key + "." + sub
}

func (d *Document) set(n ast.Node, v reflect.Value, key string, depth int) bool {
	pointer := v.Addr().Interface()
	if u, ok := pointer.(unmarshaler); ok {
		return d.setByItself(n, u, key, depth)
	}
	if u, ok := pointer.(encoding.TextUnmarshaler); ok {
		return d.setText(n, u, key)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.decode(n, v.Elem(), key, depth)
	case reflect.Struct:
		return d.setStruct(n, v, key, depth)
	case reflect.Map:
		return d.setMap(n, v, key, depth)
	case reflect.Slice:
		return d.setSlice(n, v, key, depth)
	case reflect.Interface:
		return d.setAny(n, v, key, depth)
	}
	return d.setScalar(n, v, key)
}

// setAny decodes into an empty interface: a mapping becomes a map[string]any, a list a []any, a scalar its text, truth
// or number.
func (d *Document) setAny(n ast.Node, v reflect.Value, key string, depth int) bool {
	var into reflect.Value
	switch n.(type) {
	case *ast.MappingNode:
		into = reflect.ValueOf(new(map[string]any)).Elem()
	case *ast.SequenceNode:
		into = reflect.ValueOf(new([]any)).Elem()
	case *ast.BoolNode:
		into = reflect.ValueOf(new(bool)).Elem()
	case *ast.IntegerNode:
		into = reflect.ValueOf(new(int64)).Elem()
	case *ast.FloatNode:
		into = reflect.ValueOf(new(float64)).Elem()
	case *ast.NullNode:
		return true
	default:
		into = reflect.ValueOf(new(string)).Elem()
	}
	ok := d.set(n, into, key, depth)
	v.Set(into)
	return ok
}

func (d *Document) setByItself(n ast.Node, u unmarshaler, key string, depth int) bool {
	err := u.UnmarshalYAML(func(into any) error {
		attempt := &Document{name: d.name, lines: d.lines, places: d.places, anchors: d.anchors, visits: d.visits,
			blamed: map[string]bool{}}
		attempt.decode(n, reflect.ValueOf(into).Elem(), key, depth+1)
		d.visits = attempt.visits
		return attempt.faults.Err()
	})
	var faults Faults
	switch {
	case err == nil:
		return true
	case errors.As(err, &faults):
		for _, f := range faults {
			d.fault(place{f.Line, f.Column}, f.Key, f.Reason, f.Hint)
		}
	default:
		d.fault(placeOf(n), key, err.Error(), hintOf(err))
	}
	return false
}

func (d *Document) setText(n ast.Node, u encoding.TextUnmarshaler, key string) bool {
	text, ok := d.scalar(n, key)
	if !ok {
		return false
	}
	err := u.UnmarshalText([]byte(text))
	var inside *expressionError
	switch {
	case err == nil:
		return true
	case errors.As(err, &inside):
		d.faultInside(placeOf(n), key, text, inside)
	default:
		d.fault(placeOf(n), key, err.Error(), hintOf(err))
	}
	return false
}

func (d *Document) setStruct(n ast.Node, v reflect.Value, key string, depth int) bool {
	if isNull(n) {
		return true
	}
	mapping, ok := n.(*ast.MappingNode)
	if !ok {
		d.fault(placeOf(n), key, "is "+kindOf(n)+", want keys and values", "")
		return false
	}
	fields := fieldsOf(v)
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.name)
	}
	d.each(mapping, key, func(name string, keyAt place, value ast.Node) {
		for _, f := range fields {
			if f.name == name {
				d.member(value, f.value, joinKey(key, name), keyAt, depth)
				return
			}
		}
		d.fault(keyAt, joinKey(key, name), "unknown key", didYouMean(name, names))
	})
	return true
}

// member decodes one field of a struct. Lists and sections may be empty, and are found by their key.
func (d *Document) member(n ast.Node, v reflect.Value, key string, keyAt place, depth int) {
	switch n.(type) {
	case *ast.MappingNode, *ast.SequenceNode, *ast.NullNode:
		d.places[key] = keyAt
	}
	if isNull(n) && !isContainer(v) {
		d.fault(keyAt, key, "has no value", "give it one, or remove the key")
		return
	}
	d.decode(n, v, key, depth+1)
}

// isContainer reports whether v is a section, list or map, for which no value means an empty one.
func isContainer(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return false
	}
	k := v.Kind()
	return k == reflect.Struct || k == reflect.Slice || k == reflect.Map
}

func (d *Document) setMap(n ast.Node, v reflect.Value, key string, depth int) bool {
	if isNull(n) {
		return true
	}
	mapping, ok := n.(*ast.MappingNode)
	if !ok {
		d.fault(placeOf(n), key, "is "+kindOf(n)+", want keys and values", "")
		return false
	}
	v.Set(reflect.MakeMap(v.Type()))
	d.each(mapping, key, func(name string, keyAt place, value ast.Node) {
		k := reflect.New(v.Type().Key()).Elem()
		if text, ok := k.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := text.UnmarshalText([]byte(name)); err != nil {
				d.fault(keyAt, joinKey(key, name), err.Error(), hintOf(err))
				return
			}
		} else {
			k.SetString(name)
		}
		if isNull(value) {
			d.fault(keyAt, joinKey(key, name), "has no value", "give it one, or remove the key")
			return
		}
		e := reflect.New(v.Type().Elem()).Elem()
		d.decode(value, e, joinKey(key, name), depth+1)
		v.SetMapIndex(k, e)
	})
	return true
}

// each calls do for each key of a mapping that stands there for the first time, and blames the others.
func (d *Document) each(mapping *ast.MappingNode, key string, do func(name string, keyAt place, value ast.Node)) {
	seen := map[string]int{}
	for _, pair := range mapping.Values {
		keyAt := placeOf(pair.Key)
		if pair.Key.Type() == ast.MergeKeyType {
			d.fault(keyAt, joinKey(key, "<<"), "merge keys are not supported", "repeat the keys, or use an alias for a whole value")
			continue
		}
		scalar, ok := pair.Key.(ast.ScalarNode)
		if !ok {
			d.fault(keyAt, key, "has a key that is "+kindOf(pair.Key), "keys are plain texts")
			continue
		}
		name := textOf(scalar)
		if line, twice := seen[name]; twice {
			d.faults = append(d.faults, Fault{File: d.name, Line: keyAt.line, Column: keyAt.column, Key: joinKey(key, name),
				Reason: fmt.Sprintf("stands twice; first on line %d", line)})
			continue
		}
		seen[name] = keyAt.line
		do(name, keyAt, pair.Value)
	}
}

func (d *Document) setSlice(n ast.Node, v reflect.Value, key string, depth int) bool {
	if isNull(n) {
		return true
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fault(placeOf(n), key, "is "+kindOf(n)+", want a list", "write [a, b], or one item a line after a dash")
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for k, item := range list.Values {
		at := fmt.Sprintf("%s[%d]", key, k)
		if isNull(item) {
			d.fault(placeOf(item), at, "has no value", "give it one, or remove the item")
			continue
		}
		d.decode(item, v.Index(k), at, depth+1)
	}
	return true
}

// scalar returns the text of a scalar as it stands in the file, without quotes.
func (d *Document) scalar(n ast.Node, key string) (string, bool) {
	if s, ok := n.(ast.ScalarNode); ok && !isNull(n) {
		return textOf(s), true
	}
	d.fault(placeOf(n), key, "is "+kindOf(n)+", want one value", "")
	return "", false
}

func (d *Document) setScalar(n ast.Node, v reflect.Value, key string) bool {
	text, ok := d.scalar(n, key)
	if !ok {
		return false
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		duration, err := parseDuration(text)
		if err != nil {
			d.fault(placeOf(n), key, err.Error(), "write 24h, 90m or 1d")
			return false
		}
		v.SetInt(int64(duration))
		return true
	}
	want, hint := "", ""
	switch v.Kind() {
	case reflect.String:
		if _, ok := stringOf(n); ok {
			v.SetString(text)
			return true
		}
		want, hint = "a text", fmt.Sprintf("quote it: %q", text)
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return true
		}
		want, hint = "true or false", ""
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if number, err := strconv.ParseInt(text, 10, v.Type().Bits()); err == nil && n.Type() == ast.IntegerType {
			v.SetInt(number)
			return true
		}
		want = "a whole number"
	case reflect.Float64:
		if number, err := strconv.ParseFloat(text, 64); err == nil && (n.Type() == ast.IntegerType || n.Type() == ast.FloatType) {
			v.SetFloat(number)
			return true
		}
		want = "a number"
	default:
		want = "nothing (" + v.Type().String() + " cannot be decoded)"
	}
	if percent, found := strings.CutSuffix(text, "%"); found && hint == "" {
		hint = fmt.Sprintf("write %s without the sign", percent)
	}
	d.fault(placeOf(n), key, fmt.Sprintf("is %s, want %s", kindOf(n), want), hint)
	return false
}

// parseDuration reads a Go duration, or a number of days of 24 hours each.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative", s)
	}
	return d, nil
}

// yamlField is one key that a struct knows.
type yamlField struct {
	name  string
	value reflect.Value
}

func fieldsOf(v reflect.Value) []yamlField {
	var fields []yamlField
	for k := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(k).Tag.Get("yaml"), ",")
		if option == "inline" {
			fields = append(fields, fieldsOf(v.Field(k))...)
		} else if name != "" && name != "-" {
			fields = append(fields, yamlField{name, v.Field(k)})
		}
	}
	return fields
}

func isNull(n ast.Node) bool { return n == nil || n.Type() == ast.NullType }

func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// placeOf returns where a value begins.
func placeOf(n ast.Node) place {
	switch node := n.(type) {
	case nil:
		return place{1, 1}
	case *ast.MappingNode:
		if !node.IsFlowStyle && len(node.Values) > 0 {
			return placeOf(node.Values[0].Key)
		}
		return tokenPlace(node.Start)
	case *ast.SequenceNode:
		return tokenPlace(node.Start)
	case *ast.AnchorNode:
		return tokenPlace(node.Start)
	case *ast.AliasNode:
		return tokenPlace(node.Start)
	case *ast.TagNode:
		return tokenPlace(node.Start)
	}
	return tokenPlace(n.GetToken())
}

func stringOf(n ast.Node) (string, bool) {
	switch node := n.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		return node.Value.Value, true
	}
	return "", false
}

// textOf returns the text of a scalar; that of a number or bool is what stands in the file.
func textOf(n ast.ScalarNode) string {
	if s, ok := stringOf(n); ok {
		return s
	}
	return n.GetToken().Value
}

// kindOf names what a value is, for people.
func kindOf(n ast.Node) string {
	switch node := n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.BoolNode:
		return n.GetToken().Value
	case *ast.StringNode, *ast.LiteralNode:
		s, _ := stringOf(node)
		return fmt.Sprintf("the text %q", s)
	}
	return "something else"
}
