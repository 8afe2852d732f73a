"""The chain rule written out, against full Jacobians and automatic differentiation."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from torch import nn

from isoae_lib.core import chain_rule, isometry
from isoae_lib.core.architectures import ARCHITECTURES, printed_network
from isoae_lib.core.networks import Conv2d, ConvTranspose2d, Scale, SoftPlus

LAYERS = {
    "linear": (lambda: nn.Linear(4, 3), (4,)),
    "scale": (lambda: Scale(0.3), (4,)),
    "SoftPlus": (SoftPlus, (4,)),
    "convolution": (lambda: nn.Conv2d(2, 3, 4, 2, 1), (2, 8, 8)),
    "convolution that leaves a border": (lambda: nn.Conv2d(2, 3, 4, 2, 0), (2, 7, 9)),
    "convolution in steps of three": (lambda: nn.Conv2d(2, 3, 3, 3, 1), (2, 6, 7)),
    "transposed convolution": (lambda: nn.ConvTranspose2d(2, 3, 4, 2, 3), (2, 6, 6)),
    "convolution over all": (lambda: Conv2d(2, 3, 4, 2, 0), (2, 4, 4)),
    "convolution over part": (lambda: Conv2d(2, 3, 4, 2, 1), (2, 4, 4)),
    "transposed convolution from one": (lambda: ConvTranspose2d(2, 3, 4, 1, 0), (2, 1, 1)),
    "flatten": (nn.Flatten, (2, 3, 3)),
    "unflatten": (lambda: nn.Unflatten(1, (2, 3, 1)), (6,)),
    "padding": (lambda: nn.ZeroPad2d((1, 2, 3, 0)), (2, 3, 4)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), (4,)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2), (2, 3, 3)),
}


def frozen_map(net, batch):
    """The network as a map of samples, normalised in training mode by what `batch` has there.

    In elementary operations: PyTorch's fused BatchNorm has a right tangent with a wrong gradient.
    """
    at, maps = batch, []
    for layer in net:
        if isinstance(layer, chain_rule.NORMS) and layer.training:
            others = [k for k in range(at.ndim) if k != 1]
            mean = at.mean(others, keepdim=True)
            deviation = ((at - mean).square().mean(others, keepdim=True) + layer.eps).sqrt()
            weight, bias = (t.reshape(-1, *[1] * (at.ndim - 2)) for t in (layer.weight, layer.bias))
            maps.append(lambda x, m=mean, d=deviation, w=weight, b=bias: (x - m) / d * w + b)
        else:
            maps.append(layer)
        at = maps[-1](at)
    return lambda x: functools.reduce(lambda y, layer: layer(y), maps, x)


def shaken(net, amount=0.3):
    """Nothing is 0 or 1 by default: weights, biases and running statistics."""
    for tensor in [*net.parameters(), *(b for b in net.buffers() if b.is_floating_point())]:
        tensor.data += amount * torch.rand_like(tensor)
    return net.double()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_both_ways(name, training):
    make, shape = LAYERS[name]
    net = shaken(nn.Sequential(make())).train(training)
    x = torch.randn(5, *shape).double() * 0.05
    u = torch.randn_like(x)
    apply = frozen_map(net, x)
    value, tangent = torch.func.jvp(apply, (x,), (u,))
    ours = isometry.push_forward(net, x, u)
    torch.testing.assert_close(ours[0], value)
    torch.testing.assert_close(ours[1], tangent, rtol=1e-6, atol=1e-8)
    v = torch.randn_like(value)
    _, vjp = torch.func.vjp(apply, x)
    ours = isometry.pull_back(net, x, v)
    torch.testing.assert_close(ours[0], value)
    torch.testing.assert_close(ours[1], vjp(v)[0], rtol=1e-6, atol=1e-8)
    one, both = isometry.pull_back(net, x, v)[1], isometry.pull_back(net, x, 2 * v, v)
    torch.testing.assert_close(both[1:], (2 * one, one))
    one, both = isometry.push_forward(net, x, u)[1], isometry.push_forward(net, x, 2 * u, u)
    torch.testing.assert_close(both[1:], (2 * one, one))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_whole_networks_both_ways_and_their_gradients(name):
    narrow = 1 / 64 if name == "L-CNN" else 1 / 16
    model = shaken(printed_network(name, 3, narrow), 0.01).train()
    size = math.prod(ARCHITECTURES[name].shape)
    x, z = torch.rand(6, size).double(), torch.randn(6, 3).double()
    u = isometry.unit_vectors(6, 3, x)
    assert chain_rule.is_chain(model.encoder) and chain_rule.is_chain(model.decoder)
    assert model(x).shape == x.shape and model.encoder(x).shape == (6, 3)
    f, g = frozen_map(model.decoder, z), frozen_map(model.encoder, x)
    slow = isometry.departure(torch.func.jvp(f, (z,), (u,))[1])
    weights = list(model.decoder.parameters())
    same(isometry.L_iso(model.decoder, z, u), slow, weights)
    (pulled,) = torch.func.vjp(g, x)[1](u)
    weights = list(model.encoder.parameters())
    same(isometry.L_piso(model.encoder, x, u), isometry.departure(pulled), weights)


@pytest.mark.parametrize("name", ["FC-NN", "S-CNN"])
def test_a_frozen_decoder_is_the_map_of_single_samples_that_the_batch_saw(name):
    """Values, tangents and gradients, those through the codes' statistics included."""
    decoder = shaken(printed_network(name, 3, 1 / 16), 0.01).train().decoder
    codes, z = torch.randn(2, 6, 3).double()
    u = isometry.unit_vectors(6, 3, z)
    true = frozen_map(decoder, codes)
    rebuilt, f = chain_rule.freeze_norms(decoder, codes)
    torch.testing.assert_close(rebuilt, decoder(codes))
    torch.testing.assert_close(isometry.push_forward(f, codes)[0], rebuilt)
    value, pushed = isometry.push_forward(f, z, u)
    torch.testing.assert_close(isometry.push_forward(f, z[:1], u[:1]), (value[:1], pushed[:1]))
    slow = isometry.departure(torch.func.jvp(true, (z,), (u,))[1])
    same(isometry.departure(pushed), slow, list(decoder.parameters()))
    v = torch.randn_like(value)
    _, vjp = torch.func.vjp(true, z)
    torch.testing.assert_close(isometry.pull_back(f, z, v)[1], vjp(v)[0], rtol=1e-6, atol=1e-8)


