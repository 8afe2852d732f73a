"""Which code made a number: a digest of the modules that decide it, and the commit."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # of a package installed elsewhere, it is no repository
DECIDING = ("training", "measures")  # with what they import, they decide a run's numbers
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
HIDDEN = ("kind", "type_comment")  # parts of a syntax tree that say nothing of what it does


@cache
def code_digest(*modules: str) -> str:
    """Return a digest of modules and all that they import: of a run's training and measuring.

    Comments and docstrings are left out, and every Python gives the same digest. A local record
    made by other code is not trusted, whatever `TRAINING_VERSION` says: an edit to the library is
    never answered with a stale run.

    Parameters
    ----------
    modules : str
        Names in this package; `DECIDING` unless given.
    """
    digest = hashlib.sha256()
    for name in modules_behind(*(modules or DECIDING)):
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
            waiting += _imported(_syntax(name))
    return tuple(sorted(found))


def _imported(tree: ast.Module) -> set[str]:
    """Return which modules of this package are imported anywhere in a module."""
    asked: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            start = ".".join(filter(None, (PACKAGE.name if node.level else "", node.module)))
            asked |= {start, *(f"{start}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            asked |= {alias.name for alias in node.names}
    inside = {name.partition(".")[2] for name in asked if name.startswith(f"{PACKAGE.name}.")}
    return {name for name in inside if (PACKAGE / f"{name}.py").is_file()}


@cache
def _syntax(module: str) -> ast.Module:
    """Return a module's syntax tree without docstrings."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body.pop(0)
    return tree


def _canonical(node: object) -> str:
    """Return a syntax tree as text. What is empty is left out, since Pythons differ in it."""
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
    """Return the commit of this project, with a + when the work tree differs from it.

    "unknown" where the project is no git repository of its own, as when it was unpacked inside
    another one.
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
