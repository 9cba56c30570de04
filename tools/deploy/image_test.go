package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const root = "../.."

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golang answers what a registry would say of the build stage's image: nothing that matters to the linter.
type golang struct{}

func (golang) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"},
		Config: ocispecs.ImageConfig{Env: []string{"PATH=/usr/local/go/bin:/usr/bin:/bin"}}})
	return ref, digest.FromBytes(config), config, err
}

func lint(t *testing.T, dockerfile []byte) []string {
	t.Helper()
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	source := llb.NewSourceMap(nil, "Dockerfile", "dockerfile", dockerfile)
	source.Definition = &llb.Definition{}
	results, err := dockerfile2llb.DockerfileLint(t.Context(), dockerfile, dockerfile2llb.ConvertOpt{
		SourceMap: source, MetaResolver: golang{}, TargetPlatform: &platform})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, w := range results.Warnings {
		found = append(found, w.RuleName+": "+w.Detail)
	}
	if results.Error != nil {
		found = append(found, results.Error.Message)
	}
	return found
}

// TestDockerfile holds the Dockerfile against BuildKit's own linter.
func TestDockerfile(t *testing.T) {
	for _, warning := range lint(t, readFile(t, "Dockerfile")) {
		t.Error(warning)
	}
}

// TestLinterFinds makes sure that the linter is really asked.
func TestLinterFinds(t *testing.T) {
	found := strings.Join(lint(t, []byte("FROM golang:1.26 as build\nENV TOKEN_SECRET=x\nCMD run\n")), "\n")
	for _, rule := range []string{"FromAsCasing", "SecretsUsedInArgOrEnv", "JSONArgsRecommended"} {
		if !strings.Contains(found, rule) {
			t.Errorf("%s was not found; found %s", rule, found)
		}
	}
}

// image is what the Dockerfile's last stage says.
type image struct {
	user, workdir string
	entrypoint    []string
	volumes       []string
	copies        map[string]string // target: source in the build stage
	owned         map[string]bool   // targets that belong to the user
}

func parse(t *testing.T) (build, final instructions.Stage) {
	t.Helper()
	tree, err := parser.Parse(bytes.NewReader(readFile(t, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages; want build and final", len(stages))
	}
	return stages[0], stages[1]
}

func readImage(t *testing.T) image {
	t.Helper()
	_, final := parse(t)
	if final.BaseName != "scratch" {
		t.Errorf("the last stage is from %s; want scratch: no shell, nothing to exploit", final.BaseName)
	}
	im := image{copies: map[string]string{}, owned: map[string]bool{}}
	for _, command := range final.Commands {
		switch c := command.(type) {
		case *instructions.UserCommand:
			im.user = c.User
		case *instructions.WorkdirCommand:
			im.workdir = c.Path
		case *instructions.EntrypointCommand:
			if c.PrependShell {
				t.Error("ENTRYPOINT wants a shell, and there is none: use the JSON form")
			}
			im.entrypoint = c.CmdLine
		case *instructions.VolumeCommand:
			im.volumes = append(im.volumes, c.Volumes...)
		case *instructions.CopyCommand:
			if c.From != "build" || len(c.SourcePaths) != 1 {
				t.Errorf("%v: the last stage takes single things from the build stage only", c)
				continue
			}
			im.copies[c.DestPath] = c.SourcePaths[0]
			im.owned[c.DestPath] = c.Chown != ""
		case *instructions.RunCommand:
			t.Error("RUN in the last stage: there is nothing to run it with")
		}
	}
	return im
}

func TestImageIsMinimal(t *testing.T) {
	im := readImage(t)
	uid, gid, ok := strings.Cut(im.user, ":")
	for _, id := range []string{uid, gid} {
		if n, err := strconv.Atoi(id); err != nil || !ok || n == 0 {
			t.Errorf("USER %s; want two numbers, neither root's", im.user)
		}
	}
	if want := []string{"/usr/bin/trueup"}; !slices.Equal(im.entrypoint, want) {
		t.Errorf("ENTRYPOINT %q; want %q", im.entrypoint, want)
	}
	if im.copies["/etc/ssl/certs/ca-certificates.crt"] == "" {
		t.Error("no certificates: https to vendors would fail")
	}
	for target := range im.copies {
		if im.owned[target] != (target == "/trueup/") {
			t.Errorf("%s: the user owns the folders to write to and nothing else", target)
		}
	}
	build, _ := parse(t)
	if !strings.Contains(build.BaseName, "golang:") || strings.HasSuffix(build.BaseName, "latest") {
		t.Errorf("the build stage is from %s; want a pinned golang", build.BaseName)
	}
	if version := goVersion(t); !strings.Contains(build.BaseName, "golang:"+version+".") {
		t.Errorf("the build stage is from %s; go.mod says go %s", build.BaseName, version)
	}
}

// goVersion is the language version of the program's go.mod, as 1.26.
func goVersion(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(string(readFile(t, "go.mod"))) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "go "); ok {
			parts := strings.Split(v, ".")
			return strings.Join(parts[:2], ".")
		}
	}
	t.Fatal("go.mod names no version")
	return ""
}

