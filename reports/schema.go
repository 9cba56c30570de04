package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"trueup/facts"
	"trueup/reconcile"
)

//go:generate go test -run TestSchemaIsCurrent . -update

// object is a JSON object of the schema; encoding/json writes its keys in order.
type object = map[string]any

// Schema returns docs/plan.schema.json: the JSON Schema (draft 2020-12) of what [WriteJSON] writes, with every closed
// list in it. It is made from the lists of package reconcile, so it cannot fall behind them.
func Schema() ([]byte, error) {
	root := closed(object{
		"plan": text("id: the first 16 hexadecimal digits of digest"), "decisions": ref("digest"), "digest": ref("digest"),
		"as_of": ref("instant"), "build": text("version and revision of the program that decided"),
		"policy": ref("digest"), "config": ref("digest"), "products": ref("digest"),
		"complete":     object{"type": "boolean", "description": "every configured feed was read whole"},
		"organisation": text(""), "mode": enum([]string{string(reconcile.Observe), string(reconcile.Act)}),
		"inputs": list("input"), "guards": list("guard"), "rows": list("row"), "positions": list("position"),
		"findings": list("finding"), "totals": ref("totals"),
	})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "trueup plan"
	root["description"] = "What `trueup plan --output json` writes. Rows are sorted by product, holder, account. " +
		"null is not known; an absent field does not apply. Money is per month, in decimals of the currency, as text."
	root["$defs"] = merge(scalars(), closedLists(), inputDefs(), rowDefs(), positionDefs())
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("reports: schema: %w", err)
	}
	return out.Bytes(), nil
}

