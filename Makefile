# The targets that people and CI use. `make help` lists them.

BIN      := bin/meerkat
FUZZTIME ?= 3s
SEEDS    ?= 1000
FIRST    ?= 1

version := $(or $(shell git describe --tags --dirty 2>/dev/null),0.0.0-dev)
commit  := $(shell git rev-parse HEAD 2>/dev/null)
# Of the commit, not of the build: the same source gives the same binary.
date    := $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
ldflags := -s -w -X main.version=$(version) -X main.commit=$(commit) -X main.date=$(date)

# The server is one static binary. Only the race detector needs cgo.
export CGO_ENABLED ?= 0

.PHONY: build
build: ## build bin/meerkat
	go build -trimpath -pgo=cmd/meerkat/server.pgo -ldflags '$(ldflags)' -o $(BIN) ./cmd/meerkat

.PHONY: run
run: build ## serve conf/zoo.cfg: port 2181, data in ./data
	@exec $(BIN) server conf/zoo.cfg

.PHONY: ensemble
ensemble: build ## run three servers on ports 2181 to 2183, data in ./data/ensemble
	@exec $(BIN) ensemble

.PHONY: demo
demo: ## watch masters, workers and clients of the tutorial's system, and two of them die
	@go run ./examples/masterworker/demo

.PHONY: test
test: ## run all tests that need nothing but Go
	go test ./...

.PHONY: check
check: fmt vet staticcheck race fuzz ## everything that must hold before a commit

.PHONY: fmt
fmt: ## fail when a file is not formatted
	@files="$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go'))"; \
	test -z "$$files" || { echo "not formatted:"; echo "$$files"; exit 1; }

.PHONY: vet
vet: ## go vet, the compatibility tests included
	go vet ./...
	go vet -tags compat ./compat_tests/...

.PHONY: staticcheck
staticcheck: .cache/bin/staticcheck ## staticcheck, of the version in tools/go.mod
	.cache/bin/staticcheck -tags compat ./...

.cache/bin/staticcheck: tools/go.mod tools/go.sum
	go -C tools build -o ../$@ honnef.co/go/tools/cmd/staticcheck

.PHONY: race
race: ## run all tests with the race detector, which needs a C compiler
	CGO_ENABLED=1 go test -race ./...

.PHONY: sim
sim: ## simulate SEEDS (1000) ensembles, from seed FIRST (1) on
	go test ./quorum/sim -run '^TestSeeds$$' -count=1 -v -timeout 0 -seeds=$(SEEDS) -first=$(FIRST)

.PHONY: mutations
mutations: ## break the core in every way known and see the simulator find it
	go test ./quorum/sim -run '^TestMutations$$' -count=1 -v -timeout 0 -mutations

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (3s)
	@grep -rlE --include='*_test.go' '^func Fuzz' --exclude-dir=.cache --exclude-dir=tools . | xargs -n 1 dirname | sort -u | while read -r pkg; do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$$pkg"/*_test.go | sed 's/^func //'); do \
			echo "fuzz $$pkg $$target"; \
			tools/fuzz.sh "$$pkg" "$$target" $(FUZZTIME) </dev/null || exit 1; \
		done; \
	done

.PHONY: compat
compat: build ## compare with Apache servers and clients; fetches what is missing
	compat_tests/run.sh

.PHONY: bench
bench: build ## run Apache and Meerkat in turn and print the ratios
	bench/run.sh

.PHONY: profile
profile: build ## record anew what the compiler optimises for; needs a quiet machine
	tools/profile.sh $(BIN)

.PHONY: dist
dist: ## build dist/: static binaries for linux, tar.gz archives, SHA256SUMS
	VERSION='$(version)' COMMIT='$(commit)' DATE='$(date)' packaging/dist.sh dist

.PHONY: deb
deb: dist ## build the Debian packages, too; needs dpkg-deb
	for arch in amd64 arm64; do VERSION='$(version)' DATE='$(date)' packaging/debian/build.sh dist $$arch || exit 1; done
	cd dist && sha256sum *.deb >>SHA256SUMS

.PHONY: docker
docker: dist ## build the image meerkat:latest for this machine; needs docker
	packaging/docker/build.sh dist --tag meerkat:latest

.PHONY: docs
docs: ## write what is generated from the code
	go test ./conf -run TestDocumentation -update
	go test ./server/exporter -run TestDocumentation -update

.PHONY: clean
clean: ## remove what was built; ./data and the scripts in bin stay
	rm -rf $(BIN) .cache/bin dist

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F '\t' '{ printf "  %-12s %s\n", $$1, $$2 }'
