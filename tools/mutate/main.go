// Command mutate asks whether the tests of a package would notice a wrong comparison. It flips every comparison, every
// and, or and not in the files it is given, one at a time, runs the package's tests, and lists the mutants that survive.
//
//	go -C tools run ./mutate -module .. -package ./reconcile -explained mutate/equivalent.txt decide.go usage.go
//
// All mutants are compiled at once: each place becomes a call that asks a number, read from the environment, whether it
// is the one that is wrong today. So the package is built once and the test program runs once for each mutant, the quick
// tests first, and those that take longer only for what survived them.
//
// Bounds of plain counting loops are left alone: beyond them lies a panic, not a decision. A survivor is either killed by
// a new test or explained: the file of explanations has a line for each mutant that decides nothing differently, its key
// and why, divided by " | ". The exit code is 1 if a survivor is not explained, or an explanation is about no survivor.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	var c check
	flag.StringVar(&c.module, "module", "..", "folder of the module")
	flag.StringVar(&c.folder, "package", "./reconcile", "package, as a folder of the module")
	flag.StringVar(&c.slow, "slow", "", "pattern of tests that run only for what survives the others")
	flag.StringVar(&c.arguments, "arguments", "", "of the test program, further ones, divided by blanks")
	flag.StringVar(&c.explained, "explained", "", "file of explanations")
	flag.StringVar(&c.again, "again", "", "output of an earlier run: try only what survived it")
	flag.IntVar(&c.lanes, "lanes", 2, "test programs that run side by side")
	flag.DurationVar(&c.timeout, "timeout", time.Minute, "after which a test program is taken to hang, which kills the mutant")
	flag.Parse()
	left, err := c.run(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if left > 0 {
		os.Exit(1)
	}
}

// check is one run.
type check struct {
	module, folder, slow, explained string
	arguments                       string
	again                           string
	lanes                           int
	timeout                         time.Duration
	mutants                         []mutant
	binary                          string
}

// mutant is one wrong operator.
type mutant struct {
	file, key string
	line      int
	survived  bool
}

// run makes the mutants and tries them; it returns how many stand unexplained.
func (c *check) run(files []string) (int, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := c.build(dir, files); err != nil {
		return 0, err
	}
	all, err := c.chosen()
	if err != nil {
		return 0, err
	}
	quick, slow := []string{"-test.skip", c.slow}, []string{"-test.run", c.slow}
	if c.slow == "" {
		quick, slow = nil, nil
	}
	if err := c.sound(quick); err != nil {
		return 0, err
	}
	left := c.try(all, quick)
	fmt.Printf("%d mutants, %d survive the quick tests\n", len(all), len(left))
	if slow != nil {
		left = c.try(left, slow)
		fmt.Printf("%d survive all tests\n", len(left))
	}
	for _, n := range left {
		c.mutants[n].survived = true
	}
	return c.report()
}

// chosen returns the mutants to try: all, or those that survived an earlier run.
func (c *check) chosen() ([]int, error) {
	var text []byte
	if c.again != "" {
		var err error
		if text, err = os.ReadFile(c.again); err != nil {
			return nil, err
		}
	}
	var list []int
	for n := range c.mutants {
		if c.again == "" || bytes.Contains(text, []byte("survives: "+c.mutants[n].key+" (line ")) {
			list = append(list, n)
		}
	}
	return list, nil
}

