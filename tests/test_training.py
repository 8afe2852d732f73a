"""Fits and their records: same bits, nothing half written, divergence reported."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
import torch
from make_golden import RUNS, TINY, losses_of_tiny

from isoae_lib.core import diagnostics, training
from isoae_lib.core.methods import METHODS
from isoae_lib.core.networks import Autoencoder, SoftPlus
from isoae_lib.core.spec import TRAINING_VERSION
from isoae_lib.errors import InputError
from isoae_lib.paper import baseline_records, fitting, records, runs
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import measures
from isoae_lib.paper.specs import RunSpec, change

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))
AE = RunSpec(data="s-shape", method="AE", **TINY)


def weights(fit):
    return torch.cat([p.flatten() for p in fit.model.parameters()])


@pytest.mark.parametrize("method", METHODS)
def test_same_spec_same_bits_and_another_seed_other_ones(method):
    spec = RunSpec(data="s-shape", method=method, **TINY)
    first, again = fitting.fit(spec), fitting.fit(spec)
    assert torch.equal(weights(first), weights(again))
    assert first.history == again.history
    assert not torch.equal(weights(first), weights(fitting.fit(replace(spec, seed=9))))


@pytest.mark.parametrize("name", RUNS)
def test_golden_runs(name):
    assert GOLDEN["training_version"] == TRAINING_VERSION and GOLDEN["losses"][
        name
    ] == pytest.approx(losses_of_tiny(name), rel=2e-2), (
        "training computes something else: see 'When results change' in CONTRIBUTING.md"
    )


def test_training_lowers_the_reconstruction_error():
    history = fitting.fit(replace(AE, steps=200, rate=1e-2)).history
    assert history[-1]["L_rec"] < 0.3 * history[0]["L_rec"]


def test_whole_batches_must_be_as_large_as_the_data():
    with pytest.raises(InputError, match="set batch to 60, it is 20"):
        fitting.fit(replace(AE, batches="whole"))


def test_what_is_measured_of_a_larger_surface_is_in_the_units_of_the_surface_itself(tmp_path):
    spec = replace(AE, method="I-AE", points=200, steps=40)
    larger = replace(spec, size=3.0)
    model, scaled = fitting.fit(spec).model, fitting.fit(larger).model
    own, large = Data(spec), Data(larger)
    assert large.points == pytest.approx(3 * own.points)
    assert large.truth == pytest.approx(3 * own.truth)
    scaled.load_state_dict(model.state_dict() | {
        f"{part}.{end}.factor": factor * model.state_dict()[f"{part}.{end}.factor"]
        for part in ("encoder", "decoder")
        for end, factor in (("0", 1 / 3), (str(len(model.encoder) - 1), 3.0))
    })  # fmt: skip
    found, ours = (
        measures.measure(data, net, "finished", tmp_path).metrics
        for data, net in ((large, scaled), (own, model))
    )
    assert found == pytest.approx(ours, rel=1e-3, abs=1e-5)


def test_what_codes_keep_of_a_larger_surface_is_what_they_keep_of_the_surface_itself(store):
    """On a sphere, where distances are no multiple of those in another size's chart."""
    own = runs.get(replace(AE, data="open-sphere", points=200, steps=5))
    chart = Data(replace(own.spec, size=3.0)).truth
    assert chart == pytest.approx(3 * own.chart)
    large = replace(own, spec=replace(own.spec, size=3.0))
    assert large.kept_distances == pytest.approx(own.kept_distances, rel=1e-9)
    assert baseline_records.numbers_of_run(large) == baseline_records.numbers_of_run(own)


def test_a_fit_that_leaves_the_finite_range_is_reported():
    fit = fitting.fit(replace(AE, rate=1e30, steps=60))
    assert fit.status == "diverged"
    assert all(math.isfinite(v) for row in fit.history for v in row.values())


def test_the_device_gets_a_copy_of_data_that_nobody_may_write_to():
    points = np.arange(6, dtype=np.uint8).reshape(2, 3)
    points.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        there = training.on_device(points, torch.device("cpu"))
    there += 1
    assert there.dtype == torch.uint8 and points.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_losses_of_a_record_have_their_closed_forms(monkeypatch):
    """g(x) = 3 x and, nearly, f(z) = max(0, z): an isometry at the codes, of mean 2 and deviation
    3, but not at those drawn latents that are negative."""
    monkeypatch.setattr(diagnostics, "NUMBERS_AT_ONCE", 3000)
    codes = np.repeat([1.0, 11.0], [4500, 500])[:, None]
    triple = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(triple.weight, 3.0)
    model = Autoencoder(torch.nn.Sequential(triple), torch.nn.Sequential(SoftPlus()))
    losses = diagnostics.losses(model, codes / 3, "sum")
    assert losses["L_rec"] == pytest.approx(np.mean((2 / 3 * codes) ** 2))
    assert losses["L_piso"] == pytest.approx(4)
    assert losses["L_iso"] == pytest.approx(NormalDist().cdf(-2 / 3), abs=0.02)


