"""The networks of A.1.2, and the one activation whose derivatives are written by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from isoae_lib.core import networks
from isoae_lib.core.networks import (
    BETA,
    SoftPlus,
    TransposedLinear,
    conv,
    conv_transpose,
    fully_connected,
)
from isoae_lib.errors import InputError

# From where SoftPlus is 0 to where it is linear; PyTorch switches at beta a = 20.
RANGE = [-30.0, -3.0, -0.3, -0.05, -0.01, 0.0, 0.004, 0.05, 0.15, 0.25, 0.3, 5.0, 30.0]


def test_softplus_and_its_slope_are_exact_to_the_second_derivative():
    a = torch.tensor(RANGE).double().requires_grad_()
    value, slope = SoftPlus.value_and_slope(a)
    s = torch.sigmoid(BETA * a)
    exact = torch.logaddexp(BETA * a, torch.zeros(()).double()) / BETA
    torch.testing.assert_close(value, exact, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(slope, s)
    first = torch.autograd.grad(value.sum(), a, retain_graph=True)[0]
    torch.testing.assert_close(first, s)
    second = torch.autograd.grad(slope.sum(), a)[0]
    torch.testing.assert_close(second, BETA * s * (1 - s))


def test_the_series_of_the_logarithm_has_single_precision():
    e = torch.cat([torch.logspace(-37, 0, 1000), torch.linspace(0, 1, 1001)])
    exact = torch.log1p(e.double()).float()
    torch.testing.assert_close(networks._log1p(e), exact, rtol=4e-7, atol=0)


def test_softplus_as_it_is_compiled_is_exact_relative_to_itself(monkeypatch):
    """Down to where exp(beta a) leaves the normal numbers of single precision."""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    a = torch.linspace(-0.8, 0.4, 5001, requires_grad=True)
    x = BETA * a.detach().double()
    s = torch.sigmoid(x)
    exact = torch.where(x < 0, torch.log1p(x.exp()), x + torch.log1p((-x).exp())) / BETA
    value, slope = SoftPlus.value_and_slope(a)
    torch.testing.assert_close(value.double(), exact, rtol=1e-5, atol=0)
    torch.testing.assert_close(slope.double(), s, rtol=1e-5, atol=0)
    second = torch.autograd.grad(slope.sum(), a)[0].double()
    torch.testing.assert_close(second, BETA * s * (1 - s), rtol=1e-4, atol=1e-5)


@given(st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=1, max_size=20))
def test_softplus_by_hand_equals_pytorchs_and_its_derivatives(numbers):
    a = torch.tensor(numbers).double().requires_grad_()
    value, slope = SoftPlus.value_and_slope(a)
    theirs = F.softplus(a, BETA)
    assert torch.equal(value, theirs) and torch.equal(SoftPlus()(a), theirs)
    first = torch.autograd.grad(theirs.sum(), a, create_graph=True)[0]
    torch.testing.assert_close(slope, first, rtol=0, atol=3e-9)
    second, ours = (torch.autograd.grad(v.sum(), a)[0] for v in (first, slope))
    torch.testing.assert_close(ours, second, rtol=0, atol=BETA * 3e-9)


def test_softplus_by_hand_passes_the_gradient_check():
    a = torch.tensor(RANGE).double().requires_grad_()
    assert torch.autograd.gradcheck(SoftPlus.value_and_slope, (a,))


@given(st.integers(1, 5), st.data(), st.integers(1, 9), st.integers(1, 4), st.booleans())
def test_networks_have_the_asked_sizes(ambient, data, width, depth, tied):
    latent = data.draw(st.integers(1, ambient))
    model = fully_connected(ambient, latent, width=width, depth=depth, tied=tied)
    sizes = [ambient, *[width] * depth, latent]
    for net, chain in ((model.encoder, sizes), (model.decoder, sizes[::-1])):
        shapes = [layer.weight.shape for layer in net if hasattr(layer, "weight")]
        assert shapes == [(out, into) for into, out in pairwise(chain)]
        assert sum(isinstance(layer, SoftPlus) for layer in net) == depth
    x = torch.randn(4, ambient)
    assert model.encoder(x).shape == (4, latent)
    torch.testing.assert_close(model(x), model.decoder(model.encoder(x)))


def test_the_unit_is_that_of_inputs_and_outputs():
    base, scaled = (fully_connected(3, 2, width=8, depth=2, unit=u).double() for u in (1.0, 0.25))
    x, z = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    torch.testing.assert_close(scaled.encoder(x), 0.25 * base.encoder(x / 0.25))
    torch.testing.assert_close(scaled.decoder(z), 0.25 * base.decoder(z / 0.25))
    assert "encoder.0.factor" in scaled.state_dict()


def test_the_seed_alone_decides_the_starting_weights():
    def flat(seed):
        model = fully_connected(3, 2, width=8, depth=2, seed=seed)
        return torch.cat([p.flatten() for p in model.parameters()])

    state = torch.get_rng_state()
    first = flat(4)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(7)
    assert torch.equal(first, flat(4)) and not torch.equal(first, flat(5))


GEOMETRIES = [
    (1, 4, 2, 1),
    (4, 4, 2, 0),
    (4, 4, 1, 0),
    (4, 4, 2, 1),
    (1, 4, 2, 0),
    (8, 4, 2, 1),
    (7, 4, 2, 0),
]


@pytest.mark.parametrize(("side", "k", "s", "p"), GEOMETRIES)
def test_convolutions_are_those_of_pytorch(side, k, s, p):
    x, weight, bias = (torch.randn(*n).double() for n in ((5, 2, side, side), (3, 2, k, k), (3,)))
    if side >= k:
        ours = conv(x, weight, bias, (s, s), (p, p))
        torch.testing.assert_close(ours, F.conv2d(x, weight, bias, s, p))
    ours = conv_transpose(x, weight.transpose(0, 1), bias, (s, s), (p, p))
    theirs = F.conv_transpose2d(x, weight.transpose(0, 1), bias, s, p)
    torch.testing.assert_close(ours, theirs)
    left_out = s - 1
    ours = conv_transpose(x, weight.transpose(0, 1), None, (s, s), (p, p), (left_out, left_out))
    theirs = F.conv_transpose2d(x, weight.transpose(0, 1), None, s, p, left_out)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(("ambient", "latent"), [(3, 4), (2, 3), (3, 0)])
def test_a_latent_size_outside_the_ambient_space_is_refused(ambient, latent):
    with pytest.raises(InputError, match=f"latent size {latent} is not between 1 and"):
        fully_connected(ambient, latent)


def tied_model():
    return fully_connected(3, 2, width=8, depth=2, tied=True, unit=0.3).double()


def test_tied_weights_are_one_parameter():
    model = tied_model()
    linears = [layer for layer in model.encoder if isinstance(layer, nn.Linear)]
    twins = [layer for layer in model.decoder if hasattr(layer, "weight")]
    for encoder, decoder in zip(linears, reversed(twins), strict=True):
        assert torch.equal(decoder.weight, encoder.weight.T)
        assert decoder.weight.data_ptr() == encoder.weight.data_ptr()
    z = torch.full((1, 2), 0.3).double()
    before = model.decoder(z)
    linears[0].weight.data += 0.1
    assert not torch.allclose(model.decoder(z), before)
    free = fully_connected(3, 2, width=8, depth=2)
    shared = sum(layer.weight.numel() for layer in linears)
    count = [sum(p.numel() for p in m.parameters()) for m in (free, model)]
    assert count[0] - count[1] == shared
    assert not any("decoder" in name and "weight" in name for name in model.state_dict())


def test_the_gradient_of_a_tied_weight_adds_both_uses():
    tied, free = tied_model(), fully_connected(3, 2, width=8, depth=2, unit=0.3).double()
    free.encoder.load_state_dict(tied.encoder.state_dict())
    twins = [layer for layer in tied.decoder if hasattr(layer, "weight")]
    copies = [layer for layer in free.decoder if hasattr(layer, "weight")]
    for copy, twin in zip(copies, twins, strict=True):
        copy.weight.data = twin.weight.detach().clone()
        copy.bias.data = twin.bias.detach().clone()
    x = torch.randn(9, 3).double()
    for model in (tied, free):
        (model(x) - x).square().sum().backward()
    uses = [[layer for layer in net if hasattr(layer, "weight")] for net in (free.encoder, copies)]
    ours = [layer for layer in tied.encoder if hasattr(layer, "weight")]
    for shared, down, up in zip(ours, uses[0], reversed(uses[1]), strict=True):
        assert up.weight.grad.abs().sum() > 0
        torch.testing.assert_close(shared.weight.grad, down.weight.grad + up.weight.grad.T)


def test_a_transposed_linear_network_is_the_adjoint_map():
    linear = nn.Linear(3, 2).double()
    layer = TransposedLinear(linear).double()
    x, z = torch.randn(6, 3).double(), torch.randn(6, 2).double()
    there = ((linear(x) - linear.bias) * z).sum(1)
    torch.testing.assert_close(there, (x * (layer(z) - layer.bias)).sum(1))


def test_a_transposed_layer_starts_with_the_biases_of_a_layer_of_its_shape():
    """PyTorch's are uniform up to one over the root of the inputs: here of four."""
    for layer in (TransposedLinear(nn.Linear(10_000, 4)), nn.Linear(4, 10_000)):
        assert layer.bias.shape == (10_000,)
        assert 0.49 < layer.bias.abs().max() <= 0.5 and abs(layer.bias.std() - 0.5 / 3**0.5) < 0.01
