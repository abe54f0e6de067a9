# `make` alone lists the targets.
.DEFAULT_GOAL := help
# The checks run in the order written, also under -j: the first thing that is wrong is the last thing printed.
.NOTPARALLEL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# One way to compile for the program, its tests and the tools: each package is compiled once, but for the race detector.
export CGO_ENABLED := 0
export GOFLAGS := $(GOFLAGS) -trimpath -buildvcs=false

TOOL := go tool -modfile=.ci/tools.mod
# Not a part of `make test`: it asks the public vulnerability database, which a build machine may not reach.
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The program that copies the database, beside ours. Its version is the one that docs/standby.md names.
LITESTREAM := github.com/benbjohnson/litestream/cmd/litestream@v0.5.18

# Each package's result is kept until something that it reads changes; TESTFLAGS=-count=1 runs all again.
TESTFLAGS ?=
PACKAGES ?= ./...
FUZZTIME ?= 30s
# Of make package: by default the version is 0.0 and the time of the commit, for all systems.
VERSION ?=
TARGETS ?=
KILLS ?= 300

# Dot-folders hold no source of ours. templ formats what it generates in its own way.
GO_FILES = $(shell find . -name '*.go' ! -name '*_templ.go' ! -path './.*/*')

# The translated C of SQLite and of what it stands on has no code of ours: without the race detector in it the tests of db
# take a quarter of the time. The driver has it, so that a slice of ours that changes while a statement takes it is found.
TRANSLATED := modernc.org/sqlite/lib modernc.org/libc modernc.org/memory
# Nor has what computes alone, on memory of its own: patterns, hashes of passwords, keys, HTML that tests read.
# Compression has it, because it reads buffers of ours.
COMPUTING := regexp regexp/syntax golang.org/x/net/html golang.org/x/crypto/argon2 golang.org/x/crypto/blake2b \
	crypto/internal/fips140/bigmod crypto/internal/fips140/rsa
# TestTheRaceDetectorFindsARaceThatIsThereOnPurpose, which make raced runs with these flags, says whether too much is left
# out: it races in code of ours, in a statement and in compression.
UNWATCHED := $(TRANSLATED) $(COMPUTING)
RACEFLAGS := -race $(UNWATCHED:%=-gcflags=%=-race=false)

# Packages whose tests make mutants turns against changed code.
MUTATE ?= ./db ./internal/release ./internal/manufacturer ./internal/packaging ./internal/anchors ./handlers/web

# run_tests runs the tests with the flags given, and prints the ten slowest, even when some fail. What soak tries at
# random is the same at each run, so that a change is judged by what it changes; make soak looks further.
define run_tests
@mkdir -p .bin; status=0; \
SOAK_SEED=$${SOAK_SEED:-1} $(TOOL) gotestsum --format=pkgname-and-test-fails --jsonfile=.bin/tests.json -- \
	-vet=off -timeout=25m $(1) $(TESTFLAGS) $(2) || status=$$?; \
echo; echo 'The ten slowest tests:'; \
$(TOOL) gotestsum tool slowest --num=10 --jsonfile=.bin/tests.json; \
exit $$status
endef

##@ Everyday

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build and start the demo: sandbox, sample lines, orders and people
	.bin/lineboard demo

.PHONY: build
build: ## build .bin/lineboard, one static binary
	# Without what debuggers alone read it is a fifth smaller.
	go build -ldflags=-w -o .bin/lineboard .

.PHONY: package
package: ## make .deb, .rpm, image, archives, checksums, bills of materials: .bin/packages (VERSION=1.2.3, TARGETS=linux-amd64)
	cd .package && go run . -version '$(VERSION)' -targets '$(TARGETS)'

.PHONY: generate
generate: ## make the Go code of the templ files
	$(TOOL) templ generate -log-level=warn

.PHONY: schema
schema: ## write db/schema.sql and db/schema.json, which are what the migrations make of an empty database
	go test ./db -run TestANewDatabaseIsWhatTheMigrationsMake -count=1 -update

.PHONY: fmt
fmt: ## format the Go and templ files
	$(TOOL) templ fmt -log-level=warn .
	$(TOOL) gofumpt -w $(GO_FILES)

.PHONY: clean
clean: ## remove what was built
	rm -rf .bin

##@ Checks

# To collect memory less often spares a quarter of the time of vet and staticcheck, and a tenth of that of the tests.
# Those that measure memory set what the program has. The race detector takes several times the memory.
vet staticcheck go-test unraced: export GOGC := 400
raced: export GOGC := 200