// TestDockerfileCallsMake keeps the build flags in one place: the Makefile, which the tests below build with too.
func TestDockerfileCallsMake(t *testing.T) {
	build, _ := parse(t)
	var calls int
	for _, command := range build.Commands {
		run, ok := command.(*instructions.RunCommand)
		if !ok {
			continue
		}
		line := strings.Join(run.CmdLine, " ")
		if strings.Contains(line, "go build") {
			t.Errorf("%s: the flags stand in the Makefile", line)
		}
		if strings.Contains(line, `make build VERSION="$VERSION"`) {
			calls++
		}
	}
	if calls != 1 {
		t.Errorf("make build is called %d times", calls)
	}
}

// layContext copies what .dockerignore lets into the build to a folder that knows no version control.
func layContext(t *testing.T, dir string) []string {
	t.Helper()
	patterns, err := ignorefile.ReadAll(bytes.NewReader(readFile(t, ".dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			if name == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		skip, err := ignored.MatchesOrParentMatches(name)
		if err != nil || skip {
			return err
		}
		names = append(names, name)
		target := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, readFile(t, name), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// makeBuild runs make build in a folder and returns the program's path.
func makeBuild(t *testing.T, dir, version string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "trueup")
	tool := os.Getenv("TRUEUP_MAKE")
	if tool == "" {
		tool = "make"
	}
	cmd := exec.CommandContext(t.Context(), tool, "-s", "--no-print-directory", "-C", dir, "build", "VERSION="+version, "BIN="+program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make build in what .dockerignore lets in: %v\n%s\nA new room? List it in .dockerignore.", err, out)
	}
	return program
}

// built is the program made once from what .dockerignore lets in, for all tests that need it.
var built struct {
	once    sync.Once
	names   []string
	program []byte
}

func program(t *testing.T) (path string, names []string) {
	t.Helper()
	built.once.Do(func() {
		dir := t.TempDir()
		built.names = layContext(t, dir)
		b, err := os.ReadFile(makeBuild(t, dir, "1.2.3-test"))
		if err != nil {
			t.Fatal(err)
		}
		built.program = b
	})
	path = filepath.Join(t.TempDir(), "trueup")
	if err := os.WriteFile(path, built.program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path, built.names
}

func TestContextHoldsSourcesOnly(t *testing.T) {
	_, names := program(t)
	embeds := embedded(t)
	for _, name := range names {
		switch ext := filepath.Ext(name); {
		case strings.HasPrefix(name, "."), strings.HasSuffix(name, "_test.go"), strings.Contains(name, "testdata/"):
			t.Errorf("%s goes to the build", name)
		case ext != ".go" && name != "go.mod" && name != "go.sum" && name != "Makefile" && !embeds[name]:
			t.Errorf("%s goes to the build, and nothing is built from it", name)
		}
	}
}

// embedded lists the files that go:embed directives read.
func embedded(t *testing.T) map[string]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		`{{if not .Standard}}{{range .EmbedFiles}}{{$.ImportPath}}/{{.}}{{"\n"}}{{end}}{{end}}`, "./cmd/trueup")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	for name := range strings.FieldsSeq(string(out)) {
		if name, ours := strings.CutPrefix(name, "trueup/"); ours {
			files[name] = true
		}
	}
	if !files["cmd/trueup/starter/trueup.yaml"] {
		t.Fatalf("the embedded files were not found: %v", files)
	}
	return files
}

func TestProgramIsStatic(t *testing.T) {
	path, _ := program(t)
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a %v segment: it wants a loader, and the image has none", p.Type)
		}
	}
	libraries, _ := file.ImportedLibraries()
	if len(libraries) > 0 {
		t.Errorf("it imports %v", libraries)
	}
	if len(file.Progs) == 0 {
		t.Error("no segments were read")
	}
}

func TestProgramSaysItsVersion(t *testing.T) {
	path, _ := program(t)
	out, err := exec.CommandContext(t.Context(), path, "version", "--output", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Build string }
	if err := json.Unmarshal(out, &said); err != nil || said.Build != "1.2.3-test" {
		t.Errorf("version says %s (%v)", out, err)
	}
}

// TestBuildIsReproducible builds the working tree itself, which has tests, version control and another path, and compares.
func TestBuildIsReproducible(t *testing.T) {
	path, _ := program(t)
	tree, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := sum(t, path), sum(t, makeBuild(t, tree, "1.2.3-test")); a != b {
		t.Errorf("the same sources and version give %x and %x", a[:8], b[:8])
	}
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}
