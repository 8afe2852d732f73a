"""The networks of Tables 4 and 6: every size on the way, and what they cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from isoae_lib.core.architectures import printed_network, untrained
from isoae_lib.core.notation import ARCHITECTURES, multiply_adds, summary
from isoae_lib.core.spec import NETWORKS, Spec
from isoae_lib.errors import InputError

# side of the image after each layer with weights but BatchNorm, by hand from the printed numbers
SIDES = {
    "S-CNN": ([16, 8, 4, 1], [4, 8, 16, 28]),
    "L-CNN": ([64, 32, 16, 8, 4, 2, 1], [4, 8, 16, 32, 64, 128]),
    "MNIST-CNN": ([16, 8, 4, 2], [8, 16, 32, 32]),
    "CIFAR-10-CNN": ([16, 8, 4, 2], [8, 16, 32, 32]),
    "CelebA-CNN": ([31, 15, 7, 3], [16, 32, 64, 64]),
}
CHANNELS = {
    "FC-NN": ([128, 256, 512, 1024, 7], [1024, 512, 256, 128, 784]),
    "S-CNN": ([32, 64, 128, 256, 7], [256, 128, 64, 32, 1]),
    "L-CNN": ([128, 256, 512, 1024, 2048, 4096, 7], [2048, 1024, 512, 256, 128, 1]),
    "MNIST-CNN": ([128, 256, 512, 1024, 7], [16384, 512, 256, 128, 1]),
    "CIFAR-10-CNN": ([128, 256, 512, 1024, 7], [16384, 512, 256, 128, 3]),
    "CelebA-CNN": ([128, 256, 512, 1024, 7], [65536, 512, 256, 128, 3]),
}


def weighty(name, part):
    rows = summary(name, 7)
    return [row for row in rows if row.part == part and "Norm" not in row.layer]


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_every_image_on_the_way_has_its_size(name, part):
    shapes = [row.shape for row in weighty(name, part) if len(row.shape) == 3]
    assert [shape[1] for shape in shapes] == SIDES[name][part == "decoder"]
    assert all(shape[1] == shape[2] for shape in shapes)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_every_layer_has_its_channels(name, part):
    assert [row.shape[0] for row in weighty(name, part)] == CHANNELS[name][part == "decoder"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_norms_and_activations_stand_where_table_3_puts_them(name):
    model = printed_network(name, 3, 1 / 64)
    for net in (model.encoder, model.decoder):
        kinds = [type(layer).__name__ for layer in net]
        for k, kind in enumerate(kinds):
            if kind.startswith("BatchNorm"):
                assert kinds[k + 1] == "SoftPlus" and kinds[k - 1].startswith(("Linear", "Conv"))
        weighty = [k for k, kind in enumerate(kinds) if kind.startswith(("Linear", "Conv"))]
        assert "SoftPlus" not in kinds[weighty[-1] :]  # the output has no activation
    # a printed B is a BatchNorm, and nothing else is
    plan = ARCHITECTURES[name]
    norms = sum(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in model.modules())
    assert norms == (plan.encoder + plan.decoder).count("_B")


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("width", [1 / 64, 0.1])
def test_a_narrow_network_maps_images_to_images(name, width):
    size = torch.Size(ARCHITECTURES[name].shape).numel()
    model, x = printed_network(name, 5, width).eval(), torch.rand(2, size)
    assert model.encoder(x).shape == (2, 5) and model(x).shape == x.shape


def test_a_factor_scales_the_layers_in_between_and_them_alone():
    full, half = summary("S-CNN", 2), summary("S-CNN", 2, 0.5)
    channels = [(row.shape[0], other.shape[0]) for row, other in zip(full, half)]
    ends = [k for k, row in enumerate(full) if row.shape[0] in (1, 2)]
    assert all(a == 2 * b for k, (a, b) in enumerate(channels) if k not in ends)
    assert [channels[k] for k in ends] == [(2, 2), (1, 1)]
    assert [row.shape[1:] for row in full] == [row.shape[1:] for row in half]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shapes_by_arithmetic_are_those_of_a_pass(name):
    model = printed_network(name, 5, 1 / 64).eval()
    size = torch.Size(ARCHITECTURES[name].shape).numel()
    expected, x = [], torch.rand(1, size)
    for layer in [*model.encoder, *model.decoder]:
        x = layer(x)
        if any(True for _ in layer.parameters()):
            expected.append(tuple(x.shape[1:]))
    assert [row.shape for row in summary(name, 5, 1 / 64)] == expected


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", ["AE", "TCAE", "RAE-SN"])
def test_multiply_adds_are_those_that_pytorch_counts_in_a_pass(network, method):
    """By PyTorch's own counter, which sees every product of the real networks."""
    if (network == "MLP") != (method == "TCAE"):
        method = "AE"
    width = {"width": 48, "depth": 3} if network == "MLP" else {"width_factor": 0.06}
    size = 3 if network == "MLP" else math.prod(ARCHITECTURES[network].shape)
    spec = Spec(method=method, network=network, latent=2, **width)
    model = untrained(spec, np.eye(2, size)).eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.rand(2, size))
    assert counter.get_total_flops() == 2 * 2 * multiply_adds(spec, size)  # two points, * and +


def test_the_summary_counts_what_is_there():
    rows = summary("S-CNN", 2)
    model = printed_network("S-CNN", 2)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())
    first = rows[0]
    assert (first.parameters, first.multiply_adds) == (4 * 4 * 32 + 32, 16 * 16 * 32 * 16)
    millions = {
        part: sum(row.parameters for row in summary("L-CNN", 2) if row.part == part) / 1e6
        for part in ("encoder", "decoder")
    }
    assert round(millions["encoder"]) == 179 and round(millions["decoder"]) == 45  # decision 9


@pytest.mark.parametrize(("name", "width", "message"), [
    ("S-CNM", 1.0, "did you mean S-CNN"), ("S-CNN", 0.0, "width is 0"), ("S-CNN", 1.5, "not above"),
])  # fmt: skip
def test_bad_input_is_one_sentence(name, width, message):
    with pytest.raises(InputError, match=message):
        printed_network(name, 2, width)
