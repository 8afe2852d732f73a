"""The best epoch's weights are kept, the rate follows, and a kill loses none of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from isoae_lib.core import early_stopping
from isoae_lib.core.architectures import untrained
from isoae_lib.core.networks import Autoencoder
from isoae_lib.errors import Unfinished
from isoae_lib.paper import fitting
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.specs import RunSpec

SPEC = RunSpec(
    data="mnist-5k", method="AE", points=96, batch=32, steps=21, rate=3e-3, network="FC-NN",
    width_factor=0.1, reduction="mean", schedule="plateau", validation=40,
)  # fmt: skip


def model_off_by(error):
    """An autoencoder that returns everything, plus a constant."""
    decoder = torch.nn.Linear(4, 4)
    decoder.weight.data = torch.eye(4)
    decoder.bias.data = torch.full((4,), error**0.5)
    return Autoencoder(torch.nn.Identity(), decoder)


def stopping():
    images = torch.arange(40, dtype=torch.uint8).reshape(10, 4)
    return early_stopping.EarlyStopping(images, steps=3)


def test_the_error_is_per_pixel():
    error = early_stopping.error_per_pixel(model_off_by(0.25), stopping().images)
    assert error == pytest.approx(0.25)


def test_the_error_of_an_image_does_not_depend_on_the_images_beside_it():
    norm = torch.nn.BatchNorm1d(4)
    model = Autoencoder(norm, torch.nn.Identity()).train()
    assert early_stopping.error_per_pixel(model, stopping().images) == pytest.approx(0, abs=1e-9)
    assert model.training and norm.training
    assert norm.num_batches_tracked == 0 and not norm.running_mean.any()


def test_only_ends_of_epochs_count_and_the_best_is_kept():
    seen, spec = stopping(), replace(SPEC, steps=12)
    for step, error in enumerate([9, 9, 5, 1, 1, 3, 1, 1, 4, 2, 2, 6]):
        seen.after_step(model_off_by(error), spec, step)
    assert seen.error == pytest.approx(3) and seen.epoch == 2 and seen.waited == 2
    assert seen.weights["decoder.bias"] == pytest.approx(torch.full((4,), 3**0.5))


def test_the_last_epoch_counts_even_if_the_steps_end_within_it():
    seen, spec = stopping(), replace(SPEC, steps=7)
    for step, error in enumerate([9, 9, 5, 9, 9, 4, 3]):
        seen.after_step(model_off_by(error), spec, step)
    assert seen.error == pytest.approx(3) and seen.epoch == 3


def test_the_rate_is_halved_after_six_epochs_without_progress():
    seen, factors, spec = stopping(), [], replace(SPEC, steps=99)
    for epoch in range(20):
        seen.after_step(model_off_by(1 if epoch else 0.5), spec, 3 * epoch + 2)
        factors.append(seen.factor)
    assert factors == [1] * 6 + [0.5] * 6 + [0.25] * 6 + [0.125] * 2


def test_an_interruption_after_every_epoch_changes_no_rate():
    whole, parts, spec = stopping(), stopping(), replace(SPEC, steps=99)
    for epoch in range(14):
        parts, before = stopping(), parts
        parts.restore(*before.state())
        for seen in (whole, parts):
            seen.after_step(model_off_by(1 if epoch else 0.5), spec, 3 * epoch + 2)
        assert parts.state()[1] == whole.state()[1]
    assert parts.factor == 0.25


def test_a_fit_returns_the_weights_of_its_best_epoch(monkeypatch):
    errors = iter([5.0, 4.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    monkeypatch.setattr(early_stopping, "error_per_pixel", lambda *_: next(errors))
    fit = fitting.fit(SPEC)
    nine = fitting.fit(replace(SPEC, steps=9, validation=0, schedule="constant"))
    assert fit.epoch == 3
    for ours, theirs in zip(
        fit.model.state_dict().values(), nine.model.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_an_epoch_has_room_for_every_image(monkeypatch):
    errors = iter([2.0, 1.0])
    monkeypatch.setattr(early_stopping, "error_per_pixel", lambda *_: next(errors))
    assert fitting.fit(replace(SPEC, points=97, batch=32, steps=8)).epoch == 2


def test_validation_leaves_training_alone():
    with_it = fitting.fit(replace(SPEC, schedule="constant"))
    without = fitting.fit(replace(SPEC, schedule="constant", validation=0))
    assert with_it.history == without.history


def test_a_run_in_two_parts_keeps_its_best_epoch(tmp_path, monkeypatch):
    def errors():
        values = iter([5.0, 1.0, *range(2, 9)])
        monkeypatch.setattr(early_stopping, "error_per_pixel", lambda *_: next(values))

    monkeypatch.setattr(early_stopping, "PATIENCE", 1)
    errors()
    whole = fitting.fit(SPEC)
    errors()
    asked = iter(range(1000))
    with pytest.raises(Unfinished):
        fitting.fit(SPEC, checkpoint=tmp_path / "c", stop=lambda: next(asked) >= 13)
    parts = fitting.fit(SPEC, checkpoint=tmp_path / "c")
    assert parts.epoch == whole.epoch == 2 and parts.history == whole.history
    for ours, theirs in zip(
        parts.model.state_dict().values(), whole.model.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_runs_with_validation_are_not_stacked():
    alone = [fitting.stackable(replace(SPEC, seed=seed)) for seed in (0, 1)]
    plain = replace(SPEC, schedule="constant", validation=0)
    together = [fitting.stackable(replace(plain, seed=s)) for s in (0, 1)]
    assert alone[0] != alone[1] and together[0] == together[1]


def test_spectral_norms_go_through_a_fit_and_back():
    spec = replace(SPEC, method="RAE-SN", code_weight=0.01)
    fit = fitting.fit(spec)
    again = untrained(spec, Data(spec).points)
    again.load_state_dict(fit.model.state_dict())
    x = torch.rand(3, 784)
    torch.testing.assert_close(again.eval()(x), fit.model(x))
