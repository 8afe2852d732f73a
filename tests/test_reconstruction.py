"""What is measured of unseen images and of drawn codes, and in whose feature_networks."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from isoae_lib.core.diagnostics import decoder_map
from isoae_lib.core.networks import Autoencoder
from isoae_lib.errors import InputError
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import feature_networks, reconstruction, rounding
from isoae_lib.paper.specs import RunSpec

SPEC = RunSpec(data="mnist-5k", method="AE", points=1500, network="FC-NN", latent=784)


class Identity(Autoencoder):
    """Rebuilds every image, and adds a constant."""

    def __init__(self, added: float) -> None:
        super().__init__(nn.Linear(784, 784), nn.Linear(784, 784))
        for layer, bias in ((self.encoder, 0.0), (self.decoder, added)):
            nn.init.eye_(layer.weight)
            nn.init.constant_(layer.bias, bias)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A store with a classifier in it."""
    store = tmp_path_factory.mktemp("store")
    return store, *feature_networks.classifier(Data(SPEC), store)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(reconstruction, "TESTED", 200)
    codes = np.random.default_rng(0).normal(size=(60, 784))
    monkeypatch.setattr(reconstruction, "drawn_codes", lambda *_: {"samples": codes})
    return codes


def measured(known, few, added):
    model = Identity(added).eval()
    return reconstruction.measure_reconstruction(model, Data(SPEC), few, known[0])


def test_a_perfect_autoencoder_has_no_error_and_no_distance(known, few):
    metrics, pictures = measured(known, few, 0.0)
    assert metrics["error_per_pixel"] == pytest.approx(0, abs=1e-6)
    assert metrics["frechet_rebuilt"] == pytest.approx(0, abs=1e-4)
    assert metrics["frechet_samples"] > 1  # noise is no digit
    assert np.array_equal(pictures["rebuilt"], Data(SPEC).test[0][: reconstruction.SHOWN])


def test_a_constant_error_is_reported_in_its_units(known, few):
    """0.1 a pixel: 10 thousandths squared, and a norm of 0.1 times the root of 784."""
    metrics, _ = measured(known, few, 0.1)
    assert metrics["error_per_pixel"] == pytest.approx(10, rel=1e-4)
    assert metrics["error_norm"] == pytest.approx(2.8, rel=1e-4)
    mean = Data(SPEC).train[0].astype(float).mean(0)
    errors = [np.mean((image - mean) ** 2) / 255**2 for image in Data(SPEC).test[0][:200]]
    assert metrics["mean_image_error"] == pytest.approx(1e3 * np.mean(errors))
    assert metrics["frechet_rebuilt"] > 0.01


def test_the_fid_is_that_of_rebuilt_images(known, few, monkeypatch):
    """In a feature's place the pixels of a row, each 0.1 too bright."""
    monkeypatch.setattr(reconstruction, "has_inception", lambda: True)
    monkeypatch.setattr(
        reconstruction, "inception_features", lambda x, shape: x.reshape(-1, *shape)[:, 0, 14]
    )
    assert measured(known, few, 0.1)[0]["fid"] == pytest.approx(28 * 0.1**2, rel=1e-4)


def test_codes_are_drawn_by_the_seed_as_many_as_images_are_tested(known, monkeypatch):
    """No more than the run was trained on."""
    monkeypatch.setattr(reconstruction, "classifier", lambda *_: known[1:])
    model = Autoencoder(nn.Linear(784, 2), nn.Linear(2, 784)).eval()
    codes = np.random.default_rng(0).normal(size=(40, 2))
    spec = replace(SPEC, points=60, seed=7)
    _, pictures = reconstruction.measure_reconstruction(model, Data(spec), codes, known[0])
    for name, z in reconstruction.drawn_codes(codes, 60, 7).items():
        expected = decoder_map(model)(z[: reconstruction.SHOWN])
        assert np.array_equal(pictures[name], rounding.as_bytes(expected))


def test_the_classifier_tells_ten_digits_and_is_judged_on_test_images(known):
    x, y = Data(SPEC).test
    with torch.no_grad():
        scores = known[1](torch.tensor(x) / 255)
    assert scores.shape == (1000, 10)
    assert known[2] == pytest.approx((scores.argmax(1).numpy() == y).mean(), abs=2e-3)


