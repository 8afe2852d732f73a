"""Isometric Autoencoders (Gropp, Atzmon, Lipman), reproduced: the library behind the book."""

from importlib import import_module
from typing import Any

FRONT = {"load_published": "isoae_lib.paper.runs"}  # what is offered here -> where it is made


def __getattr__(name: str) -> Any:
    """Import what `FRONT` offers when it is asked for: the command `isoae` starts without torch."""
    if name not in FRONT:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(FRONT[name]), name)
