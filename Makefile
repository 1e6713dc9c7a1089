# `make` lists the targets. Development tools are pinned in .ci/tools/go.mod and built on first use.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

FUZZTIME ?= 30s
BENCH ?= .
BENCHTIME ?= 3x

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/orgctl
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/orgctl ./cmd/orgctl

.PHONY: test
test: ## run all tests
	go test ./...

.PHONY: race
race: ## run all tests under the race detector (needs a C compiler)
	go test -race ./...

.PHONY: soak
soak: ## run the fault matrix with a thousand seeds a fault (a quarter of an hour)
	go test -tags soak -run TestFaultMatrix -timeout 4h -v ./pkg/apply/cloud

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@go test -list '^Fuzz' ./... | awk '/^Fuzz/ {t[n++] = $$1} /^ok/ {for (i = 0; i < n; i++) print $$2, t[i]; n = 0}' | \
	while read -r package target; do \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$package"; \
	done

.PHONY: lint
lint: ## run golangci-lint
	.ci/tool golangci-lint run ./...

.PHONY: fmt
fmt: ## format the code
	.ci/tool golangci-lint fmt

.PHONY: vuln
vuln: ## look for known vulnerabilities in what the code calls (needs the Go vulnerability database)
	.ci/tool govulncheck ./...

.PHONY: bench
bench: ## run the benchmarks that match BENCH for BENCHTIME each
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) ./...

.PHONY: golden
golden: ## rewrite the golden files; read the diff before committing it
	grep -rlE --include='*_test.go' 'flag\.Bool\("update"' cmd pkg schemas | xargs -n 1 dirname | sort -u | sed 's|^|./|' | xargs -I{} go test {} -update

.PHONY: cover
cover: ## write coverage.html and print the total
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -html=coverage.out -o coverage.html
	go tool cover -func=coverage.out | tail -n 1

.PHONY: ci
ci: ## run exactly what the hosted checks run
	.ci/run
