"""Published networks: they are whole, and say what their records say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from make_golden import TINY

import isoae_lib
from isoae_lib.core.diagnostics import encoder_map
from isoae_lib.errors import InputError
from isoae_lib.paper import records, runs, sections
from isoae_lib.paper.metrics import measures
from isoae_lib.paper.specs import RunSpec

SURFACES = RunSpec(data="s-shape", method="AE", **TINY)
IMAGES = RunSpec(
    data="mnist-5k",
    method="AE",
    network="FC-NN",
    points=100,
    steps=2,
    batch=20,
    width_factor=1 / 16,
)


@pytest.fixture
def published(monkeypatch, tmp_path):
    monkeypatch.setitem(runs.PUBLISHED, "weights", tmp_path / "weights")

    def publish(spec, name):
        run = runs.get(spec)
        return run, runs.publish(run, name, "weights")

    return publish


@pytest.mark.parametrize(
    ("spec", "name", "precision"),
    [(SURFACES, "3d/s-shape/AE", torch.float32), (IMAGES, "visualization-FC/mnist/AE", torch.half)],
)
def test_published_networks_do_what_the_trained_ones_did(spec, name, precision, published):
    run, _ = published(spec, name)
    again = isoae_lib.load_published(name)
    kept = records.safetensors.torch.load_file(again.folder / records.WEIGHTS)
    assert {t.dtype for t in kept.values() if t.is_floating_point()} == {precision}
    close = 1e-6 if precision is torch.float32 else 2e-3
    x = run.points[:20]
    np.testing.assert_allclose(
        encoder_map(again.model)(x), encoder_map(run.model)(x), rtol=close, atol=close
    )
    assert again.metrics == run.metrics and again.figures.keys() == run.figures.keys()
    assert len(again.codes) == len(run.codes)


def test_published_weights_that_changed_are_noticed(published):
    _, folder = published(SURFACES, "3d/s-shape/AE")
    content = bytearray((folder / records.WEIGHTS).read_bytes())
    content[-4] ^= 1
    (folder / records.WEIGHTS).write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.safetensors differs"):
        isoae_lib.load_published("3d/s-shape/AE")


def test_a_network_that_is_not_published_is_named_with_the_close_ones(published):
    with pytest.raises(InputError, match="no published networks in"):
        isoae_lib.load_published("3d/s-shape/AE")
    published(SURFACES, "3d/s-shape/AE")
    with pytest.raises(InputError, match="did you mean 3d/s-shape/AE/seed-0"):
        isoae_lib.load_published("3d/s-shap/AE")


def test_the_package_offers_only_what_it_says():
    with pytest.raises(AttributeError, match="no attribute 'load_publishd'"):
        isoae_lib.load_publishd  # noqa: B018


@pytest.mark.parametrize("name", [n for n, _ in runs.published("weights") if n.startswith("3d/")])
def test_the_number_of_table_1_follows_from_published_weights_alone(name, tmp_path):
    run = isoae_lib.load_published(name)
    assert run.spec == sections.spec(name, "published")
    measured = measures.measure(run.data, run.model, "finished", tmp_path).metrics
    assert measured["edge_ratio_std"] == pytest.approx(run.metrics["edge_ratio_std"], abs=5e-4)


def test_networks_of_images_are_there_without_the_images(published, monkeypatch, tmp_path):
    run, _ = published(IMAGES, "visualization-FC/mnist/AE")
    x, codes = run.points[:5], encoder_map(run.model)(run.points[:5])
    again = isoae_lib.load_published("visualization-FC/mnist/AE")
    monkeypatch.setattr(records, "Data", None)  # what loads images
    assert encoder_map(again.model)(x) == pytest.approx(codes, abs=2e-3)
