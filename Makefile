# Everything a developer types. `make` alone prints this list.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO        ?= go
VERSION   ?= $(shell git describe --always --dirty 2>/dev/null || echo unversioned)
FUZZTIME  ?= 10s
FRAMES    ?= 1200000
ROUNDS    ?= 5
# The packages that keep golden files; those without do not know the flag -update.
GOLDEN     = $(shell grep -rl 'Bool."update"' --include=*_test.go cmd internal | xargs -n1 dirname | sort -u | sed 's|^|./|')
CORPUS    ?= ../shared/corpora
comma     := ,
LINT_VERSION := v2.15.0
TOOLS     := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/assay-tools
LINT      := $(TOOLS)/golangci-lint-$(LINT_VERSION)/golangci-lint
BUILD     := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/assay, one static binary
	@$(BUILD) -o bin/assay ./cmd/assay

.PHONY: demo
demo: build ## four virtual devices, the real gateway, the live page; no root, no hardware
	@bin/assay demo

.PHONY: samples
samples: build ## grade the captures of two virtual devices; also where there are no namespaces
	@$(GO) run ./testbench/sample bin/demo
	@for d in careful-camera careless-plug; do \
		code=0; bin/assay grade --format html --output bin/demo/$$d.html bin/demo/$$d.pcapng || code=$$?; \
		[ $$code -le 2 ] || exit $$code; \
		code=0; bin/assay grade bin/demo/$$d.pcapng || code=$$?; [ $$code -le 2 ] || exit $$code; echo; done
	@echo "The same reports as pages: bin/demo/careful-camera.html and bin/demo/careless-plug.html"

.PHONY: test
test: ## run all tests; as root on Debian it installs the programs they use
	@.ci/install
	@$(GO) test -timeout 25m ./...

.PHONY: lint
lint: $(LINT) ## run the linter and the wall tests
	@$(LINT) run ./...
	@$(GO) test ./internal/archtest

$(LINT):
	@echo "building golangci-lint $(LINT_VERSION), once"
	@GOBIN=$(dir $(LINT)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME each (default 10s)
	@.ci/fuzz $(FUZZTIME)

.PHONY: golden
golden: ## rewrite the golden files; look at the difference before you commit it
	@$(GO) test $(GOLDEN) -update

.PHONY: rules
rules: build ## check the rule files and run their tests
	@bin/assay rules check
	@bin/assay rules test

.PHONY: corpus
corpus: build ## grade the captures of other people below CORPUS and print a table
	@$(GO) run ./testbench/corpus/table -assay bin/assay $(CORPUS)

.PHONY: accuracy
accuracy: ## let twins and known devices be graded, the latter through the experiments, and print the tables of verdicts
	@$(call tables,$(GO) test -count=1 -v ./testbench/cases/twins)
	@$(call tables,REQUIRE_LAB=1 $(GO) test -count=1 -v -parallel 3 -timeout 30m ./testbench/cases/accuracy)

# tables runs a test without the lines that only say that one began, and keeps its code:
# that of a pipe would be that of its last command.
tables = mkdir -p bin && { $(1); echo $$? >bin/tables.code; } | grep -v '^=== '; exit $$(cat bin/tables.code)

.PHONY: bench
bench: ## measure everything below, one table after the other
	@for t in grade dns dhcp capture forward intercept; do $(MAKE) --no-print-directory bench-$$t; echo; done

.PHONY: bench-grade
bench-grade: build ## speed and memory of grading against tcpdump and tshark, as ratios
	@$(GO) run ./testbench/bench -assay bin/assay -frames $(FRAMES) -rounds $(ROUNDS)

# The tables of the gateway run in namespaces of their own. Where there are none, or
# a program is missing, the table says so (exit code 69) and the next one follows.
GATEWAY_TABLE = $(GO) build -o bin/bench/$(1) ./testbench/bench/$(1) && { bin/bench/$(1) $(2) || [ $$? -eq 69 ]; }

.PHONY: bench-dns
bench-dns: ## the resolver against dnsmasq and unbound (dnsperf)
	@$(call GATEWAY_TABLE,dns,-seconds 2)

.PHONY: bench-dhcp
bench-dhcp: ## DHCPv4 leases against Kea and dnsmasq (perfdhcp)
	@$(call GATEWAY_TABLE,dhcp)

.PHONY: bench-capture
bench-capture: ## at which rate the capture begins to lose frames
	@$(call GATEWAY_TABLE,capture,-seconds 1 -sizes 60$(comma)1514 -modes capture$(comma)journal)

.PHONY: bench-forward
bench-forward: build ## throughput and memory of the gateway against plain nftables (iperf3)
	@$(call GATEWAY_TABLE,forward,-assay bin/assay)

.PHONY: bench-intercept
bench-intercept: ## forged handshakes and connections passed on against a bare TLS server
	@$(call GATEWAY_TABLE,intercept)

.PHONY: cross
cross: ## build for every system that is supported
	@for t in linux/arm64 linux/arm linux/amd64 darwin/arm64 darwin/amd64 windows/amd64; do \
		GOOS=$${t%/*} GOARCH=$${t#*/} GOARM=7 $(BUILD) -o bin/cross/assay-$${t%/*}-$${t#*/} ./cmd/assay; \
		echo "$$t $$(stat -c %s bin/cross/assay-$${t%/*}-$${t#*/}) bytes"; done
