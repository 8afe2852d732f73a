"""A page's plane of a decoder: as exact as promised, its lengths those along the surface."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from isoae_lib.core.architectures import printed_network
from isoae_lib.core.diagnostics import decoder_map
from isoae_lib.paper import planes
from isoae_lib.paper.metrics.rounding import as_bytes
from isoae_lib.paper.records import Run
from isoae_lib.paper.runs import load_published

LOW, HIGH = np.array([-3.0, 1.0]), np.array([5.0, 3.0])


def decoder(speed):
    """A small decoder whose images change so fast along the plane."""
    model = printed_network("FC-NN", 2, 1 / 16, seed=1).eval()
    with torch.no_grad():
        linear = [layer for layer in model.decoder if isinstance(layer, torch.nn.Linear)]
        for layer in linear:
            layer.weight.mul_(1.6)
        linear[0].weight.mul_(speed)
        linear[-1].bias.add_(0.5)
    return model


@pytest.fixture(scope="module")
def drawn():
    """A decoder, and what a page has of it."""
    return decoder(1), planes.of_decoder(decoder(1), LOW, HIGH)


def test_a_plane_is_within_two_of_255_at_twenty_places_between_those_of_its_grid(drawn):
    model, plane = drawn
    places = LOW + (HIGH - LOW) * np.random.default_rng(5).random((20, 2))
    true = np.clip(decoder_map(model)(places), 0, 1)
    assert true.std(0).mean() > 20 / 255, "the images hardly differ: anything would pass"
    wrong = np.sqrt(((plane.at(places) - true) ** 2).mean(1))
    assert wrong.max() < 2 / 255
    assert len(plane.components.whole) < 100, "components that change nothing are kept"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["I-AE", "AE"])
def test_the_planes_of_the_page_are_as_exact_at_twenty_places(method):
    run = load_published(f"visualization-FC/mnist/{method}")
    plane = planes.of_run(run)
    places = plane.low + (plane.high - plane.low) * np.random.default_rng(5).random((20, 2))
    true = np.clip(decoder_map(run.model)(places), 0, 1)
    assert np.sqrt(((plane.at(places) - true) ** 2).mean(1)).max() < 2 / 255


def test_a_decoder_that_changes_faster_gets_a_finer_grid(drawn, monkeypatch):
    monkeypatch.setattr(planes, "SIDES", (8, 24, 96))
    monkeypatch.setattr(planes, "METRIC_SIDE", 2)
    slow, fast = (planes.of_decoder(decoder(speed), LOW, HIGH) for speed in (0.01, 4))
    assert slow.side == 8 < fast.side


def test_lengths_are_those_of_the_way_on_the_surface_not_of_the_chord(drawn):
    model, plane = drawn
    stops = np.linspace(LOW, HIGH, 9)
    lengths, decoded = plane.lengths(stops), decoder_map(model)
    ways = [np.diff(decoded(np.linspace(a, b, 1000)), axis=0) for a, b in pairwise(stops)]
    true = np.array([np.linalg.norm(way, axis=1).sum() for way in ways])
    assert np.abs(lengths - true).max() < 0.02 * true.mean()
    ends = decoded(stops[[0, -1]])
    assert np.linalg.norm(ends[1] - ends[0]) < 0.95 * true.sum(), "a straight way: a poor test"


def test_a_record_without_weights_gives_the_plane_that_it_keeps(tmp_path, drawn):
    model, _ = drawn
    axes = np.linspace(LOW, HIGH, 24, axis=1)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    images = np.clip(decoder_map(model)(grid), 0, 1)
    kept = {
        "plane_axes": axes, "decoded_plane": as_bytes(images).reshape(24, 24, -1),
        "plane_metric": np.broadcast_to(np.diag([1.0, 4.0]), (24, 24, 2, 2)),
    }  # fmt: skip
    run = Run(None, {"files": {}}, np.zeros((1, 2)), np.zeros(1), [], tmp_path)
    assert not planes.is_known(run)
    run.__dict__["figures"] = kept
    assert planes.is_known(run)
    plane = planes.of_run(run)
    assert np.sqrt(((plane.at(grid) - images) ** 2).mean(1)).max() < 2 / 255
    assert plane.lengths(np.array([LOW, HIGH])) == pytest.approx(np.hypot(8, 2 * 2), rel=1e-4)
