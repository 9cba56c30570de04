package reconcile

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"trueup/facts"
)

// attribute is one fact about a subject that a rule may name. code is a number that is equal for two subjects only if
// the attribute's value is; it has at most bits bits (see [Evaluator.width]). Attributes with the same slot have the same code.
type attribute struct {
	name  string
	kind  *cel.Type
	slot  string
	bits  uint
	code  func(*Evaluator, *Subject) uint64
	value func(*Evaluator, *Subject) ref.Val
}

// Widths that depend on the snapshot: as many bits as its strings, or its sets of groups, need.
const (
	symBits = 64 + iota
	setBits
)

// attributes are all attributes, in a fixed order. The table is never written to.
var attributes = []attribute{
	personText("id", nil),
	personText("email", func(p *facts.SourcedPeople) []facts.Sym { return p.Email }),
	personText("employee_id", func(p *facts.SourcedPeople) []facts.Sym { return p.EmployeeID }),
	personText("name", func(p *facts.SourcedPeople) []facts.Sym { return p.Name }),
	personText("department", func(p *facts.SourcedPeople) []facts.Sym { return p.Department }),
	personText("cost_centre", func(p *facts.SourcedPeople) []facts.Sym { return p.CostCentre }),
	personText("manager", func(p *facts.SourcedPeople) []facts.Sym { return p.Manager }),
	personText("role", func(p *facts.SourcedPeople) []facts.Sym { return p.Role }),
	wordAttribute("person.kind", (*Evaluator).personKind),
	wordAttribute("person.status", (*Evaluator).personStatus),
	flagAttribute("person.known", func(s *Subject) bool { return s.Person != NoPersonID }),
	{name: "person.groups", kind: cel.ListType(cel.StringType), slot: "person.groups", bits: setBits,
		code:  func(ev *Evaluator, s *Subject) uint64 { return uint64(ev.groupSet(s.Person)) },
		value: func(ev *Evaluator, s *Subject) ref.Val { return ev.groups().lists[ev.groupSet(s.Person)] }},

	accountText("id", func(a *Account) facts.Sym { return a.Key }),
	accountText("login", func(a *Account) facts.Sym { return a.Login }),
	{name: "account.source", kind: cel.StringType, slot: "account.source", bits: 17, code: accountSource,
		value: func(ev *Evaluator, s *Subject) ref.Val {
			if n := accountSource(ev, s); n > 0 {
				return types.String(ev.snapshot.Sources[n-1].Name)
			}
			return types.String("")
		}},
	wordAttribute("account.kind", (*Evaluator).accountKind),

	productText("id", func(p *Product) string { return p.ID }),
	productText("name", func(p *Product) string { return p.Name }),
	productText("vendor", func(p *Product) string { return p.Vendor }),
	productText("category", func(p *Product) string { return p.Category }),
	productText("family", func(p *Product) string { return p.Family }),
	ofProduct("tier", cel.IntType, func(p *Product) ref.Val { return types.Int(p.Tier) }),

	flagAttribute("seat.held", func(s *Subject) bool { return s.Held }),
	flagAttribute("seat.inherited", func(s *Subject) bool { return s.Inherited }),
	seatText("path", func(s *Subject) facts.Sym { return s.Path }),
	seatText("cost_centre", func(s *Subject) facts.Sym { return s.CostCentre }),

	{name: "usage.idle_days", kind: cel.IntType, slot: "usage.idle_days", bits: 32,
		code:  func(_ *Evaluator, s *Subject) uint64 { return uint64(uint32(s.IdleDays)) },
		value: func(_ *Evaluator, s *Subject) ref.Val { return types.Int(s.IdleDays) }},
	flagAttribute("usage.ever", func(s *Subject) bool { return s.Ever }),

	ofContract("known", cel.BoolType, func(_ *Evaluator, c *contract) ref.Val { return types.Bool(c.known) }),
	ofContract("ended", cel.BoolType, func(_ *Evaluator, c *contract) ref.Val { return types.Bool(c.ended) }),
	ofContract("unconfirmed", cel.BoolType, func(_ *Evaluator, c *contract) ref.Val { return types.Bool(c.unconfirmed) }),
	ofContract("billing", cel.StringType, func(_ *Evaluator, c *contract) ref.Val { return types.String(c.billing().String()) }),
	ofContract("purchased", cel.IntType, func(_ *Evaluator, c *contract) ref.Val {
		if c.purchased == nil {
			return types.Int(-1)
		}
		return types.Int(*c.purchased)
	}),
	ofContract("days_to_notice", cel.IntType, func(ev *Evaluator, c *contract) ref.Val { return ev.daysTo(c.notice) }),
	ofContract("days_to_end", cel.IntType, func(ev *Evaluator, c *contract) ref.Val { return ev.daysTo(c.ends) }),
}

// owners lists what attributes belong to: person, account, product, seat, usage and contract.
func owners() []string {
	var list []string
	for n := range attributes {
		if owner, _, _ := strings.Cut(attributes[n].name, "."); !slices.Contains(list, owner) {
			list = append(list, owner)
		}
	}
	return list
}

