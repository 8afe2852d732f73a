"""Isometric Autoencoders (Gropp, Atzmon, Lipman), reproduced: the library behind the book."""

from importlib import import_module
from typing import Any

__all__ = ["IsometricAutoencoder", "load_published"]
FRONT = {  # what is offered here -> where it is made
    "IsometricAutoencoder": "isoae_lib.core.estimator",
    "load_published": "isoae_lib.paper.runs",
}


def __getattr__(name: str) -> Any:
    """Import what `FRONT` offers when it is asked for: the command `isoae` starts without torch."""
    if name not in FRONT:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(FRONT[name]), name)
