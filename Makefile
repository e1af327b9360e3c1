# The vocabulary of this repository: `make help` lists it; CI and hooks call these targets and nothing else.
# Written for GNU make 3.81 (macOS) and any POSIX shell.

BEGUN := $(shell date +%s)

# Name a Python 3.11, 3.12 or 3.13 here if the one on PATH is another: make demo PYTHON=/opt/python3.12/bin/python3
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python -m
INSTALLED := $(VENV)/.installed

# pip refuses a lock in which an override removed a package, so uv alone installs and compiles it.
UV_VERSION := 0.13.9
UV_VENV := .arrears/uv-$(UV_VERSION)
UV := $(UV_VENV)/bin/uv
COMPILE := $(UV) pip compile requirements.in --group demo --group dev --group docs --universal --python-version 3.11 \
	--generate-hashes --override overrides.txt --custom-compile-command "make lock" --quiet

# A file's tests share what they made; files in their own order, for by default those with few tests, the long ones,
# would come last and leave a worker idle. Three processes: the one with the stack leaves much of two cores idle.
WHOLE_SUITE := --numprocesses 3 --dist loadfile --no-loadscope-reorder --suite-begun=$(BEGUN)

# Material warns at each start that it will not run on MkDocs 2, which the lock keeps out.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(PY) mkdocs

