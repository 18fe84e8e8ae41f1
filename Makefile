# The front door: `make` alone shows what is here.

GOFUMPT     := go run mvdan.cc/gofumpt@v0.12.0
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 50000x

.DEFAULT_GOAL := help
.PHONY: $(shell grep -oE '^[a-z-]+:' $(MAKEFILE_LIST) | tr -d :)

help: ## show this list
	@if [ -t 1 ]; then bold=$$(printf '\033[1m') plain=$$(printf '\033[0m'); fi; \
	sed -nE "s/^([a-z-]+):.*## (.*)/  $$bold\1$$plain\t\2/p" $(MAKEFILE_LIST) | expand -t $$([ -t 1 ] && echo 28 || echo 20)

run: ## run the Dashboard on this machine
	go run ./cmd/cloakroom serve

build: ## build bin/cloakroom
	go build -o bin/cloakroom ./cmd/cloakroom

# What the tests need compiles while packages are unpacked.
test: ## run every test, on real servers, installing those that are missing
	@scripts/install-packages & go list -test -deps -export ./... >/dev/null 2>&1; wait $$!
	go test -vet=off -ldflags="-s -w" -p 3 -parallel 4 ./...

test-short: ## run the tests with fewer trials, installing nothing
	go test -short ./...

RACES := (NoResurrection|NoLostUpdate|Linearizable|CreateFreshKeys|List)$$

trials: ## log out during a save 10,000 times on every engine, and more
	@scripts/install-packages
	CLOAKROOM_TRIALS=10000 go test -timeout 60m -run 'Test(Engine|Promises|Cluster|Races|Before.*|On.*)/$(RACES)|TestServer/.*/Engine/$(RACES)|TestEngine/(new|old)/$(RACES)|TestLogoutWhileFilling' ./engine/... ./cache/...

bench-clearing: ## measure the clearing of a backlog beside Django's, some 10 minutes
	@scripts/install-packages
	cd bench && go test ./clearing -v -count=1 -timeout 2h

bench-moving: ## move 100,000 sessions twice while they are used, some 5 minutes
	@scripts/install-packages
	cd bench && go test ./moving -v -count=1 -timeout 1h

bench-integrity: ## count lost updates and revived sessions, here and in other libraries
	@scripts/install-packages
	cd bench && go test ./integrity -v -count=1 -timeout 2h

soak: ## hold 2,000 requests and 100,000 sessions on each engine, 10 minutes each, some 2 hours
	@scripts/install-packages
	cd bench && go test ./soak -v -count=1 -timeout 4h

# The rooms where goroutines meet, without the tests of the wire and of time.
race: ## run the tests of what works at once with the race detector, with fewer trials
	@scripts/install-packages
	@command -v "$$(go env CC)" >/dev/null || scripts/install-packages gcc libc6-dev
	CGO_ENABLED=1 go test -race -short -vet=off -ldflags="-s -w" -p 2 -skip 'Django|Interop|Placement|Corpus|Horizon|FitTheScreen' \
		. ./cache/... ./clearing ./dashboard/... ./django/horizon ./engine/... ./enginetest ./observe ./roster ./site

bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

# So many inputs, and not so long: Go 1.26 fails a target now and then because its
# time is over (go.dev/issue/75804).
fuzz: ## run every fuzz target, each with 50,000 inputs, or for FUZZTIME=10m
	@set -e; for dir in $$(go list -f '{{.Dir}}' ./...); do \
		for target in $$(grep -ohs '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -d ' ' -f 2); do \
			echo "$$target in $$dir"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$dir; \
		done; \
	done

cover: ## run every test and say how much of the code they reach
	@scripts/install-packages
	go test -coverpkg ./... -coverprofile coverage.out ./...
	@go tool cover -func coverage.out | tail -n 1

lint: vet staticcheck format modules vulnerabilities ## run every check that reads the code without running it

vet:
	go vet ./...
	cd bench && go vet ./...

staticcheck:
	$(STATICCHECK) ./...

format:
	@unformatted=$$($(GOFUMPT) -l .) && [ -z "$$unformatted" ] || { echo "make fmt would change:" $$unformatted; exit 1; }

modules:
	go mod verify
	go mod tidy -diff
	cd bench && go mod tidy -diff

vulnerabilities:
	@scripts/vulncheck

fmt: ## format the code
	$(GOFUMPT) -w .

clean: ## remove what the targets above leave behind
	rm -rf bin coverage.out
