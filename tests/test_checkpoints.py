"""Nothing is lost: a run that is stopped, killed or damaged ends in the same bits."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from make_golden import TINY

from isoae_lib import files
from isoae_lib.core import checkpoints, training
from isoae_lib.core.methods import METHODS
from isoae_lib.errors import InputError, Unfinished
from isoae_lib.paper import fitting, runs
from isoae_lib.paper.specs import RunSpec

ROOT = Path(__file__).resolve().parent.parent
SPEC = RunSpec(data="s-shape", method="I-AE", **{**TINY, "steps": 90})


def weights(fit):
    return torch.cat([p.flatten() for p in fit.model.parameters()])


def stops_after(steps):
    """Return a `stop` that is true from the given step on."""
    asked = iter(range(10**6))
    return lambda: next(asked) + 1 >= steps


@pytest.fixture
def checkpoint(tmp_path):
    return tmp_path / "checkpoint"


@pytest.mark.parametrize("method", METHODS)
def test_a_run_in_three_parts_ends_in_the_bits_of_one(method, checkpoint):
    spec = replace(SPEC, method=method)
    for _ in range(2):
        with pytest.raises(Unfinished, match="of 90; the same command goes on"):
            fitting.fit(spec, checkpoint=checkpoint, stop=stops_after(37))
    parts, whole = fitting.fit(spec, checkpoint=checkpoint), fitting.fit(spec)
    assert torch.equal(weights(parts), weights(whole))
    assert parts.history == whole.history


def test_it_goes_on_and_does_not_begin_again(checkpoint):
    with pytest.raises(Unfinished, match="step 37 of 90"):
        fitting.fit(SPEC, checkpoint=checkpoint, stop=stops_after(37))
    first = []
    fitting.fit(SPEC, progress=lambda step, row: first.append(step), checkpoint=checkpoint)
    assert first[0] == 37


@pytest.mark.parametrize("change", [{"code": "other"}, {"spec": replace(SPEC, rate=3e-3)}])
def test_a_checkpoint_of_another_run_is_not_used(change, checkpoint):
    with pytest.raises(Unfinished):
        fitting.fit(SPEC, checkpoint=checkpoint, stop=stops_after(37))
    spec, code = change.get("spec", SPEC), change.get("code", "")
    again = fitting.fit(spec, checkpoint=checkpoint, code=code)
    assert torch.equal(weights(again), weights(fitting.fit(spec)))


def test_a_checkpoint_of_other_images_is_not_used(checkpoint, monkeypatch):
    with pytest.raises(Unfinished):
        fitting.fit(SPEC, checkpoint=checkpoint, stop=stops_after(37))
    monkeypatch.setattr(training, "digest", lambda points: "of others")
    first = []
    fitting.fit(SPEC, progress=lambda step, row: first.append(step), checkpoint=checkpoint)
    assert first[0] == 0


def test_divergence_just_after_going_on_reports_the_last_good_losses(checkpoint, monkeypatch):
    with pytest.raises(Unfinished):
        fitting.fit(SPEC, checkpoint=checkpoint, stop=stops_after(37))
    monkeypatch.setattr(training.Stepper, "step", lambda *_: torch.full((1, 3), float("nan")))
    fit = fitting.fit(SPEC, checkpoint=checkpoint)
    assert fit.diverged_at == 38 and fit.history[-1]["step"] == 37


def test_the_seconds_of_a_run_in_two_parts_add_up(checkpoint, monkeypatch):
    with pytest.raises(Unfinished):
        fitting.fit(SPEC, checkpoint=checkpoint, stop=stops_after(37))
    tensors, values = checkpoints.load(checkpoint, checkpoints._read(checkpoint)[1]["identity"])
    assert values["fits"][0]["seconds"] > 0
    values["fits"][0]["seconds"] = 1000.0
    checkpoints.save(checkpoint, tensors, values)
    assert 1000 < fitting.fit(SPEC, checkpoint=checkpoint).seconds < 1100


def two_checkpoints(checkpoint):
    tensors = {"a": torch.arange(50.0), "b": torch.ones(())}
    for step in (1, 2):
        checkpoints.save(checkpoint, tensors, {"identity": "me", "step": step})
    return checkpoint.read_bytes()


def test_the_newest_whole_checkpoint_is_used(checkpoint, caplog):
    two_checkpoints(checkpoint)
    tensors, values = checkpoints.load(checkpoint, "me")
    assert values["step"] == 2 and torch.equal(tensors["a"], torch.arange(50.0))
    assert checkpoints.load(checkpoint, "another") is None
    assert not caplog.records


@pytest.mark.parametrize("damage", ["empty", "half", "a bit", "its text", "gone"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(damage, checkpoint, caplog):
    content = bytearray(two_checkpoints(checkpoint))
    if damage == "gone":  # killed between the two renames
        checkpoint.unlink()
    else:
        if damage == "empty":
            content = content[:0]
        elif damage == "half":
            content = content[: len(content) // 2]
        elif damage == "a bit":
            content[-30] ^= 4
        else:
            at = content.index(b'\\"step\\": 2')
            content[at + 10 : at + 11] = b"3"
        checkpoint.write_bytes(content)
    assert checkpoints.load(checkpoint, "me")[1]["step"] == 1
    assert damage == "gone" or "is damaged" in caplog.text


def test_a_full_disk_leaves_the_checkpoint_before(checkpoint, monkeypatch):
    before = two_checkpoints(checkpoint)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        two_checkpoints(checkpoint)
    assert checkpoint.read_bytes() == before
    assert sorted(f.name for f in checkpoint.parent.iterdir()) == [
        "checkpoint",
        "checkpoint.before",
    ]


def test_too_little_memory_is_reported(monkeypatch):
    def full(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(training.Stepper, "step", full)
    with pytest.raises(InputError, match="too little memory for 20 points"):
        fitting.fit(SPEC)


COMMAND = (
    "import sys; from isoae_lib import cli; from isoae_lib.core import training; "
    "training.CHECKPOINT_SECONDS = 0.02; "
    "sys.argv = ['isoae', 'train', '3d/s-shape/I-AE', '--store', {store!r}, "
    "'--set', 'points=200', '--set', 'steps=700', '--set', 'width=24', '--set', 'depth=2']; "
    "cli.main()"
)


def command(store):
    return [sys.executable, "-c", COMMAND.format(store=str(store))]


@pytest.mark.slow
def test_kills_at_random_moments_change_nothing(tmp_path):
    chance = random.Random(0)
    kills, store = 0, tmp_path / "killed"
    for _ in range(3):
        process = subprocess.Popen(command(store), cwd=ROOT, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and not list(store.glob(".*.checkpoint")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        assert all(runs.read(folder) for folder in runs.folders(store))
    assert kills >= 2
    printed = subprocess.run(command(store), cwd=ROOT, capture_output=True, text=True, check=True)
    whole = subprocess.run(
        command(tmp_path / "whole"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    killed, uninterrupted = (Path(t.stdout.strip().splitlines()[-1]) for t in (printed, whole))
    for name in ("weights.safetensors", "history.csv", "embedding.npz"):
        assert (killed / name).read_bytes() == (uninterrupted / name).read_bytes()
    assert not list(store.glob(".*.checkpoint*"))


def test_a_polite_stop_says_how_to_go_on(tmp_path):
    store = tmp_path / "store"
    process = subprocess.Popen(command(store), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(store.glob(".*.checkpoint")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 75 and "Traceback" not in printed
    assert printed.splitlines()[-1].startswith("isoae: 3d/s-shape/I-AE: stopped at step ")


@pytest.mark.slow
def test_two_processes_train_once(tmp_path):
    store = tmp_path / "store"
    both = [
        subprocess.Popen(
            command(store), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed[0][0] == printed[1][0]
    trained = ["700/700" in err for _, err in printed]
    assert sorted(trained) == [False, True]
    assert "waiting for another process" in printed[trained.index(False)][1]
