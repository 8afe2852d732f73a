"""Every test runs on one thread and keeps its runs in a folder of its own."""

from __future__ import annotations

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store for this test alone."""
    folder = tmp_path / "store"
    monkeypatch.setenv("ISOAE_STORE", str(folder))
    return folder


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)
