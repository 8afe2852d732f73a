"""Every test runs on one thread, from fixed seeds, and keeps its runs in a folder of its own."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

torch.set_num_threads(1)
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(number) == signal.SIG_IGN:  # as in the background: tests send these
        signal.signal(number, signal.SIG_DFL)
set_hypothesis_home_dir(Path(__file__).resolve().parents[1] / "build" / "cache" / "hypothesis")
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=25, database=None)
settings.load_profile("fixed")


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """A store for this test alone."""
    folder = tmp_path / "store"
    monkeypatch.setenv("ISOAE_STORE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def fixed_seeds():
    """The global generators start anew, so that the order of the tests plays no part."""
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder in which copies are allowed that are not official."""
    monkeypatch.setenv("ISOAE_DATA_DIR", str(tmp_path / "raw"))
    monkeypatch.setenv("ISOAE_ALLOW_UNVERIFIED", "1")
    return tmp_path / "raw"


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)
