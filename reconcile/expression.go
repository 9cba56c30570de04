package reconcile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"trueup/facts"
)

// Expression is a rule's condition, in the Common Expression Language (CEL), compiled and type-checked. It may name the
// attributes that docs/formats/policy.md lists, and nothing else: no clock, no network. It is immutable and safe for
// concurrent use. A nil *Expression always holds.
type Expression struct {
	Source string // as written

	canonical string
	program   cel.Program
	inputs    []int // indexes into attributes, ascending: what the expression depends on
	literals  []literal
	number    int // among the expressions of a policy, see [Policy.rank]
}

// literal is a text with which an expression compares one of its attributes.
type literal struct {
	attribute    string
	text         string
	line, column int // in the expression; from 1, from 0
}

// costLimit bounds one evaluation, in CEL's cost units of roughly one step each.
const costLimit = 100_000

// Compile compiles an expression that yields true or false. The error says what is wrong at which line and column of it.
func Compile(source string) (*Expression, error) {
	e := new(Expression)
	if err := e.UnmarshalText([]byte(source)); err != nil {
		return nil, err
	}
	return e, nil
}

// String writes the expression in one canonical spelling: equal for sources that differ in spaces, quotes and needless
// parentheses only. It is "" for nil.
func (e *Expression) String() string {
	if e == nil {
		return ""
	}
	return e.canonical
}

// Names lists the attributes on which the expression depends, "person.department", in a fixed order.
func (e *Expression) Names() []string {
	if e == nil {
		return nil
	}
	var names []string
	for _, n := range e.inputs {
		names = append(names, attributes[n].name)
	}
	return names
}

// expressionError lists what is wrong in an expression.
type expressionError struct{ list []expressionFault }

type expressionFault struct {
	line, column int // from 1, from 0
	reason, hint string
}

func (e *expressionError) Error() string {
	var lines []string
	for _, f := range e.list {
		line := fmt.Sprintf("%d:%d: %s", f.line, f.column+1, f.reason)
		if f.hint != "" {
			line += " (" + f.hint + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// environment is built once, because that costs more than compiling most expressions; it is immutable.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{cel.EnableMacroCallTracking(), cel.ParserExpressionSizeLimit(16 << 10), cel.ParserRecursionLimit(64),
		cel.ASTValidators(cel.ValidateRegexLiterals())}
	for _, a := range attributes {
		options = append(options, cel.Variable(a.name, a.kind))
	}
	return cel.NewEnv(options...)
})

// UnmarshalText compiles the text.
func (e *Expression) UnmarshalText(text []byte) error {
	source := string(text)
	if strings.TrimSpace(source) == "" {
		return &hinted{"is empty", "leave the key out if it always holds"}
	}
	env, err := environment()
	if err != nil {
		return fmt.Errorf("rule language: %w", err)
	}
	parsed, issues := env.Parse(source)
	if issues.Err() != nil {
		return faultsOf(issues)
	}
	if unknown := unknownAttributes(parsed.NativeRep()); len(unknown) > 0 {
		return &expressionError{unknown}
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return faultsOf(issues)
	}
	if out := checked.OutputType(); !out.IsExactType(types.BoolType) {
		return &expressionError{[]expressionFault{{line: 1, reason: fmt.Sprintf("yields %s, want true or false", out)}}}
	}
	compiled := Expression{Source: source, inputs: inputsOf(checked.NativeRep()), literals: literalsOf(checked.NativeRep())}
	*e = compiled // what it compares with can be checked further even if it is refused
	if wrong := wrongWords(compiled.literals); len(wrong) > 0 {
		return &expressionError{wrong}
	}
	if compiled.canonical, err = cel.AstToString(checked); err != nil {
		return err
	}
	if compiled.program, err = env.Program(checked, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize)); err != nil {
		return err
	}
	*e = compiled
	return nil
}

func faultsOf(issues *cel.Issues) error {
	e := new(expressionError)
	for _, issue := range issues.Errors() {
		e.list = append(e.list, expressionFault{line: issue.Location.Line(), column: issue.Location.Column()}.say(issue.Message))
	}
	return e
}

// The compiler's messages that rule writers meet most, to be said in their words.
var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	overload   = regexp.MustCompile(`^found no matching overload for '_?([^'_]*)_?' applied to '([^']*)'`)
	expecting  = regexp.MustCompile(`^Syntax error: (.*) expecting .*`)
)

