"""Networks and training are the same to the last bit, whatever the caller has set in PyTorch."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch
from make_golden import RUNS

from isoae_lib.core import architectures, diagnostics, networks
from isoae_lib.paper import fitting
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import feature_networks
from isoae_lib.paper.specs import RunSpec


@contextmanager
def default(dtype):
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


STATES = {
    "float64": lambda: default(torch.float64),
    "bfloat16": lambda: default(torch.bfloat16),
    "float16": lambda: default(torch.float16),
    "another device": lambda: torch.device("meta"),
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "deterministic": deterministic,
}


def outcome(spec):
    """Everything that a record holds of a run: weights, losses along the way and at the end."""
    fit = fitting.fit(spec)
    points = Data(spec).train[0]
    codes = diagnostics.encoder_map(fit.model)(points)
    losses = diagnostics.losses(fit.model, points, spec.reduction)
    weights = {k: (v.dtype, v.flatten().tolist()) for k, v in fit.model.state_dict().items()}
    return weights, fit.history, losses, codes.tolist()


def same(make):
    """Whether a function returns the same in all states."""
    wanted = make()
    for name, state in STATES.items():
        with state():
            assert make() == wanted, name


@pytest.mark.parametrize("name", RUNS)
def test_training(name):
    same(lambda: outcome(RUNS[name]))


def weights_of(net):
    return {k: (v.dtype, v.flatten().tolist()) for k, v in net.state_dict().items()}


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_starting_weights_of_image_networks(name):
    wanted = weights_of(architectures.printed_network(name, 4, 1 / 64, seed=1))
    for dtype in (torch.float64, torch.bfloat16):
        with default(dtype):
            assert weights_of(architectures.printed_network(name, 4, 1 / 64, seed=1)) == wanted


@pytest.mark.parametrize("tied", [False, True])
def test_starting_weights_of_fully_connected_networks(tied):
    def make():
        return weights_of(networks.fully_connected(3, 2, width=8, depth=2, tied=tied, unit=0.3))

    wanted = make()
    for dtype in (torch.float64, torch.bfloat16):
        with default(dtype):
            assert make() == wanted


def test_the_classifier_and_its_features(tmp_path):
    spec = RunSpec(data="mnist-5k", method="AE", points=200, network="FC-NN", width_factor=1 / 16)
    images = Data(spec).train[0][:5] / 255
    stores = iter(range(100))  # a new one each time, or the classifier would be found

    def make():
        net, accuracy = feature_networks.classifier(Data(spec), tmp_path / str(next(stores)))
        return weights_of(net), accuracy, feature_networks.features_of(net, images).tolist()

    same(make)
