package reconcile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"trueup/facts"
)

// PolicySchema returns the JSON Schema (draft 2020-12) of policy.yaml, made from the types that [ParsePolicy] decodes
// into. What it refuses ParsePolicy refuses too; the reverse does not hold, since a schema knows neither the products
// nor the rule language. meaning says in plain words what a verdict means.
func PolicySchema(meaning func(Verdict) string) ([]byte, error) {
	s := schemas{meaning}
	root := s.of(reflect.TypeFor[Policy]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "trueup policy"
	root["description"] = "policy.yaml: what trueup concludes and what it may do. docs/formats/policy.md describes it."
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("reconcile: policy schema: %w", err)
	}
	return out.Bytes(), nil
}

// schema is one JSON Schema; encoding/json writes its keys in order.
type schema = map[string]any

// schemas makes the schema of what [DecodeStrict] reads into a type.
type schemas struct {
	meaning func(Verdict) string
}

// keyed is a type whose keys in the file are those of another type.
type keyed interface{ keys() any }

func (b *Buffer) keys() any { return new(bufferKeys) }

func (s schemas) of(t reflect.Type) schema {
	if leaf := s.leaf(t); leaf != nil {
		return leaf
	}
	if k, is := reflect.New(t).Interface().(keyed); is {
		return s.object(reflect.TypeOf(k.keys()).Elem(), t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return s.object(t, t)
	case reflect.Slice:
		return schema{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		m := schema{"type": "object", "additionalProperties": s.of(t.Elem())}
		if t.Key() == reflect.TypeFor[Verdict]() {
			m["propertyNames"] = s.verdicts(func(Verdict) bool { return true })
		}
		return m
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int:
		return schema{"type": "integer"}
	case reflect.Float64:
		return schema{"type": "number"}
	}
	return schema{"type": "string"}
}

// leaf is the schema of a type that reads itself from one value; nil for any other.
func (s schemas) leaf(t reflect.Type) schema {
	switch t {
	case reflect.TypeFor[Mode]():
		return schema{"enum": []Mode{Observe, Act}}
	case reflect.TypeFor[Timing]():
		return schema{"enum": []Timing{ASAP, BeforeNotice}}
	case reflect.TypeFor[ActionKind]():
		return schema{"enum": ActionKinds()}
	case reflect.TypeFor[Verdict]():
		return s.verdicts(func(Verdict) bool { return true })
	case reflect.TypeFor[Days]():
		return schema{"type": "string", "pattern": "^0*[1-9][0-9]*d$", "examples": []string{"90d"}}
	case reflect.TypeFor[facts.Day]():
		return schema{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": []string{"2027-06-30"}}
	case reflect.TypeFor[time.Duration]():
		return schema{"anyOf": []any{schema{"const": 0}, schema{"type": "string",
			"pattern": "^([-+]?0|[0-9]+d|[-+]?([0-9.]+(ns|us|µs|μs|ms|s|m|h))+)$"}}, "examples": []string{"24h", "90m", "1d"}}
	case reflect.TypeFor[Expression](): // true is an expression too
		return schema{"type": []string{"string", "boolean"}, "minLength": 1, "examples": []string{`person.kind == "break-glass"`}}
	case reflect.TypeFor[spare]():
		return schema{"anyOf": []any{schema{"type": "integer", "minimum": 0}, schema{"type": "string", "pattern": "^[-+]?[0-9]+$|%$"}},
			"examples": []any{5, "2%"}}
	}
	return nil
}

// verdicts is one of the verdicts that are fit for a key, each with its meaning.
func (s schemas) verdicts(fit func(Verdict) bool) schema {
	var list []any
	for _, v := range Verdicts() {
		if fit(v) {
			list = append(list, schema{"const": v, "description": s.meaning(v)})
		}
	}
	return schema{"oneOf": list}
}

// object is the schema of the struct with the keys; of may refine it.
func (s schemas) object(keys, of reflect.Type) schema {
	properties := map[string]schema{}
	for n := range keys.NumField() {
		field := keys.Field(n)
		name := field.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		p := s.of(field.Type)
		if kind, isText := p["type"].(string); isText && (kind == "object" || kind == "array") {
			p["type"] = []string{kind, "null"} // a section or list whose items are all commented out
		}
		if help := field.Tag.Get("help"); help != "" {
			p["description"] = help
		}
		properties[name] = p
	}
	o := schema{"type": "object", "properties": properties, "additionalProperties": false}
	s.refine(of, o, properties)
	return o
}

// refine adds what the checks of a type ask beyond its shape.
func (s schemas) refine(t reflect.Type, o schema, properties map[string]schema) {
	text := func(names ...string) {
		for _, name := range names {
			properties[name]["pattern"] = `\S`
		}
	}
	switch t {
	case reflect.TypeFor[Policy]():
		o["required"] = []string{"version"}
		properties["version"]["const"] = 1
	case reflect.TypeFor[EligibilityRule]():
		o["required"] = []string{"product"}
		properties["product"]["minLength"] = 1
	case reflect.TypeFor[ReclaimRule]():
		o["required"] = []string{"product", "idle_after", "action"}
		properties["product"]["minLength"] = 1
		properties["action"]["enum"] = ReclaimActions()
		o["if"] = schema{"properties": schema{"action": schema{"const": Downgrade}}, "required": []string{"action"}}
		o["then"] = schema{"required": []string{"to"}}
	case reflect.TypeFor[Exemption]():
		o["required"] = []string{"reason", "author", "until"}
		text("reason", "author")
		properties["from"]["items"] = s.verdicts(Verdict.ofSeat)
		properties["from"]["minItems"], properties["from"]["uniqueItems"] = 1, true
	case reflect.TypeFor[LeaverRule]():
		properties["action"]["enum"] = LeaverActions()
	case reflect.TypeFor[ExpiredRule]():
		properties["action"]["enum"] = ExpiredActions()
	case reflect.TypeFor[ApprovalRule]():
		properties["unattended"]["items"] = s.verdicts(Verdict.acts)
		properties["unattended"]["uniqueItems"] = true
		properties["roles"]["additionalProperties"] = schema{"type": "string", "pattern": `\S`}
	case reflect.TypeFor[Buffer]():
		o["required"] = []string{"spare"}
	case reflect.TypeFor[GuardLimits]():
		bound(properties)
	}
}

// bound sets what the limits of guards must lie between.
func bound(properties map[string]schema) {
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		p := properties[key]
		if inner, section := p["properties"].(map[string]schema); section {
			bound(inner)
			continue
		}
		if p["type"] == nil { // a duration
			continue
		}
		p["exclusiveMinimum"] = 0
		if most := guardMost(key); most > 0 {
			p["maximum"] = most
		}
	}
}
