"""Which code made a number: a digest of the modules that decide it, and the commit."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent  # no repository where the package is installed elsewhere
# What decides a run's weights, and what is measured of them. Their imports count as well.
TRAINING = ("core.training", "paper.fitting")
MEASURING = ("paper.metrics.measures",)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
HIDDEN = ("kind", "type_comment")  # parts of a syntax tree that change nothing


@cache
def code_digest(*modules: str) -> str:
    """Return a digest of modules, like "core.training", and of all that they import.

    Comments and docstrings do not count, and every Python version gives the same digest. A local
    record made by other code is not used, whatever `TRAINING_VERSION` says: after an edit to the
    library, nobody is shown a stale run.
    """
    digest = hashlib.sha256()
    for name in modules_behind(*modules):
        digest.update(f"{name} {_canonical(_syntax(name))}\n".encode())
    return digest.hexdigest()[:16]


@cache
def modules_behind(*modules: str) -> tuple[str, ...]:
    """Return the names of modules of this package and of all that they import, sorted."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += _imported(name)
    return tuple(sorted(found))


def files_behind(module: str) -> list[str]:
    """Return the files of a module and of all that it imports, relative to the project."""
    return [str(_file(name).relative_to(ROOT)) for name in modules_behind(module)]


def _file(module: str) -> Path:
    """Return the file of a module; for a package, its `__init__.py`."""
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imported(module: str) -> set[str]:
    """Return which modules of this package a module imports, at any place and in any form."""
    inside = [PACKAGE.name, *module.split(".")]
    if not _file(module).name.startswith("__"):
        inside.pop()
    asked: set[str] = set()
    for node in ast.walk(_syntax(module)):
        if isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) + 1 - node.level] if node.level else []
            start = ".".join(filter(None, (*above, node.module)))
            asked |= {start, *(f"{start}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            asked |= {alias.name for alias in node.names}
    names = {name.partition(".")[2] for name in asked if name.startswith(f"{PACKAGE.name}.")}
    return {name for name in names if _file(name).is_file()}


@cache
def _syntax(module: str) -> ast.Module:
    """Return a module's syntax tree without docstrings."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body.pop(0)
    return tree


def _canonical(node: object) -> str:
    """Return a syntax tree as text, without empty parts, in which Python versions differ."""
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = [
        f"{name}={_canonical(value)}"
        for name, value in sorted(ast.iter_fields(node))
        if name not in HIDDEN and value not in (None, [])
    ]
    return f"{type(node).__name__}({','.join(parts)})"


def commit() -> str:
    """Return the commit of this project, with a + if the work tree differs from it.

    "unknown" if the project is not a git repository of its own, for example unpacked inside another
    one.
    """
    elsewhere = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "--no-optional-locks", *words],
            cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    try:
        if not os.path.samefile(git("rev-parse", "--show-toplevel"), ROOT):
            return "unknown"
        return git("describe", "--always", "--dirty=+", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