// build writes the mutated files beside an overlay and compiles the test program.
func (c *check) build(dir string, files []string) error {
	folder, err := filepath.Abs(filepath.Join(c.module, c.folder))
	if err != nil {
		return err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	name := ""
	for _, file := range files {
		text, pkg, err := c.mutate(filepath.Join(folder, file))
		if err != nil {
			return err
		}
		name = pkg
		to := filepath.Join(dir, file)
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return err
		}
		overlay.Replace[filepath.Join(folder, file)] = to
	}
	helper := filepath.Join(dir, "zz_mutant.go")
	if err := os.WriteFile(helper, []byte("package "+name+support), 0o600); err != nil {
		return err
	}
	overlay.Replace[filepath.Join(folder, "zz_mutant.go")] = helper
	list, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600); err != nil {
		return err
	}
	c.binary = filepath.Join(dir, "mutants.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", c.binary, c.folder)
	cmd.Dir = c.module
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// support is what mutated files call.
const support = `

import (
	"cmp"
	"os"
	"strconv"
)

var mutantNumber = func() int { n, _ := strconv.Atoi(os.Getenv("MUTANT")); return n }()

func mutantOn(n int) bool { return n == mutantNumber }

func mutantAnd(n int, a bool, b func() bool) bool {
	if mutantOn(n) {
		return a || b()
	}
	return a && b()
}

func mutantOr(n int, a bool, b func() bool) bool {
	if mutantOn(n) {
		return a && b()
	}
	return a || b()
}

func mutantLess[T cmp.Ordered](n int, a, b T) bool {
	switch mutantNumber {
	case n:
		return a <= b
	case n + 1:
		return a >= b
	}
	return a < b
}

func mutantMost[T cmp.Ordered](n int, a, b T) bool {
	switch mutantNumber {
	case n:
		return a < b
	case n + 1:
		return a > b
	}
	return a <= b
}
`

// mutate returns a file with every operator made a question.
func (c *check) mutate(path string) (text []byte, pkg string, err error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, "", err
	}
	m := &rewriter{check: c, set: set, source: source, file: filepath.Base(path), skip: map[ast.Expr]bool{}, seen: map[string]int{}}
	var b bytes.Buffer
	last := 0
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		m.function = f.Name.Name
		from, to := m.at(f.Body.Pos()), m.at(f.Body.End())
		b.Write(source[last:from])
		b.WriteString(m.node(f.Body, from, to))
		last = to
	}
	b.Write(source[last:])
	return b.Bytes(), file.Name.Name, nil
}

// rewriter rewrites one file.
type rewriter struct {
	check          *check
	set            *token.FileSet
	source         []byte
	file, function string
	skip           map[ast.Expr]bool
	seen           map[string]int
}

func (m *rewriter) at(p token.Pos) int { return m.set.Position(p).Offset }

// node returns the text of a part of the file with the operators in it rewritten.
func (m *rewriter) node(n ast.Node, from, to int) string {
	var b strings.Builder
	last := from
	ast.Inspect(n, func(x ast.Node) bool {
		if loop, ok := x.(*ast.ForStmt); ok {
			if bound, plain := loop.Cond.(*ast.BinaryExpr); plain && (bound.Op == token.LSS || bound.Op == token.LEQ || bound.Op == token.GEQ) {
				m.skip[bound] = true
			}
		}
		e, ok := x.(ast.Expr)
		if !ok || m.skip[e] {
			return true
		}
		text, changed := m.expression(e)
		if !changed {
			return true
		}
		b.Write(m.source[last:m.at(e.Pos())])
		b.WriteString(text)
		last = m.at(e.End())
		return false
	})
	b.Write(m.source[last:to])
	return b.String()
}

// expression rewrites an operator with all that stands below it.
func (m *rewriter) expression(e ast.Expr) (string, bool) {
	switch x := e.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			inner := m.inner(x.X)
			return fmt.Sprintf("((!%s) != mutantOn(%d))", inner, m.add(x, "without not")), true
		}
	case *ast.BinaryExpr:
		left, right := m.inner(x.X), m.inner(x.Y)
		switch x.Op {
		case token.EQL, token.NEQ:
			return fmt.Sprintf("((%s %s %s) != mutantOn(%d))", left, x.Op, right, m.add(x, "negated")), true
		case token.LAND:
			return fmt.Sprintf("mutantAnd(%d, %s, func() bool { return %s })", m.add(x, "or"), left, right), true
		case token.LOR:
			return fmt.Sprintf("mutantOr(%d, %s, func() bool { return %s })", m.add(x, "and"), left, right), true
		case token.LSS, token.GTR:
			if x.Op == token.GTR {
				left, right = right, left
			}
			n := m.add(x, "or equal")
			m.add(x, "negated")
			return fmt.Sprintf("mutantLess(%d, %s, %s)", n, left, right), true
		case token.LEQ, token.GEQ:
			if x.Op == token.GEQ {
				left, right = right, left
			}
			n := m.add(x, "but not equal")
			m.add(x, "negated")
			return fmt.Sprintf("mutantMost(%d, %s, %s)", n, left, right), true
		}
	}
	return "", false
}

func (m *rewriter) inner(e ast.Expr) string { return m.node(e, m.at(e.Pos()), m.at(e.End())) }