def test_the_classifier_is_good_and_trained_once(known):
    store, net, accuracy = known
    assert accuracy > 0.85
    (file,) = store.glob("classifiers/*.safetensors")
    before = file.stat().st_mtime_ns
    again, same = feature_networks.classifier(Data(SPEC), store)
    assert file.stat().st_mtime_ns == before and same == accuracy and not again.training
    for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_damaged_classifier_is_trained_again(known, tmp_path):
    few = replace(SPEC, points=60)
    first = feature_networks.classifier(Data(few), tmp_path)[1]
    (file,) = tmp_path.glob("classifiers/*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    assert feature_networks.classifier(Data(few), tmp_path)[1] == first


def test_a_classifier_of_other_images_is_not_used(known, tmp_path, monkeypatch):
    few = replace(SPEC, points=60)
    first = feature_networks.classifier(Data(few), tmp_path)[0].last.weight
    images, labels = Data(few).train
    monkeypatch.setattr(Data, "train", property(lambda _: (255 - images, labels)))
    assert not torch.equal(feature_networks.classifier(Data(few), tmp_path)[0].last.weight, first)


def test_a_classifier_of_other_code_is_trained_again(tmp_path, monkeypatch):
    few, trained = replace(SPEC, points=60), []
    monkeypatch.setattr(feature_networks, "_train", lambda *_: trained.append(1))
    for digest, count in (("old", 1), ("old", 1), ("new", 2)):
        monkeypatch.setattr(feature_networks, "code_digest", lambda *_, d=digest: d)
        feature_networks.classifier(Data(few), tmp_path)
        assert len(trained) == count


def test_features_of_one_image_do_not_know_the_others(known):
    x = Data(SPEC).test[0][:20] / 255
    together = feature_networks.features_of(known[1], x)
    assert together.shape == (20, feature_networks.FEATURES)
    alone = feature_networks.features_of(known[1], x[3:5])
    np.testing.assert_allclose(together[3:5], alone, atol=1e-5)


def test_images_without_classes_are_told_by_their_turn():
    """A picture with a bright edge: each quarter turn has it on another side."""
    net = feature_networks.Classifier((1, 8, 8), feature_networks.TURNS)
    image = np.zeros((1, 8, 8), np.uint8)
    image[0, 0] = 255
    many = np.repeat(image.reshape(1, 64), 40, axis=0)
    rng = torch.Generator().manual_seed(0)
    x, turns = feature_networks._task(many, np.full(40, -1), net, True, rng)
    edges = x.reshape(-1, 8, 8)
    sides = torch.stack([edges[:, 0], edges[:, :, 0], edges[:, -1], edges[:, :, -1]], 1)
    assert torch.equal(sides.sum(2).argmax(1), turns) and len(set(turns.tolist())) == 4


def test_drawn_codes_follow_the_codes():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(4000, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + [3, -1]
    drawn = reconstruction.drawn_codes(codes, 4000, 0)
    assert set(drawn) == {"samples", "mixture"}
    for z in drawn.values():
        np.testing.assert_allclose(z.mean(0), codes.mean(0), atol=0.15)
        np.testing.assert_allclose(np.cov(z.T), np.cov(codes.T), atol=0.4)


def test_a_mixture_finds_what_one_gaussian_cannot():
    """Codes on a ring: nothing of a mixture falls into its middle."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 2000)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    drawn = reconstruction.drawn_codes(ring, 2000, 0)
    middle = {name: (np.linalg.norm(z, axis=1) < 0.5).mean() for name, z in drawn.items()}
    assert middle["mixture"] < 0.02 < 0.1 < middle["samples"]
    first = drawn["mixture"][:40]  # of all Gaussians, not of the first
    assert {(x > 0, y > 0) for x, y in first} == {(a, b) for a in (0, 1) for b in (0, 1)}


def test_bytes_are_cut_off_at_black_and_white():
    assert rounding.as_bytes(np.array([-1.0, 0.5, 2.0])).tolist() == [0, 128, 255]


def test_the_real_fid_asks_for_its_extra(monkeypatch):
    monkeypatch.setattr(feature_networks, "has_inception", lambda: False)
    with pytest.raises(InputError, match=r"\[metrics\]"):
        feature_networks.inception_features(Data(SPEC).train[0], (1, 28, 28))


def test_inception_sees_three_channels_of_bytes(monkeypatch):
    """What the extractor of the extra is given, with one in its place that returns its input."""

    class Extractor(nn.Module):
        def __init__(self, name, wanted, feature_extractor_weights_path):
            super().__init__()
            assert wanted == ["2048"] and feature_extractor_weights_path == "weights"

        def forward(self, pictures):
            assert pictures.dtype == torch.uint8
            return (pictures.flatten(1),)

    module = SimpleNamespace(FeatureExtractorInceptionV3=Extractor)
    monkeypatch.setitem(sys.modules, "torch_fidelity", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", module)
    monkeypatch.setattr(feature_networks, "has_inception", lambda: True)
    monkeypatch.setattr(feature_networks, "_inception_weights", lambda: "weights")
    grey = np.array([[0.0, 0.5, 0.7, 2.0]] * 120)
    seen = feature_networks.inception_features(grey, (1, 2, 2))
    assert seen.shape == (120, 12) and seen[-1].tolist() == [0, 128, 178, 255] * 3
    colour = np.linspace(0, 1, 12)[None]
    assert feature_networks.inception_features(colour, (3, 2, 2))[0, -1] == 255


@pytest.mark.parametrize("problem", [OSError("no network"), None])
def test_inception_weights_that_cannot_be_had_are_reported(monkeypatch, tmp_path, problem):
    import pooch

    file = tmp_path / "weights.pth"

    def retrieve(*_, **__):
        if problem:
            raise problem
        file.write_bytes(b"other weights")
        return str(file)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(InputError, match="cannot be fetched" if problem else "was removed"):
        feature_networks._inception_weights()
    assert not file.exists()
