"""Isometric Autoencoders (Gropp, Atzmon, Lipman), reproduced: the library behind the book."""

from __future__ import annotations

from typing import Any

__all__ = ["IsometricAutoencoder"]


def __getattr__(name: str) -> Any:
    """Load the estimator when it is asked for: it brings PyTorch, which `isoae --help` need not."""
    if name == "IsometricAutoencoder":
        from isoae_lib.core.estimator import IsometricAutoencoder

        return IsometricAutoencoder
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