// say sets the reason and the hint from the compiler's message.
func (f expressionFault) say(message string) expressionFault {
	f.reason = message
	if m := undeclared.FindStringSubmatch(message); m != nil {
		f.reason = fmt.Sprintf("unknown name %q", m[1])
		f.hint = didYouMean(m[1], owners())
	} else if m := overload.FindStringSubmatch(message); m != nil {
		f.reason = fmt.Sprintf("%s cannot be applied to %s", m[1], m[2])
	} else if m := expecting.FindStringSubmatch(message); m != nil {
		f.reason = "syntax error: " + strings.ReplaceAll(m[1], "'<EOF>'", "end of the expression")
	} else if message == "invalid matches argument" {
		f.reason = "the argument of matches is no regular expression"
	}
	return f
}

// unknownAttributes finds what looks like an attribute and is none: "person.departmnt", "person" alone. The checker
// would only say that it does not know "person".
func unknownAttributes(tree *ast.AST) []expressionFault {
	var list []expressionFault
	local := localNames(tree)
	covered := map[int64]bool{} // operands of a select that was looked at
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		owner, name := e, ""
		if e.Kind() == ast.SelectKind {
			owner, name = e.AsSelect().Operand(), e.AsSelect().FieldName()
		}
		if owner.Kind() != ast.IdentKind || local[owner.AsIdent()] || covered[e.ID()] {
			return
		}
		known := attributesOf(owner.AsIdent())
		if len(known) == 0 {
			return
		}
		covered[owner.ID()] = true
		at := tree.SourceInfo().GetStartLocation(owner.ID())
		f := expressionFault{line: at.Line(), column: at.Column()}
		full := owner.AsIdent() + "." + name
		switch {
		case name == "":
			f.reason = fmt.Sprintf("%q is no value by itself", owner.AsIdent())
			f.hint = fmt.Sprintf("name one of its attributes: %s", strings.Join(known, ", "))
		case !slices.Contains(known, name):
			f.reason, f.hint = fmt.Sprintf("unknown attribute %q", full), didYouMean(name, known)
		case e.AsSelect().IsTestOnly():
			f.reason, f.hint = "has() is not needed: every attribute has a value", fmt.Sprintf("compare it: %s != ...", full)
		default:
			return
		}
		list = append(list, f)
	}))
	return list
}

// localNames are the variables of comprehensions, which hide the attributes.
func localNames(tree *ast.AST) map[string]bool {
	names := map[string]bool{}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			names[e.AsComprehension().IterVar()] = true
			names[e.AsComprehension().IterVar2()] = true
		}
	}))
	return names
}

// inputsOf lists the attributes that a checked expression names.
func inputsOf(tree *ast.AST) []int {
	var inputs []int
	for n := range attributes {
		for _, r := range tree.ReferenceMap() {
			if r.Name == attributes[n].name {
				inputs = append(inputs, n)
				break
			}
		}
	}
	return inputs
}

// literalsOf lists the texts with which attributes are compared, by ==, != and in.
func literalsOf(tree *ast.AST) []literal {
	var list []literal
	add := func(attribute, value ast.Expr) {
		r, ok := tree.ReferenceMap()[attribute.ID()]
		if !ok || value.Kind() != ast.LiteralKind {
			return
		}
		if text, ok := value.AsLiteral().(types.String); ok {
			at := tree.SourceInfo().GetStartLocation(value.ID())
			list = append(list, literal{r.Name, string(text), at.Line(), at.Column()})
		}
	}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			add(left, right)
			add(right, left)
		case operators.In:
			if right.Kind() == ast.ListKind {
				for _, item := range right.AsList().Elements() {
					add(left, item)
				}
			}
		}
	}))
	return list
}

// wrongWords finds comparisons with a kind, status or billing that does not exist: they would never hold.
func wrongWords(literals []literal) []expressionFault {
	var list []expressionFault
	for _, l := range literals {
		var known []string
		switch l.attribute {
		case "person.kind", "account.kind":
			known = facts.KindNames()
		case "person.status":
			known = facts.StatusNames()
		case "contract.billing":
			known = billingWords()
		default:
			continue
		}
		if l.text != "" && !slices.Contains(known, l.text) {
			list = append(list, expressionFault{l.line, l.column, fmt.Sprintf("%s is never %q", l.attribute, l.text),
				didYouMean(l.text, known)})
		}
	}
	return list
}

func billingWords() []string {
	var words []string
	for _, b := range []facts.Billing{facts.PerAssigned, facts.PerActive, facts.Prepaid, facts.Flat} {
		words = append(words, b.String())
	}
	return words
}

// asksContract reports whether the expression depends on what was purchased.
func (e *Expression) asksContract() bool {
	return slices.ContainsFunc(e.Names(), func(name string) bool { return strings.HasPrefix(name, contractOwner) })
}
