"""Fits of one's own points as they are: with defaults, killed, and larger than memory."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import own_memory
import pytest
from own_points import FLAT, cap

from isoae_lib import IsometricAutoencoder
from isoae_lib.core.faithfulness import kept
from isoae_lib.files import ROOT
from isoae_lib.paper.floors import best_rings
from isoae_lib.paper.metrics.surfaces import ratios_over

pytestmark = pytest.mark.slow
POINTS = 3000
ALONE = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("name", FLAT)
def test_defaults_unroll_what_can_be_unrolled(name):
    points, flat = FLAT[name](POINTS, 0)
    correlation, _, scale = kept(IsometricAutoencoder(random_state=0).fit_transform(points), flat)
    assert correlation > 0.999
    assert scale == pytest.approx(1, abs=0.02)


def test_defaults_come_near_the_floor_of_a_sphere_s_cap():
    points, _ = cap(POINTS, 0, angle=1.0)
    model = IsometricAutoencoder(random_state=0).fit(points)
    ratios = ratios_over(model.inverse_transform, model.transform(points))
    assert ratios.std() < 1.2 * best_rings(1.0)[0]


FIT = """
import sys
import numpy as np
from isoae_lib import IsometricAutoencoder
from isoae_lib.core import training
training.CHECKPOINT_SECONDS = 0.3
points = np.random.default_rng(0).normal(size=(500, 3))
model = IsometricAutoencoder(
    hidden=(64, 64), steps=600, random_state=0, checkpoint="fit.checkpoint"
)
np.save(sys.argv[1], model.fit_transform(points))
"""


def start(folder, name):
    command = [sys.executable, "-c", FIT, name]
    return subprocess.Popen(command, cwd=folder, env=ALONE)


def test_a_killed_fit_gives_the_same_bits(tmp_path):
    assert start(tmp_path, "whole.npy").wait() == 0
    for _ in range(2):
        running, before = start(tmp_path, "again.npy"), written(tmp_path)
        while written(tmp_path) == before:
            assert running.poll() is None, "it was too quick to be killed"
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert start(tmp_path, "again.npy").wait() == 0
    assert np.array_equal(np.load(tmp_path / "again.npy"), np.load(tmp_path / "whole.npy"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.npy", "whole.npy"]


def written(folder):
    file = folder / "fit.checkpoint"
    return file.stat().st_mtime_ns if file.exists() else 0


def test_memory_does_not_grow_with_a_memory_mapped_file(tmp_path):
    small, large = (own_memory.fit(tmp_path / "points.npy", size) for size in (0.25, 1.0))
    assert large["megabytes"] < small["megabytes"] + 50