def test_a_frozen_decoder_is_the_one_in_evaluation_mode():
    """Once the running statistics are those of the codes; a control: not those of the samples."""
    decoder = shaken(printed_network("FC-NN", 3, 1 / 16), 0.01).train().decoder
    codes, z = torch.randn(400, 3).double(), 2 * torch.randn(400, 3).double()
    for layer in decoder:
        if isinstance(layer, chain_rule.NORMS):
            layer.momentum = 1.0
    f = chain_rule.freeze_norms(decoder, codes)[1]
    ours, own = (isometry.push_forward(net, z, z)[1] for net in (f, decoder))
    reported = isometry.push_forward(decoder.eval(), z, z)[1]
    torch.testing.assert_close(ours, reported, rtol=0.01, atol=0.01 * reported.abs().max().item())
    assert (own - reported).norm() > 0.2 * reported.norm()


def same(fast, slow, weights):
    torch.testing.assert_close(fast, slow, rtol=1e-6, atol=0)
    ours, true = (
        torch.cat(
            [
                (torch.zeros_like(w) if g is None else g).flatten()
                for w, g in zip(weights, torch.autograd.grad(v, weights, allow_unused=True))
            ]
        )
        for v in (fast, slow)
    )
    assert true.norm() > 0
    torch.testing.assert_close(ours, true, rtol=1e-4, atol=1e-6 * true.norm().item())


def test_probing_leaves_the_running_statistics_alone_and_encoding_does_not():
    model = printed_network("FC-NN", 2).train()
    x = torch.rand(9, 784)

    def statistics(net):
        return {name: b.clone() for name, b in net.named_buffers()}

    before = statistics(model.decoder)
    isometry.push_forward(model.decoder, torch.randn(9, 2), torch.randn(9, 2))
    assert all(torch.equal(before[name], b) for name, b in model.decoder.named_buffers())
    twin = printed_network("FC-NN", 2).train()
    z = torch.randn(9, 2)
    twin.decoder(z)
    isometry.push_forward(model.decoder, z, torch.randn(9, 2), track=True)
    for (name, ours), theirs in zip(model.decoder.named_buffers(), twin.decoder.buffers()):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6, msg=name)
    twin.encoder(x)
    isometry.pull_back(model.encoder, x, torch.randn(9, 2))
    for (name, ours), theirs in zip(model.encoder.named_buffers(), twin.encoder.buffers()):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6, msg=name)
    model.eval()
    before = statistics(model.encoder)
    isometry.pull_back(model.encoder, x, torch.randn(9, 2))
    assert all(torch.equal(before[name], b) for name, b in model.encoder.named_buffers())