// attributesOf lists the attributes of one owner, without its name.
func attributesOf(owner string) []string {
	var names []string
	for n := range attributes {
		if name, ok := strings.CutPrefix(attributes[n].name, owner+"."); ok {
			names = append(names, name)
		}
	}
	return names
}

func textAttribute(name string, sym func(*Evaluator, *Subject) facts.Sym) attribute {
	return attribute{name: name, kind: cel.StringType, slot: name, bits: symBits,
		code:  func(ev *Evaluator, s *Subject) uint64 { return uint64(sym(ev, s)) },
		value: func(ev *Evaluator, s *Subject) ref.Val { return types.String(ev.snapshot.Strings.Text(sym(ev, s))) }}
}

// personText is a text from the person's directory row; of the person itself where column is nil.
func personText(name string, column func(*facts.SourcedPeople) []facts.Sym) attribute {
	return textAttribute("person."+name, func(ev *Evaluator, s *Subject) facts.Sym {
		switch {
		case s.Person == NoPersonID:
			return 0
		case column == nil:
			return ev.people[s.Person].ID
		}
		return column(&ev.snapshot.People)[ev.people[s.Person].Row]
	})
}

func accountText(name string, sym func(*Account) facts.Sym) attribute {
	return textAttribute("account."+name, func(ev *Evaluator, s *Subject) facts.Sym {
		if s.Account == NoAccountID {
			return 0
		}
		return sym(&ev.accounts[s.Account])
	})
}

// accountSource is the number of the account's source, from 1; 0 without an account.
func accountSource(ev *Evaluator, s *Subject) uint64 {
	if s.Account == NoAccountID {
		return 0
	}
	return uint64(ev.accounts[s.Account].Source) + 1
}

func seatText(name string, sym func(*Subject) facts.Sym) attribute {
	return textAttribute("seat."+name, func(_ *Evaluator, s *Subject) facts.Sym { return sym(s) })
}

// wordAttribute is an attribute with few values; 0 stands for none, which is the empty text.
func wordAttribute(name string, of func(*Evaluator, *Subject) (n uint8, word string)) attribute {
	return attribute{name: name, kind: cel.StringType, slot: name, bits: 8,
		code: func(ev *Evaluator, s *Subject) uint64 {
			n, _ := of(ev, s)
			return uint64(n)
		},
		value: func(ev *Evaluator, s *Subject) ref.Val {
			_, word := of(ev, s)
			return types.String(word)
		}}
}

func (ev *Evaluator) personKind(s *Subject) (uint8, string) {
	if s.Person == NoPersonID {
		return 0, ""
	}
	k := ev.snapshot.People.Kind[ev.people[s.Person].Row]
	return uint8(k) + 1, k.String()
}

func (ev *Evaluator) personStatus(s *Subject) (uint8, string) {
	if s.Person == NoPersonID {
		return 0, ""
	}
	k := ev.snapshot.People.Status[ev.people[s.Person].Row]
	return uint8(k) + 1, k.String()
}

func (ev *Evaluator) accountKind(s *Subject) (uint8, string) {
	if s.Account == NoAccountID {
		return 0, ""
	}
	k := ev.accounts[s.Account].Kind
	return uint8(k) + 1, k.String()
}

func flagAttribute(name string, of func(*Subject) bool) attribute {
	return attribute{name: name, kind: cel.BoolType, slot: name, bits: 1,
		code: func(_ *Evaluator, s *Subject) uint64 {
			if of(s) {
				return 1
			}
			return 0
		},
		value: func(_ *Evaluator, s *Subject) ref.Val { return types.Bool(of(s)) }}
}

// ofProduct is an attribute of the product; the product's number tells all of them apart.
func ofProduct(name string, kind *cel.Type, of func(*Product) ref.Val) attribute {
	none := of(new(Product))
	return attribute{name: "product." + name, kind: kind, slot: "product", bits: 16,
		code: func(_ *Evaluator, s *Subject) uint64 { return uint64(uint16(s.Product)) },
		value: func(ev *Evaluator, s *Subject) ref.Val {
			if s.Product == NoProductID {
				return none
			}
			return of(&ev.catalogue.Products[s.Product])
		}}
}

func productText(name string, of func(*Product) string) attribute {
	return ofProduct(name, cel.StringType, func(p *Product) ref.Val { return types.String(of(p)) })
}

// contractOwner is what attributes of contracts begin with.
const contractOwner = "contract."

// ofContract is an attribute of what is in force for the product on the as-of.
func ofContract(name string, kind *cel.Type, of func(*Evaluator, *contract) ref.Val) attribute {
	return attribute{name: contractOwner + name, kind: kind, slot: "product", bits: 16,
		code: func(_ *Evaluator, s *Subject) uint64 { return uint64(uint16(s.Product)) },
		value: func(ev *Evaluator, s *Subject) ref.Val {
			if s.Product == NoProductID {
				return of(ev, &contract{notice: facts.NoDay, ends: facts.NoDay})
			}
			return of(ev, &ev.contracts()[s.Product])
		}}
}

// daysTo counts the days up to a day; -1 where it is not known or past.
func (ev *Evaluator) daysTo(d facts.Day) types.Int {
	if !d.Known() || d < ev.today {
		return -1
	}
	return types.Int(d - ev.today)
}
