# `make` alone lists the targets.
.DEFAULT_GOAL := help
# The checks run in the order written, also under -j: the first thing that is wrong is the last thing printed.
.NOTPARALLEL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

TOOL := go tool -modfile=.ci/tools.mod
# Not a part of `make test`: it asks the public vulnerability database, which a build machine may not reach.
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# What is tried at random in internal/soak is the same at each run here, so that a change is judged by what it changes;
# make soak looks further.
# The race detector slows SQLite some thirty times, and browsers share the cores with it: hence the long limit.
# -shuffle finds tests that lean on each other.
TESTFLAGS ?= -race -shuffle=on -timeout=15m
PACKAGES ?= ./...
FUZZTIME ?= 30s
KILLS ?= 300

# Dot-folders hold no source of ours. templ formats what it generates in its own way.
GO_FILES = $(shell find . -name '*.go' ! -name '*_templ.go' ! -path './.*/*')

# Checks of templ work on a copy, so that a check never changes the files that somebody is editing.
define IN_COPY
copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
find . \( -name '*.go' -o -name '*.templ' -o -name go.mod -o -name go.sum -o -path ./.ci/tools.mod -o -path ./.ci/tools.sum \) \
	! -path './.git/*' ! -path './.bin/*' -print0 | tar --create --null --files-from=- | tar --extract --directory="$$copy";
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
	CGO_ENABLED=0 go build -trimpath -o .bin/lineboard .

.PHONY: generate
generate: ## make the Go code of the templ files
	$(TOOL) templ generate -log-level=warn

.PHONY: fmt
fmt: ## format the Go and templ files
	$(TOOL) templ fmt -log-level=warn .
	$(TOOL) gofumpt -w $(GO_FILES)

.PHONY: clean
clean: ## remove what was built
	rm -rf .bin

##@ Checks

.PHONY: test
test: install check-format check-generated vet staticcheck go-test ## everything that must hold before a change goes in

.PHONY: install
install: ## install what the tests need beside Go: Chromium, a C compiler, Python
	.ci/install

.PHONY: check-format
check-format: ## fail when a Go or templ file is not formatted
	@unformatted=$$($(TOOL) gofumpt -l $(GO_FILES)); \
	if [[ -n $$unformatted ]]; then \
		printf 'Not formatted (make fmt does it):\n%s\n' "$$unformatted" >&2; exit 1; \
	fi
	@$(IN_COPY) cd "$$copy"; \
	if ! $(TOOL) templ fmt -log-level=error -fail . 2>"$$copy/said"; then \
		cat "$$copy/said" >&2; \
		echo 'Not formatted (make fmt does it):' >&2; \
		find . -name '*.templ' -print0 | while IFS= read -r -d '' file; do \
			cmp -s "$$file" "$(CURDIR)/$$file" || echo "$$file" >&2; \
		done; \
		exit 1; \
	fi

.PHONY: check-generated
check-generated: ## fail when generated code is not what the templ files give
	@$(IN_COPY) cd "$$copy"; \
	find . -name '*_templ.go' -delete; \
	$(TOOL) templ generate -log-level=error; \
	sums() { find . -name '*_templ.go' ! -path './.git/*' ! -path './.bin/*' -exec sha256sum {} + | sort -k 2; }; \
	sums >fresh; cd "$(CURDIR)"; \
	if ! sums | diff - "$$copy/fresh"; then \
		echo 'Generated code is not fresh: run make generate, and commit what it wrote.' >&2; exit 1; \
	fi

.PHONY: vet
vet: ## go vet
	go vet $(PACKAGES)

.PHONY: staticcheck
staticcheck: ## staticcheck
	$(TOOL) staticcheck $(PACKAGES)

.PHONY: go-test
go-test: ## the tests alone, with the race detector (PACKAGES=./db/... for some)
	SOAK_SEED=$${SOAK_SEED:-1} CGO_ENABLED=1 $(TOOL) gotestsum --format=pkgname-and-test-fails -- $(TESTFLAGS) $(PACKAGES)

.PHONY: soak
soak: ## kill the program KILLS (300) times and try 1,000 sequences of events, at random: does it tell the truth?
	SOAK_KILLS=$(KILLS) SOAK_CHECKS=1000 go test -count=1 -timeout=90m -v ./internal/soak

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