func scalars() object {
	return object{
		"digest":  object{"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
		"instant": object{"type": "string", "format": "date-time", "pattern": "Z$", "description": "RFC 3339 in UTC"},
		"day":     object{"type": "string", "format": "date", "description": "calendar day in the organisation's zone"},
		"amount":  object{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]+)?$`, "description": "decimal, never a float"},
		"count":   object{"type": "integer", "minimum": 0},
	}
}

func closedLists() object {
	return object{
		"verdict": enum(words(reconcile.Verdicts())), "reason": enum(words(reconcile.Reasons())),
		"kind": enum(words(reconcile.ActionKinds())), "state": enum(words(reconcile.States())),
		"situation": enum(words(reconcile.Situations())), "feed": enum(words(facts.Feeds())),
		"guardName": enum(reconcile.GuardNames()), "flag": enum(reconcile.PositionFlags()),
		"findingCode": enum(reconcile.FindingCodes()), "guardState": enum(words(guardStates())),
	}
}

func inputDefs() object {
	return object{
		"input": closed(object{"source": text("name in trueup.yaml"), "feed": ref("feed"), "files": list("file"),
			"rows": ref("count"), "rejected": ref("count"), "observed": nullable("instant"),
			"later":    object{"const": true, "description": "observed after as_of; rolled back by its own dates only"},
			"coverage": ref("coverage"),
			"match_rate": object{"type": []string{"number", "null"}, "minimum": 0, "maximum": 1,
				"description": "share of the accounts that match a person or a known account"},
			"failure": text("why the feed could not be read"), "notes": object{"type": "array", "items": text("")},
		}, "later", "failure", "notes"),
		"file": closed(object{"name": text("as the operator names it"), "sha256": ref("digest"), "bytes": ref("count"),
			"rows": ref("count"), "product": text("to which the configuration ties the file")}, "product"),
		"coverage": closed(object{"from": nullable("instant"), "to": nullable("instant"),
			"complete": object{"type": "boolean"}, "gaps": list("gap")}),
		"gap": closed(object{"from": ref("day"), "to": ref("day")}),
		"guard": closed(object{"guard": ref("guardName"), "scope": text("what it looked at"),
			"value": object{"type": []string{"number", "null"}, "description": "null: not evaluated"},
			"limit": object{"type": "number"}, "state": ref("guardState"), "withholds": ref("count"), "why": text(""),
		}, "why"),
	}
}

func rowDefs() object {
	action := closed(object{"id": ref("digest"), "kind": ref("kind"), "to": text("target product"), "state": ref("state"),
		"due": ref("day"), "role": text("who must approve"), "by": text("what withholds or blocks it"),
		"after":  object{"type": "integer", "minimum": 1, "description": "so many seats of the product, and pool, must be taken back and confirmed before it is begun"},
		"detail": text("what a person has to do, or what the vendor said"),
	}, "id", "to", "due", "role", "by", "after", "detail")
	keep := object{"properties": object{"kind": object{"const": reconcile.Keep.String()}}}
	action["if"], action["else"] = keep, object{"required": []string{"id"}}
	return object{
		"row": closed(object{
			"holder": text("the person's id, or the account where no person is linked"), "name": text(""),
			"department": text(""), "cost_centre": text("the seat's, else the person's, else the contract's"),
			"pool":      text("of the contract, where the product is divided into pools"),
			"situation": ref("situation"), "account": text(""), "source": text("where the seat or account is"),
			"product": text(""), "paths": object{"type": "array", "items": text("direct, or group:NAME")},
			"verdict": ref("verdict"), "reasons": list("reason"), "rule": text("that decided; empty if none did"),
			"last_activity": nullable("instant"), "idle_days": nullable("count"), "due": ref("day"),
			"covering": text("the product that covers this seat"), "signals": list("signal"), "action": ref("action"),
			"money": ref("money"),
		}, "name", "department", "cost_centre", "pool", "source", "due", "covering", "money"),
		"signal": closed(object{"source": text("empty: its feed was not read"), "last": nullable("instant"),
			"from": nullable("instant"), "to": nullable("instant"), "complete": object{"type": "boolean"}}),
		"action": action,
		"money": closed(object{"currency": currency(), "exposure": ref("amount"), "reassignable": ref("amount"),
			"reducible": ref("amount"), "effective": nullable("day")}),
	}
}

func positionDefs() object {
	figures := object{"product": text(""), "pool": text(""), "flags": list("flag"), "notice": nullable("day"),
		"ends": nullable("day"), "currency": currency(), "unit_price": ref("amount")}
	for _, name := range []string{"purchased", "counter_purchased", "counter_consumed", "assigned", "active", "idle",
		"spare", "peak", "reserved", "denied", "days_at_limit", "needed", "reducible", "reclaimable"} {
		figures[name] = object{"type": []string{"integer", "null"}}
	}
	perCurrency := closed(object{"exposure": ref("amount"), "reassignable": ref("amount"), "reducible": ref("amount")})
	return object{
		"position": closed(figures, "currency", "unit_price"),
		"finding":  closed(object{"code": ref("findingCode"), "subject": text(""), "text": text("")}),
		"totals": closed(object{"people": ref("count"), "people_with_rows": ref("count"),
			"people_without": object{"type": "array", "items": closed(object{"reason": text(""), "people": ref("count")})},
			"seats":          ref("count"), "rows": ref("count"), "missing": ref("count"), "unlicensed_use": ref("count"),
			"verdicts": counts(words(reconcile.Verdicts())), "actions": counts(words(reconcile.ActionKinds())),
			"states": counts(words(reconcile.States())),
			"money": object{"type": "object", "propertyNames": currency(), "additionalProperties": perCurrency,
				"description": "by currency; never added across currencies"},
		}),
	}
}

func guardStates() []reconcile.GuardState {
	return []reconcile.GuardState{reconcile.GuardHeld, reconcile.GuardTripped, reconcile.GuardNotEvaluated,
		reconcile.GuardRaised}
}

// closed is an object with these properties and no others, all required but the optional ones.
func closed(properties object, optional ...string) object {
	required := []string{}
	for name := range properties {
		if !slices.Contains(optional, name) {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func counts(names []string) object {
	properties := object{}
	for _, name := range names {
		properties[name] = ref("count")
	}
	return closed(properties)
}

func text(description string) object {
	if description == "" {
		return object{"type": "string"}
	}
	return object{"type": "string", "description": description}
}

func currency() object {
	return object{"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217"}
}

func enum(list []string) object   { return object{"type": "string", "enum": list} }
func ref(name string) object      { return object{"$ref": "#/$defs/" + name} }
func list(name string) object     { return object{"type": "array", "items": ref(name)} }
func nullable(name string) object { return object{"anyOf": []any{ref(name), object{"type": "null"}}} }
func words[T fmt.Stringer](l []T) []string {
	out := make([]string, len(l))
	for n, v := range l {
		out[n] = v.String()
	}
	return out
}

func merge(parts ...object) object {
	all := object{}
	for _, part := range parts {
		for name, v := range part {
			all[name] = v
		}
	}
	return all
}

// PolicySchema returns docs/policy.schema.json: the JSON Schema (draft 2020-12) of policy.yaml, with the meaning of each
// verdict.
func PolicySchema() ([]byte, error) { return reconcile.PolicySchema(VerdictMeaning) }