def test_rate_and_weight_follow_their_schedules():
    spec = RunSpec(data="s-shape", method="I-AE", steps=1000, rate=2.0, weight=3.0)
    rates = [training.rate_at(step, spec) for step in range(1000)]
    assert 0 < rates[0] < 0.1 and max(rates) == 2.0 and rates[-1] < 0.01
    assert rates[300] == rates[600] == 2.0
    weighted = [training.ease_at(step, spec) for step in range(1000)]
    assert weighted[0] == 0 and weighted[-1] == 1.0 and weighted[300] == pytest.approx(0.6)
    assert weighted == sorted(weighted)
    geometric = [training.ease_at(step, replace(spec, decades=4.0)) for step in range(1000)]
    assert geometric[0] == pytest.approx(1e-4) and geometric[250] == pytest.approx(1e-2)
    assert geometric[500:] == [1.0] * 500


@pytest.mark.parametrize("device", ["cuda:7", "nonsense"])
def test_a_device_that_is_not_there_is_reported(device):
    with pytest.raises(InputError, match=f"device '{device}'"):
        fitting.fit(AE, device)


def test_get_trains_once_and_the_record_is_whole(store, monkeypatch):
    calls = []
    fits = training.fits
    monkeypatch.setattr(training, "fits", lambda *a: calls.append(a) or fits(*a))
    run, again = runs.get(AE, "smoke"), runs.get(AE, "smoke")
    assert len(calls) == 1 and run.record == again.record
    names = {file.name for file in run.folder.iterdir()}
    assert names == {
        "run.json",
        "history.csv",
        "embedding.npz",
        "figures.npz",
        "weights.safetensors",
    }
    asked = "key spec preset status losses metrics seconds peak_memory_bytes device versions commit"
    assert set(asked.split()) <= set(run.record)
    assert run.spec == AE and run.spec.key == run.folder.name


@pytest.mark.parametrize("method", ["I-AE", "TCAE"])
def test_weights_come_back_as_they_were(method):
    run = runs.get(RunSpec(data="s-shape", method=method, **TINY))
    codes = run.model.encoder(torch.as_tensor(run.points, dtype=torch.float32))
    assert np.allclose(codes.detach().numpy(), run.codes, atol=1e-6)


def test_an_interrupted_write_leaves_no_record(store, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(records.safetensors.torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runs.get(AE)
    assert runs.find(AE) is None
    monkeypatch.undo()
    assert runs.get(AE, store=store).record["status"] == "finished"


def test_a_record_of_other_code_is_trained_again(store, monkeypatch):
    runs.get(AE)
    monkeypatch.setattr(runs, "code_digest", lambda *_: "other")
    monkeypatch.setattr(records, "code_digest", lambda *_: "other")
    assert runs.find(AE) is None
    assert runs.get(AE).record["code"] == "other"


def test_a_damaged_record_is_reported():
    folder = runs.get(AE).folder
    (folder / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        runs.read(folder)


def test_a_store_that_cannot_be_written_to_is_reported(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        runs.get(AE, store=tmp_path / "file" / "store")


def test_a_diverged_run_is_recorded_as_such():
    run = runs.get(replace(AE, rate=1e30, steps=60))
    assert run.record["status"] == "diverged" and run.metrics == {}


def test_key_follows_every_field():
    others = {
        "data": "curve", "method": "CAE", "seed": 5, "points": 61, "latent": 1, "width": 17,
        "depth": 3, "weight": 0.7, "noise": 0.3, "sampler": "uniform", "steps": 13, "batch": 7,
        "rate": 0.3, "decades": 2.0, "network": "S-CNN", "width_factor": 0.5, "reduction": "mean",
        "schedule": "constant", "statistics": "probes", "code_weight": 0.1, "split": "random",
        "validation": 9, "beta2": 0.9, "batches": "whole", "size": 2.0,
    }  # fmt: skip
    assert set(others) == set(AE.__dataclass_fields__)
    keys = {replace(AE, **{name: value}).key for name, value in others.items()}
    assert len(keys | {AE.key}) == len(others) + 1
    assert replace(AE).key == AE.key


@pytest.mark.parametrize(
    ("setting", "message"),
    [("stepz=3", "did you mean steps"), ("steps", "key=value"), ("steps=many", "type int"),
     ("steps=0", "1 or more"), ("rate=nan", "finite"), ("method=IAE", "did you mean"),
     ("latent=4", "latent size 4 is above"), ("schedule=plateau", "needs images set aside"),
     ("beta2=1", "below 1"), ("batches=all", "known: drawn, whole"), ("size=0", "above 0"),
     ("size=inf", "finite"), ("data=curve,latent=1,size=2", "no surface")],
)  # fmt: skip
def test_bad_settings_get_a_sentence(setting, message):
    with pytest.raises(InputError, match=message):
        change(AE, setting.split(","))


def test_a_field_added_later_leaves_older_keys_alone():
    @dataclass(frozen=True)
    class Later(RunSpec):
        pixels: int = 28

    assert (
        Later(data="s-shape", method="AE", seed=3).key
        == RunSpec(data="s-shape", method="AE", seed=3).key
    )
    assert (
        Later(data="s-shape", method="AE", pixels=32).key
        != RunSpec(data="s-shape", method="AE").key
    )
