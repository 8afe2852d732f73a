PYTHON ?= python3
PRESET ?= laptop
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: install book test paper clean
.NOTPARALLEL:

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps -r requirements.lock
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

book: install
	$(BIN)/isoae book --preset $(PRESET)

paper: install
	$(BIN)/isoae paper

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n 2 tests
	$(BIN)/isoae book --preset smoke --target notebooks
	$(BIN)/pytest -q -n 2 --dist loadfile -p no:cacheprovider --nbval --nbval-current-env \
		--nbval-cell-timeout 300 --nbval-sanitize-with tests/nbval_sanitize.cfg build/smoke/executed

clean:
	rm -rf build .snakemake