// add notes a mutant and returns its number; number 0 is nobody's.
func (m *rewriter) add(e ast.Expr, how string) int {
	text := strings.Join(strings.Fields(string(m.source[m.at(e.Pos()):m.at(e.End())])), " ")
	key := fmt.Sprintf("%s %s: %s: %s", m.file, m.function, text, how)
	if m.seen[key]++; m.seen[key] > 1 {
		key += fmt.Sprintf(" (%d)", m.seen[key])
	}
	c := m.check
	c.mutants = append(c.mutants, mutant{file: m.file, key: key, line: m.set.Position(e.Pos()).Line})
	return len(c.mutants)
}

// sound makes sure that the tests pass without a mutant.
func (c *check) sound(which []string) error {
	if killed, out := c.test(-1, which); killed {
		return fmt.Errorf("the tests fail without a mutant:\n%s", out)
	}
	return nil
}

// try returns which of some mutants survive some tests.
func (c *check) try(list []int, which []string) []int {
	var lanes sync.WaitGroup
	next := make(chan int)
	alive := make([]bool, len(c.mutants))
	for range c.lanes {
		lanes.Go(func() {
			for n := range next {
				killed, _ := c.test(n, which)
				alive[n] = !killed
			}
		})
	}
	for _, n := range list {
		next <- n
	}
	close(next)
	lanes.Wait()
	return slices.DeleteFunc(slices.Clone(list), func(n int) bool { return !alive[n] })
}

// test runs the test program with one mutant, -1 for none.
func (c *check) test(n int, which []string) (killed bool, out []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	arguments := slices.Concat([]string{"-test.short", "-test.failfast"}, strings.Fields(c.arguments), which)
	cmd := exec.CommandContext(ctx, c.binary, arguments...)
	cmd.Dir = filepath.Join(c.module, c.folder)
	cmd.Env = append(os.Environ(), fmt.Sprintf("MUTANT=%d", n+1), "GOMEMLIMIT=1GiB")
	out, err := cmd.CombinedOutput()
	return err != nil, out
}

// report prints the figures and the survivors.
func (c *check) report() (unexplained int, err error) {
	why, err := c.explanations()
	if err != nil {
		return 0, err
	}
	type figures struct{ all, survived, explained int }
	of := map[string]*figures{}
	var files []string
	for _, m := range c.mutants {
		if of[m.file] == nil {
			of[m.file] = &figures{}
			files = append(files, m.file)
		}
		of[m.file].all++
		if !m.survived {
			continue
		}
		of[m.file].survived++
		if _, known := why[m.key]; known {
			of[m.file].explained++
			delete(why, m.key)
			continue
		}
		unexplained++
		fmt.Printf("survives: %s (line %d)\n", m.key, m.line)
	}
	sum := figures{}
	for _, file := range files {
		x := of[file]
		fmt.Printf("%-16s %4d mutants, %4d killed, %3d decide nothing differently, %3d survive\n", file, x.all, x.all-x.survived, x.explained, x.survived-x.explained)
		sum = figures{sum.all + x.all, sum.survived + x.survived, sum.explained + x.explained}
	}
	fmt.Printf("%-16s %4d mutants, %4d killed, %3d decide nothing differently, %3d survive\n", "all", sum.all, sum.all-sum.survived, sum.explained, sum.survived-sum.explained)
	if c.again != "" { // what was killed before is not known to be killed now
		return unexplained, nil
	}
	for _, key := range slices.Sorted(maps.Keys(why)) {
		if slices.ContainsFunc(files, func(file string) bool { return strings.HasPrefix(key, file+" ") }) {
			unexplained++
			fmt.Printf("explained, but survives not: %s\n", key)
		}
	}
	return unexplained, nil
}

// explanations reads why some mutants decide nothing differently.
func (c *check) explanations() (map[string]string, error) {
	why := map[string]string{}
	if c.explained == "" {
		return why, nil
	}
	text, err := os.ReadFile(c.explained)
	if err != nil {
		return nil, err
	}
	for n, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, " | ")
		if !ok || reason == "" {
			return nil, fmt.Errorf("%s:%d: has no reason", c.explained, n+1)
		}
		why[strings.TrimSpace(key)] = reason
	}
	return why, nil
}