# A service account may have no home: what uv, Go and others keep there lies in .arrears then.
ifneq ($(shell test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/.arrears/home
$(shell mkdir -p "$(HOME)")
endif
ifneq ($(shell test -z "$$XDG_CACHE_HOME" || test -w "$$XDG_CACHE_HOME" || mkdir -p "$$XDG_CACHE_HOME" 2>/dev/null || echo no),)
unexport XDG_CACHE_HOME
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-full lint check up down status restart logs submit replay inspect experiment verify-decisions bench bench-quality
.PHONY: package docs lock machine machine-for-stack java s3-server
.PHONY: lint-ruff lint-format lint-types lint-imports lint-docs lint-lock

help: ## list these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: machine-for-stack java s3-server $(INSTALLED) ## set everything up and run the whole pipeline; FORCE=1 runs again what is there, AS_OF=date
	@$(PY) local.stack up
	@$(PY) local.demo --begun $(BEGUN) $(if $(filter-out 0,$(FORCE)),--force) $(if $(AS_OF),--as-of $(AS_OF))

test: machine java s3-server $(INSTALLED) ## prove every behaviour once, and report every failure; ARGS="-k name" chooses
	@$(PY) local.tools
ifdef ARGS
	@$(PY) pytest $(ARGS)
else
	@$(PY) pytest -m "not full" $(WHOLE_SUITE)
endif

test-full: machine java s3-server $(INSTALLED) ## run every test, the long repetitions too
	@$(PY) local.tools
	@$(PY) pytest $(WHOLE_SUITE)

lint: $(INSTALLED) ## check style, types, import directions, docs and the lock; reports every failure
	@failed=; for check in ruff format types imports docs lock; do \
		echo "lint: $$check"; $(MAKE) --no-print-directory lint-$$check || failed="$$failed $$check"; \
	done; test -z "$$failed" || { echo "lint failed:$$failed" >&2; exit 1; }

check: lint test ## lint and test

up: machine-for-stack java s3-server $(INSTALLED) ## start the local stack; starts nothing twice
	@$(PY) local.stack up

down: $(INSTALLED) ## stop the local stack; no process is left
	@$(PY) local.stack down

status: $(INSTALLED) ## show each part of the stack
	@$(PY) local.stack status

restart: $(INSTALLED) ## stop one part of the stack and start it again: PART=name
	@$(PY) local.stack restart $(PART)

logs: $(INSTALLED) ## show the newest line of each log, or more of one: PART=name, FOLLOW=1
	@$(PY) local.stack logs $(PART) $(if $(filter-out 0,$(FOLLOW)),--follow)

submit: java $(INSTALLED) ## run one job on the stack by hand: JOB=train_model ARGS="--help"
	@$(PY) ops.submit_job $(JOB) -- $(ARGS)

replay: java $(INSTALLED) ## build a run's training set again and prove it the same: RUN=MLflow run, Airflow run or version
	@$(PY) ops.replay_run "$(RUN)"

inspect: $(INSTALLED) ## look at a bank's text file and propose its description: SOURCE=loans.csv TARGET=bad
	@$(PY) ops.inspect_source "$(SOURCE)" $(if $(TARGET),"$(TARGET)")

experiment: java $(INSTALLED) ## run an experiment on the stack: FILE=experiments/catboost_search.yaml
	@$(PY) ops.submit_experiment "$(FILE)" $(if $(DATASET),--dataset $(DATASET)) $(if $(AS_OF),--as-of $(AS_OF))

verify-decisions: $(INSTALLED) ## prove the log of decisions and print it: MODEL=name for one model
	@$(PY) ops.verify_decisions $(MODEL)

bench: java $(INSTALLED) ## run all benchmarks, or one: NAME=demo-warm
	@$(PY) bench $(NAME)

bench-quality: java $(INSTALLED) ## AUC on real credit data beside native CatBoost's; the data's folder in ARREARS_TEST_DATA
	@$(PY) bench $(addprefix quality-,berka german credit_data lc_modeldata taiwan lc2007 taiwan-4-shards lc2007-4-shards)

package: $(INSTALLED) ## pack the jobs' code into dist/arrears.zip
	@$(PY) local.tools.package_jobs

docs: $(INSTALLED) lint-docs ## build the docs into build/site; SERVE=1 shows them on this machine while you write
ifneq ($(filter-out 0,$(SERVE)),)
	@$(MKDOCS) serve --dev-addr 127.0.0.1:8000
else
	@echo "open build/site/index.html"
endif

lock: $(UV) ## compile requirements.txt anew; UPGRADE=1 takes the newest versions that fit
	@$(COMPILE) $(if $(filter-out 0,$(UPGRADE)),--upgrade) --output-file requirements.txt >/dev/null

machine:
	@python=$$(sh local/find_python.sh $(PYTHON)) && "$$python" -m local.tools.machine

machine-for-stack:
	@python=$$(sh local/find_python.sh $(PYTHON)) && "$$python" -m local.tools.machine --starts-stack

java:
	@python=$$(sh local/find_python.sh $(PYTHON)) && "$$python" -m local.tools.java --install >/dev/null

# While the environment is installed most of the machine is idle, and building the S3 server takes longest of all that
# follows. Who needs the server waits for this build by its lock, and builds again, with what is said, if it failed.
s3-server:
	@test -e $(INSTALLED) || { python=$$(sh local/find_python.sh $(PYTHON)) && \
		{ "$$python" -m local.tools.versitygw </dev/null >/dev/null 2>&1 & }; }

lint-ruff:
	@$(PY) ruff check .

lint-format:
	@$(PY) ruff format --check .

lint-types:
	@$(PY) mypy

lint-imports:
	@$(VENV)/bin/lint-imports --no-logo

lint-docs:
	@$(MKDOCS) build --strict

# uv keeps the versions of an output file that is there: what differs is what requirements.in has and the lock has not.
lint-lock: $(UV)
	@copy=$$(mktemp); trap 'rm -f "$$copy"' EXIT; cp requirements.txt "$$copy"; \
	$(COMPILE) --output-file "$$copy" >/dev/null || exit 1; \
	diff -u requirements.txt "$$copy" || { echo "requirements.txt is stale: run make lock" >&2; exit 1; }

$(INSTALLED): requirements.txt $(UV)
	@echo "installing the environment of requirements.txt into $(VENV)"
	@$(VENV)/bin/python -c '' 2>/dev/null \
		|| { python=$$(sh local/find_python.sh $(PYTHON)) && "$$python" -m venv --clear --without-pip $(VENV); }
	@# PySpark comes as sources: to compress its 400 MB of jars into a wheel that is unpacked at once took 11 s.
	@# uv does not read what pip is told of a mirror.
	@index=$${UV_DEFAULT_INDEX:-$${UV_INDEX_URL:-$${PIP_INDEX_URL:-$$($(UV_VENV)/bin/python -m pip config get \
		global.index-url 2>/dev/null)}}}; test -z "$$index" || export UV_DEFAULT_INDEX="$$index"; \
	$(UV) pip sync --quiet --require-hashes --config-settings-package 'pyspark:--build-option=--compression=stored' \
		--python $(VENV)/bin/python requirements.txt
	@# So that a job runs by plain spark-submit; a zip given by --py-files stands before it.
	@pwd > "$$($(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/arrears.pth"
	@touch $@

$(UV):
	@echo "installing uv $(UV_VERSION) into $(UV_VENV)"
	@python=$$(sh local/find_python.sh $(PYTHON)) && "$$python" -m venv --clear $(UV_VENV)
	@$(UV_VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
