PYTHON ?= python3
PRESET ?= laptop
BIN := .venv/bin

# What belongs to another Python or another Jupyter of the user's.
unexport PYTHONHOME PYTHONPATH JUPYTER_PATH JUPYTER_DATA_DIR IPYTHONDIR

.PHONY: install book test test-slow reference paper clean
.NOTPARALLEL:

install:
	@"$(PYTHON)" -I install.py "$(origin PYTHON)"

book: install
	$(BIN)/isoae book --preset $(PRESET)

paper: install
	$(BIN)/isoae paper

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q -n 2 -m "not slow"
	$(BIN)/isoae book --preset smoke --target notebooks
	$(BIN)/pytest -q -n 2 --dist loadfile --nbval --nbval-current-env \
		--nbval-cell-timeout 300 --nbval-sanitize-with tests/nbval_sanitize.cfg tests/reference

test-slow: install
	$(BIN)/pytest -q -m slow tests

reference: install
	$(BIN)/python -m isoae_lib.book.reference

clean:
	rm -rf build _build
