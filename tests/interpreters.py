"""Loads install.py, and finds the Pythons of this machine: on PATH, and among pyenv's."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def load_install() -> ModuleType:
    """Return the script install.py, which is in no package, as a module."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find(version: str) -> str | None:
    """Return the path of a Python, such as "3.12", that runs, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [*os.environ["PATH"].split(os.pathsep), *pyenv.glob(f"versions/{version}.*/bin")]
    for folder in folders:
        found = shutil.which(f"python{version}", path=str(folder))
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    return None
