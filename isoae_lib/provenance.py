"""Which code made a number: a digest of the modules that decide it, and the commit."""

from __future__ import annotations

import ast
import hashlib
import subprocess
from functools import cache
from pathlib import Path

from isoae_lib import paper

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


@cache
def code_digest(*modules: str) -> str:
    """Return a digest of modules, comments left out: of all that decide a run, unless named.

    A local record made by other code is not trusted, whatever `TRAINING_VERSION` says: an edit
    to the library is never answered with a stale run.
    """
    digest = hashlib.sha256()
    for name in modules or paper.DECIDING:
        tree = ast.parse((ROOT / "isoae_lib" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
                node.body.pop(0)
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def commit() -> str:
    """Return the commit of the code, with a + when the work tree differs from it."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()