.PHONY: test
test: install check-format check-templ vet staticcheck go-test ## everything that must hold before a change goes in

.PHONY: race
race: raced unraced ## the tests with the race detector, and without it what make test leaves out

.PHONY: raced
raced: export CGO_ENABLED := 1
raced: export LINEBOARD_THOROUGH := 1
# A process waits at its end for a race that comes late, by default a second: nothing runs any more then.
raced: export GORACE := atexit_sleep_ms=100
raced: install ## with the race detector, in random order, all tests in which something may race
	$(call run_tests,$(RACEFLAGS) -shuffle=on,$(PACKAGES))

.PHONY: unraced
unraced: export LINEBOARD_THOROUGH := 1
unraced: install ## what make test leaves out: pages in every size, light, language and way, more kills and losses
	$(call run_tests,-run "$$(.ci/unraced tests)",$$(.ci/unraced packages))

.PHONY: install
install: ## install what the tests need beside Go: Chromium, a C compiler, Python
	.ci/install

.PHONY: check-format
check-format: ## fail when a Go file is not formatted
	@unformatted=$$($(TOOL) gofumpt -l $(GO_FILES)); \
	if [[ -n $$unformatted ]]; then \
		printf 'Not formatted (make fmt does it):\n%s\n' "$$unformatted" >&2; exit 1; \
	fi

.PHONY: check-templ
check-templ: ## fail when a templ file is not formatted, or generated code not fresh
	@.ci/check-templ

.PHONY: vet
vet: ## go vet, of the tests that make peers runs too
	go vet -tags peers $(PACKAGES)

.PHONY: staticcheck
staticcheck: ## staticcheck
	$(TOOL) staticcheck $(PACKAGES)

.PHONY: go-test
go-test: ## the tests alone (PACKAGES=./db/... for some)
	$(call run_tests,,$(PACKAGES))

.PHONY: soak
soak: ## kill the program, restore backups and lose machines KILLS (300) times each, try 1,000 sequences of events, a full disk and many connections (as root)
	[[ -x .bin/litestream ]] || GOBIN=$$PWD/.bin go install $(LITESTREAM)
	SOAK_LITESTREAM=$$PWD/.bin/litestream SOAK_DRILLS=$(KILLS) SOAK_DISK=1 SOAK_CONNECTIONS=1 SOAK_MEMORY=1 SOAK_KILLS=$(KILLS) SOAK_RESTORES=$(KILLS) SOAK_CHECKS=1000 go test -count=1 -timeout=0 -v ./internal/soak

.PHONY: peers
peers: ## test against programs of other people, which it installs (Debian, as root)
	apt-get install -y -q --no-install-recommends dmtx-utils zxing-cpp-tools nginx caddy prometheus systemd openssh-server \
		debootstrap systemd-container rpm iproute2 skopeo
	promtool check rules docs/operate/alerts.yml
	mkdir -p .bin
	for unit in lineboard litestream lineboard-follow; do \
		sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' docs/operate/$$unit.service >.bin/$$unit.service; \
		systemd-analyze verify .bin/$$unit.service; \
		systemd-analyze security --offline=true --threshold=20 .bin/$$unit.service >/dev/null; \
	done
	[[ -x .bin/litestream ]] || GOBIN=$(CURDIR)/.bin go install $(LITESTREAM)
	go test -count=1 -tags peers -run 'OtherReaders|Nginx|Configurations|OpenSSH|Litestream' ./internal/gs1 ./internal/app ./internal/deliver ./handlers/orders
	cd .package && go vet . && go test -count=1 -timeout=40m .

.PHONY: mutants
mutants: ## change conditions and sums at random: do the tests notice? (MUTATE=./db for some; hours)
	@for package in $(MUTATE); do \
		echo "$$package"; \
		$(TOOL) gremlins unleash --workers=1 --timeout-coefficient=10 --output-statuses=lt "$$package"; \
	done

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZTIME (30s) each
	@for package in $$(go list $(PACKAGES)); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=5x "$$package"; \
		done; \
	done

.PHONY: vuln
vuln: ## known vulnerabilities in what we build on (needs the internet)
	go run $(GOVULNCHECK) $(PACKAGES)

##@ Figures and pictures

.PHONY: bench
bench: ## measure the program under load
	go run ./internal/testkit/bench

.PHONY: screenshots
screenshots: ## take the pictures in docs/
	go run ./internal/testkit/screenshots
