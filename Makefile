# Each target does the set-up that it needs; a second time that costs nothing. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run demo import test unit e2e lint format messages bench screenshots lock setup setup-dev

# A hundred processes start in the tests. Where none may write down what it compiled, each compiles everything for itself.
unexport PYTHONDONTWRITEBYTECODE

PYTHON := .venv/bin/python
# The first that really runs: a version manager may have a python3 that leads nowhere.
FOUND := $(shell for each in .venv/bin/python python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	$$each -c '' >/dev/null 2>&1 && echo $$each && break; done)
BOOTSTRAP := $(if $(FOUND),$(FOUND) app/bootstrap.py,echo "Python 3.11 or newer is needed: apt-get install python3" >&2; exit 1 \#)

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20

run: setup ## set up what is missing and serve http://localhost:8000 (PORT=8001 make run: another port)
	@exec $(PYTHON) -m app serve

demo: setup ## fill a new instance with people, rooms and messages to look at
	@exec $(PYTHON) -m app demo

import: setup ## import a conversation from its JSON (make import FILE=chess.json OPTIONS='--owner ada')
	@test -n "$(FILE)" || { echo "Which one? make import FILE=chess.json" >&2; exit 2; }
	@exec $(PYTHON) -m app import "$(FILE)" $(OPTIONS)

test: lint unit e2e ## set up what is missing and run every check and test

unit: setup-dev ## run all tests but those in the browser
	$(PYTHON) -m pytest tests -n 4 --dist loadgroup -p no:playwright # a browser is for those of e2e

e2e: setup-dev ## run the tests in the browser
	$(PYTHON) -m pytest e2e -n 3 -p no:hypothesispytest # no test there uses it, and each process would load it

lint: setup-dev ## check style, types and who imports whom
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup-dev ## lay the code out and mend what can be mended
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

messages: setup-dev ## gather the strings to translate into app/locale
	.venv/bin/pybabel -q extract -F app/locale/babel.cfg --add-location=file --sort-by-file -o .venv/messages.pot .
	.venv/bin/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 120 -i .venv/messages.pot -d app/locale
	sed -i '/^"\(Project-Id\|Report-\|PO\|Last-\|Language-Team\|Generated\)/d' app/locale/*/LC_MESSAGES/*.po

bench: setup-dev ## measure, beside a raw server in the same run
	$(PYTHON) -m bench
	$(PYTHON) -m bench.signals

screenshots: setup-dev ## take the pictures of the pages
	$(PYTHON) -m e2e.screenshots

LOCK := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	--universal --python-version 3.11 pyproject.toml
lock: ## renew requirements*.txt from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed: pipx install uv" >&2; exit 1; }
	$(LOCK) --output-file requirements.txt
	$(LOCK) --group dev --output-file requirements-dev.txt

setup:
	@$(BOOTSTRAP)

setup-dev:
	@$(BOOTSTRAP) --dev
