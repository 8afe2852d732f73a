"""The probes and losses against full Jacobians in double precision."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from isoae_lib import isometry, theory
from isoae_lib.errors import InputError
from isoae_lib.networks import BETA, SoftPlus, fully_connected
from isoae_lib.theory import jacobians

# PyTorch's SoftPlus is linear beyond beta x = 20, where the exact slope is 1 - 2e-9.
CLOSE = {"rtol": 1e-7, "atol": 1e-8}


def pair(ambient=3, latent=2, tied=False):
    return fully_connected(ambient, latent, width=24, depth=3, tied=tied, unit=0.3).double()


class Unknown(nn.Module):
    """A module that the explicit chain rule does not know."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(inputs, 9), nn.Tanh(), nn.Linear(9, outputs)).double()

    def forward(self, x):
        return self.inner(x) + x.square().sum(1, keepdim=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 6), st.data(), st.integers(1, 7), st.booleans())
def test_probes_equal_products_with_full_jacobians(ambient, data, n, tied):
    latent = data.draw(st.integers(1, ambient))
    torch.manual_seed(n)
    model = pair(ambient, latent, tied)
    x, z = torch.randn(n, ambient).double(), torch.randn(n, latent).double()
    u = isometry.unit_vectors(n, latent, x)
    value, pushed = isometry.push_forward(model.decoder, z, u)
    torch.testing.assert_close(value, model.decoder(z), **CLOSE)
    A = jacobians(model.decoder, z)
    torch.testing.assert_close(pushed, (A @ u[:, :, None])[..., 0], **CLOSE)
    codes, pulled = isometry.pull_back(model.encoder, x, u)
    torch.testing.assert_close(codes, model.encoder(x), **CLOSE)
    B = jacobians(model.encoder, x)
    torch.testing.assert_close(pulled, (u[:, None] @ B)[:, 0], **CLOSE)


def test_any_module_is_served(rng):
    f, g = Unknown(2, 3), Unknown(3, 2)
    z, x = torch.randn(5, 2).double(), torch.randn(5, 3).double()
    u = isometry.unit_vectors(5, 2, z, rng)
    value, pushed = isometry.push_forward(f, z, u)
    torch.testing.assert_close(value, f(z))
    torch.testing.assert_close(pushed, (jacobians(f, z) @ u[:, :, None])[..., 0], **CLOSE)
    codes, pulled = isometry.pull_back(g, x, u)
    torch.testing.assert_close(codes, g(x))
    torch.testing.assert_close(pulled, (u[:, None] @ jacobians(g, x))[:, 0], **CLOSE)


@pytest.mark.parametrize("make", [pair, lambda: None])
def test_losses_and_their_gradients_equal_those_through_jacobians(make, rng):
    model = make()
    f, g = (model.decoder, model.encoder) if model else (Unknown(2, 3), Unknown(3, 2))
    z, x = torch.randn(20, 2).double(), torch.randn(20, 3).double()
    u = isometry.unit_vectors(20, 2, z, rng)
    slow = ((jacobians(f, z) @ u[:, :, None])[..., 0].norm(dim=1) - 1).square().mean()
    fast = isometry.L_iso(f, z, u)
    torch.testing.assert_close(fast, slow, rtol=1e-7, atol=0)
    for a, b in zip(*(torch.autograd.grad(v, list(f.parameters()), allow_unused=True)
                      for v in (fast, slow))):  # fmt: skip
        if a is not None:
            torch.testing.assert_close(a, torch.zeros_like(a) if b is None else b)
    slow = ((u[:, None] @ jacobians(g, x))[:, 0].norm(dim=1) - 1).square().mean()
    fast = isometry.L_piso(g, x, u)
    torch.testing.assert_close(fast, slow, rtol=1e-7, atol=0)
    for a, b in zip(*(torch.autograd.grad(v, list(g.parameters()), allow_unused=True)
                      for v in (fast, slow))):  # fmt: skip
        if a is not None:
            torch.testing.assert_close(a, torch.zeros_like(a) if b is None else b)


