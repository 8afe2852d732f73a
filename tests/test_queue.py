"""The queue of runs: what is left of it, in which order, and what travels between stores."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from isoae_lib.paper import entries, parcels, queue, runs, sections
from isoae_lib.paper.entries import ENTRIES, Entry

ROOT = Path(__file__).resolve().parent.parent
SMALL = "points=200,batch=20,steps=400,width=24,depth=2"
AE = "toy/curve/I-AE,width=8,depth=1,steps=5"


def entry(name="small", runs=(AE,), **changed):
    return Entry(name=name, runs=runs, **({"replaces": "nothing", "seeds": (0,)} | changed))


@pytest.fixture
def holds(monkeypatch):
    """Let the queue hold these entries alone."""
    return lambda *held: monkeypatch.setattr(queue, "ENTRIES", held)


def trained(name, seed=0):
    return runs.get(sections.spec(name, "published", seed), "published")


def test_every_entry_has_its_own_name_and_runs_that_can_be_trained():
    names = [e.name for e in ENTRIES]
    assert len(set(names)) == len(names)
    for each in ENTRIES:
        specs = [spec for _, spec in each.specs()]
        assert len({spec.key for spec in specs}) == len(each.runs) * len(each.seeds)
        assert each.to in runs.PUBLISHED and each.replaces
        assert len({spec.data for spec in specs if spec.of_images}) <= 1


def test_a_sweep_comes_before_what_it_chooses_and_tries_a_quarter_of_its_steps():
    by_name = {e.name: e for e in ENTRIES}
    for each in ENTRIES:
        if each.after:
            sweep = by_name[each.after]
            assert ENTRIES.index(sweep) < ENTRIES.index(each)
            (full,) = {spec.steps for _, spec in each.specs()}
            assert {spec.steps for _, spec in sweep.specs()} == {full // 4}
            assert {spec.width_factor for e in (sweep, each) for _, spec in e.specs()} == {1.0}
            tuned = {entries.method_of(name) for name in sweep.runs}
            assert tuned | {"I-AE", "AE"} == {entries.method_of(name) for name in each.runs}


COMMAND = """
import sys
from isoae_lib import cli
from isoae_lib.core import training
from isoae_lib.paper import queue
from isoae_lib.paper.entries import Entry
training.CHECKPOINT_SECONDS = 0.02
names = tuple(f"3d/s-shape/{{method}},{small}" for method in ("AE", "I-AE"))
queue.ENTRIES = (Entry(name="small", runs=names, replaces="nothing", seeds=(0, 1)),)
sys.argv = ["isoae", "queue", *{words!r}]
cli.main()
"""


def started(*words, **options):
    code = COMMAND.format(words=[str(word) for word in words], small=SMALL)
    quiet = {"stderr": subprocess.DEVNULL, "text": True} | options
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, **quiet)


@pytest.mark.slow
def test_a_queue_that_is_killed_twice_and_merged_elsewhere_equals_a_plain_run(tmp_path):
    """Of four runs, the first two are killed in the middle; what arrives has the same bits."""
    here, out, there, plain = (tmp_path / name for name in ("here", "out", "there", "plain"))
    for done in range(2):
        process = started("run", "--store", here, "--out", out, start_new_session=True)
        deadline = time.monotonic() + 120
        while not (len(list(here.glob("*/run.json"))) == done and list(here.glob(".*.checkpoint"))):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert started("run", "--store", here, "--out", out).wait() == 0
    assert [answer for _, answer in parcels.merge(out, there)] == ["merged"] * 4
    assert not list(out.glob("*.checkpoint"))
    for name in (f"3d/s-shape/{method},{SMALL}" for method in ("AE", "I-AE")):
        for seed in (0, 1):
            spec = sections.spec(name, "published", seed)
            arrived, whole = runs.find(spec, there), runs.get(spec, store=plain)
            assert arrived is not None and arrived.weights_checksum == whole.weights_checksum
            assert arrived.metrics == whole.metrics and arrived.history == whole.history
            assert np.array_equal(arrived.codes, whole.codes)
