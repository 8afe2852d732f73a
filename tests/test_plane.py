"""Numbers of a picture: closed forms on shapes whose answer is known, and negative controls."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isoae_lib.core.architectures import untrained
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import plane
from isoae_lib.paper.specs import RunSpec

RNG = np.random.default_rng(0)
N = 20_000


def disc(n):
    r, a = np.sqrt(RNG.random(n)), 2 * np.pi * RNG.random(n)
    return np.stack([r * np.cos(a), r * np.sin(a)], axis=1)


@pytest.mark.parametrize(("codes", "value"), [
    (disc(N), 1.0),
    (disc(N) * [7, 0.1] + 3, 1.0),  # neither place nor elongation counts
    (RNG.random((N, 2)), 0.785 * 1.195 / 0.95 * 1.21),  # a square, by hand up to its corners
    (RNG.standard_normal((N, 2)), 4 * (1 - 0.05**0.25) / 0.95),
    (disc(N) * (RNG.random((N, 1)) < 0.1), 4 * (0.9 + 0.1 / 8) / 0.95),  # nine tenths in one point
])  # fmt: skip
def test_crowding_of_known_shapes(codes, value):
    assert plane.crowding(codes) == pytest.approx(value, rel=0.04)


def test_crowding_does_not_see_a_turn_and_survives_a_line():
    codes = RNG.standard_normal((500, 2)) * [3, 1]
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert plane.crowding(codes @ turn) == pytest.approx(plane.crowding(codes))
    assert plane.crowding(np.outer(np.arange(9.0), [1, 2])) == 4.0


def test_separation_of_clusters_and_of_noise():
    labels = np.repeat(np.arange(4), 100)
    centres = np.array([[0, 0], [9, 0], [0, 9], [9, 9]])
    codes = centres[labels] + RNG.standard_normal((400, 2)) * 0.3
    apart = plane.separation(codes, labels)
    assert apart["knn_accuracy"] == 1 and apart["silhouette"] > 0.9
    mixed = plane.separation(codes, RNG.permutation(labels))
    assert abs(mixed["knn_accuracy"] - 0.25) < 0.12 and mixed["silhouette"] < 0.05


def test_five_neighbours_outvote_a_wrong_label():
    """Four fifths of either cloud have its class: three of five neighbours have, in 0.942."""
    rng, cloud = np.random.default_rng(0), np.repeat([0, 1], 2000)
    labels = cloud ^ (rng.random(4000) < 0.2)
    codes = 99 * cloud[:, None] + rng.standard_normal((4000, 2))
    found = plane.separation(codes, labels)["knn_accuracy"]
    assert found == pytest.approx(0.942 * 0.8 + 0.058 * 0.2, abs=0.03)  # 0.68 with one neighbour


def test_faithfulness_of_a_plane_of_a_fold_and_of_noise():
    flat = RNG.integers(0, 256, (600, 2)).astype(np.uint8)
    kept = plane.faithfulness(flat, flat.astype(float))
    assert min(kept.values()) > 0.999
    folded = np.abs(flat - 128.0) * [1, 0] + flat * [0, 1]  # false neighbours, none torn apart
    one = plane.faithfulness(flat, folded)
    assert one["trustworthiness"] < 0.95 < one["continuity"]
    torn = plane.faithfulness(flat[:, ::-1], flat + 2000.0 * (flat[:, :1] > 128))
    assert torn["trustworthiness"] > 0.99 > torn["continuity"]
    assert max(plane.faithfulness(flat, RNG.random((600, 2))).values()) < 0.7


def rings(noise=0.0, order=slice(None)):
    angle = 2 * np.pi * np.arange(plane.POSES) / plane.POSES
    ring = np.stack([np.cos(angle), 0.5 * np.sin(angle)], axis=1)[order]
    return np.stack([3 * k + (k + 1) * ring for k in range(3)]) + noise * RNG.standard_normal(
        (3, plane.POSES, 2)
    )


def test_rings_that_close_and_rings_that_do_not():
    assert plane.closed_rings(rings()) == 1
    assert plane.closed_rings(rings(order=slice(None, None, -1))) == 1
    assert plane.closed_rings(rings(noise=0.5)) == 0
    swapped = np.arange(plane.POSES)
    swapped[[10, 20]] = swapped[[20, 10]]
    assert plane.closed_rings(rings(order=swapped)) == 0
    one = rings()
    one[1] = one[1, RNG.permutation(plane.POSES)]
    assert plane.closed_rings(one) == pytest.approx(2 / 3)


def test_a_dented_ring_closes_too():
    angle = 2 * np.pi * np.arange(plane.POSES) / plane.POSES
    star = (1 + 0.5 * np.cos(5 * angle)) * np.stack([np.cos(angle), np.sin(angle)])
    assert plane.closed_rings(star.T[None]) == 1


def test_even_and_uneven_steps():
    angle = 2 * np.pi * np.arange(plane.POSES) / plane.POSES
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)[None]
    assert plane.ring_variation(circle) == pytest.approx(0, abs=1e-12)
    assert plane.ring_variation(np.concatenate([circle, 3 * circle])) == pytest.approx(0.5)
    bunched = angle + 0.8 * np.sin(angle)
    uneven = np.stack([np.cos(bunched), np.sin(bunched)], axis=1)[None]
    assert plane.ring_variation(uneven) > 0.5


def test_a_model_of_images_gets_every_number():
    spec = RunSpec(data="mnist-5k", method="AE", network="FC-NN", width_factor=1 / 32, points=300)
    x, labels = Data(spec).train
    model = untrained(spec, x).eval()
    codes = RNG.standard_normal((300, 2))
    found, _ = plane.measure_plane(model, x, labels, codes)
    assert set(found) == {
        "rmse", "mean_image_rmse", "singular_value_median", "condition_median", "crowding",
        "silhouette", "knn_accuracy", "trustworthiness", "continuity",
    }  # fmt: skip
    assert found["condition_median"] >= 1
    views = plane.embedding_numbers(x[:144], np.repeat([0, 1], 72), codes[:144])
    assert {"ring_variation", "closed_rings"} <= set(views)


def test_the_error_and_the_condition_are_those_of_the_decoder():
    """Against a full Jacobian at every code, and the error taken in one go."""
    spec = RunSpec(data="mnist-5k", method="AE", network="FC-NN", width_factor=1 / 32, points=100)
    x, labels = Data(spec).train
    model = untrained(spec, x).double().eval()
    pixels = torch.as_tensor(x / 255)
    codes = model.encoder(pixels).detach()
    jacobians = torch.func.vmap(torch.func.jacfwd(lambda z: model.decoder(z[None])[0]))(codes)
    sigma = torch.linalg.svdvals(jacobians).detach().numpy()
    error = (model.decoder(codes) - pixels).detach().numpy()
    found, _ = plane.measure_plane(model.float(), x, labels, codes.numpy())
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    from_mean = pixels.numpy() - pixels.numpy().mean(0)
    assert found["mean_image_rmse"] == pytest.approx(np.sqrt((from_mean**2).mean()), rel=1e-4)
    assert found["condition_median"] == pytest.approx(
        np.median(sigma[:, 0] / sigma[:, -1]), rel=1e-3
    )
    assert found["singular_value_median"] == pytest.approx(np.median(sigma), rel=1e-3)
