# make help lists what can be done here. .ci/run calls the same targets.

GO ?= go
TOOL = $(GO) tool -modfile=tools/go.mod
# Set TRUEUP_NO_SKIP=1 (as .ci/run does) and a test that would skip for want of a program fails instead.

.PHONY: help build test race vet lint generate generated tidy deploy demo bench picture mutate clean

# The one place that says how the program is built; the Dockerfile calls it. With VERSION set, equal sources give equal bytes
# wherever they lie. Without it the program says which commit it was built from, as the go command found it.
BIN = bin/trueup
STAMP = $(if $(VERSION),-buildvcs=false -ldflags '-s -w -X "main.version=$(VERSION)"',-buildvcs=auto -ldflags '-s -w')

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## the program, static, into bin/; VERSION=1.2.3 stamps it, GOOS and GOARCH choose what it runs on
	CGO_ENABLED=0 GOOS=$(GOOS) GOARCH=$(GOARCH) $(GO) build -trimpath $(STAMP) -o $(BIN) ./cmd/trueup

test: ## every test; installs LibreOffice and poppler first where it may, and names what was skipped
	./tools/test

race: ## the tests of what runs side by side, under the race detector
	$(GO) test -race -short ./blob/... ./connectors/... ./facts/... ./pipeline/... ./reconcile/... ./store/...

vet: ## go vet and gofmt
	$(GO) vet ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }

lint: ## staticcheck and golangci-lint, at the versions of tools/go.mod
	$(TOOL) staticcheck ./...
	$(TOOL) golangci-lint run ./...

generate: ## rewrite what is generated: schemas of plan and policy, table of states, table of kinds, copies of what init writes
	$(GO) test ./reports ./store ./cmd/trueup -run 'TestSchemaIsCurrent|TestStatesAreDocumented|TestReadmeIsCurrent' -update
	cp cmd/trueup/starter/products.yaml cmd/trueup/starter/policy.yaml cmd/trueup/starter/contracts.csv deploy/kubernetes/base/config/

generated: generate ## fail if what is generated is not current
	git diff --exit-code

tidy: ## fail if go.mod is not tidy
	$(GO) mod tidy -diff

deploy: ## check Dockerfile, systemd units and manifests, and run the program in a root as bare as the image's
	TRUEUP_MAKE="$(MAKE)" $(GO) test -C tools/deploy -count=1 ./...

demo: ## the whole job on the demo organisation, in a temporary folder
	$(GO) run ./cmd/trueup demo "$$(mktemp -d)/trueup-demo"

bench: ## the benchmark beside DuckDB; see docs/bench.md
	$(GO) run ./bench

picture: ## docs/workbook.png from the demo organisation's workbook (LibreOffice, poppler)
	./tools/picture

mutate: ## flip every comparison of the decision code, one at a time: does a test notice? no part of CI: takes a quarter of an hour or more
	$(GO) -C tools run ./mutate -explained mutate/equivalent.txt -arguments '-rapid.nofailfile -rapid.seed=1' -slow $(SLOW_TESTS) $(DECISION_CODE)

# What takes longer than the named cases, and is only asked about what survives them.
SLOW_TESTS = 'Oracle|Check|Matter|Destroys|Alone|NoMore|EveryRowOne|NeverRevoked|Bomb|Schema|BadFiles|Parse|Section|AnyOrg|DerivedAgain|DecidedAgain|Spoiled|Caps'
DECISION_CODE = usage.go decide.go duplicate.go standing.go unheld.go coverage.go contract.go directory.go match.go roster.go \
	actions.go queue.go timing.go pools.go guards.go items.go money.go positions.go concurrent.go

clean: ## remove what was built
	rm -rf bin out var trueup-demo