def test_an_analytic_isometry_scores_nothing_and_a_stretched_one_does(rng):
    z = torch.rand(200, 2).double() - 0.5
    u = isometry.unit_vectors(200, 2, z, rng)
    f, g = theory.CylinderDecoder(), theory.CylinderEncoder()
    assert isometry.L_iso(f, z, u) < 1e-10
    assert isometry.L_piso(g, f(z), u) < 1e-10
    stretched = isometry.L_iso(theory.CylinderDecoder(1.1), z, u)
    torch.testing.assert_close(stretched, torch.tensor(0.01).double())
    shrunk = isometry.L_piso(theory.CylinderEncoder(1.1), f(z), u)
    torch.testing.assert_close(shrunk, torch.tensor((1 - 1 / 1.1) ** 2).double())


def test_l_iso_does_not_see_a_rotation_of_the_output(rng):
    model = pair()
    z = torch.randn(30, 2).double()
    u = isometry.unit_vectors(30, 2, z, rng)
    before = isometry.L_iso(model.decoder, z, u)
    turn = nn.Linear(3, 3, bias=False).double()
    turn.weight.data = theory.orthonormal(3, 3, rng)
    torch.testing.assert_close(isometry.L_iso(nn.Sequential(*model.decoder, turn), z, u), before)


def test_unit_vectors_are_unit_and_isotropic(rng):
    u = isometry.unit_vectors(20_000, 3, torch.zeros(1).double(), rng)
    torch.testing.assert_close(u.norm(dim=1), torch.ones(20_000).double())
    assert u.mean(0).abs().max() < 0.02
    assert (u.T @ u / len(u) - torch.eye(3) / 3).abs().max() < 0.01


def test_latent_samples_fit_the_codes_and_carry_no_gradient(rng):
    codes = torch.randn(20_000, 2, generator=rng) * torch.tensor([3.0, 0.5]) + torch.tensor([1, -2])
    codes.requires_grad_()
    z = isometry.sample_latents(codes, "gaussian", rng)
    assert not z.requires_grad
    torch.testing.assert_close(z.mean(0), codes.mean(0).detach(), rtol=0, atol=0.06)
    torch.testing.assert_close(z.std(0), codes.std(0).detach(), rtol=0.02, atol=0)
    box = isometry.sample_latents(codes, "uniform", rng)
    assert (box >= codes.amin(0)).all() and (box <= codes.amax(0)).all()
    width = (codes.amax(0) - codes.amin(0)).detach()
    torch.testing.assert_close(box.std(0), width / 12**0.5, rtol=0.02, atol=0)
    with pytest.raises(InputError, match="did you mean gaussian"):
        isometry.sample_latents(codes, "gausian")


def test_softplus_and_its_slope_are_exact_to_the_second_derivative():
    a = torch.tensor([-3.0, -0.3, -0.01, 0.0, 0.004, 0.05, 0.3, 5.0]).double().requires_grad_()
    value, slope = SoftPlus.value_and_slope(a)
    exact = torch.logaddexp(BETA * a, torch.zeros(()).double()) / BETA
    torch.testing.assert_close(value, exact, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(slope, torch.sigmoid(BETA * a))
    first = torch.autograd.grad(value.sum(), a, retain_graph=True)[0]
    torch.testing.assert_close(first, torch.sigmoid(BETA * a))
    second = torch.autograd.grad(slope.sum(), a)[0]
    s = torch.sigmoid(BETA * a)
    torch.testing.assert_close(second, BETA * s * (1 - s))


def test_a_latent_size_above_the_ambient_one_is_refused():
    with pytest.raises(InputError, match="latent size 4"):
        fully_connected(3, 4)


def test_tied_weights_are_one_parameter():
    model = pair(tied=True)
    first = model.encoder[1]
    z = torch.zeros(1, 2).double() + 0.3
    before = model.decoder(z)
    first.weight.data += 0.1
    assert not torch.allclose(model.decoder(z), before)
    shared = sum(p.numel() for p in model.parameters())
    free = sum(p.numel() for p in pair().parameters())
    encoder_weights = sum(p.numel() for p in model.encoder.parameters() if p.ndim == 2)
    assert free - shared == encoder_weights
