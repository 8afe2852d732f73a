"""The probes and losses against full Jacobians in double precision."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from isoae_lib.core import isometry
from isoae_lib.core.networks import fully_connected
from isoae_lib.errors import InputError
from isoae_lib.paper import theory
from isoae_lib.paper.theory import jacobians

# PyTorch's SoftPlus is linear beyond beta x = 20, where the exact slope is 1 - 2e-9.
CLOSE = {"rtol": 1e-7, "atol": 1e-8}
EXACT = {"rtol": 1e-10, "atol": 1e-12}


def pair(ambient=3, latent=2, tied=False):
    return fully_connected(ambient, latent, width=24, depth=3, tied=tied, unit=0.3).double()


class Unknown(nn.Module):
    """A module that the explicit chain rule does not know."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(inputs, 9), nn.Tanh(), nn.Linear(9, outputs)).double()

    def forward(self, x):
        return self.inner(x) + x.square().sum(1, keepdim=True)


def tanh_pair():
    """Chains of known layers but for one."""
    return (
        nn.Sequential(nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 3)).double(),
        nn.Sequential(nn.Linear(3, 9), nn.Tanh(), nn.Linear(9, 2)).double(),
    )


def plain_pair():
    model = pair()
    return model.decoder, model.encoder


PAIRS = {"mlp": plain_pair, "tanh": tanh_pair, "any": lambda: (Unknown(2, 3), Unknown(3, 2))}


def draws(rng, n=20, ambient=3, latent=2):
    z, x = (torch.randn(n, d, generator=rng).double() for d in (latent, ambient))
    return z, x, isometry.unit_vectors(n, latent, z, rng)


@given(st.integers(2, 6), st.data(), st.integers(1, 7), st.booleans())
def test_probes_equal_products_with_full_jacobians(ambient, data, n, tied):
    latent = data.draw(st.integers(1, ambient))
    z, x, u = draws(torch.Generator().manual_seed(n), n, ambient, latent)
    model = pair(ambient, latent, tied)
    value, pushed = isometry.push_forward(model.decoder, z, u)
    torch.testing.assert_close(value, model.decoder(z), **CLOSE)
    A = jacobians(model.decoder, z)
    torch.testing.assert_close(pushed, (A @ u[:, :, None])[..., 0], **CLOSE)
    codes, pulled = isometry.pull_back(model.encoder, x, u)
    torch.testing.assert_close(codes, model.encoder(x), **CLOSE)
    B = jacobians(model.encoder, x)
    torch.testing.assert_close(pulled, (u[:, None] @ B)[:, 0], **CLOSE)


@pytest.mark.parametrize("kind", ["tanh", "any"])
def test_any_module_is_served(kind, rng):
    f, g = PAIRS[kind]()
    z, x, u = draws(rng)
    value, pushed = isometry.push_forward(f, z, u)
    torch.testing.assert_close(value, f(z), **EXACT)
    torch.testing.assert_close(pushed, (jacobians(f, z) @ u[:, :, None])[..., 0], **EXACT)
    codes, pulled = isometry.pull_back(g, x, u)
    torch.testing.assert_close(codes, g(x), **EXACT)
    torch.testing.assert_close(pulled, (u[:, None] @ jacobians(g, x))[:, 0], **EXACT)


@pytest.mark.parametrize("kind", PAIRS)
def test_losses_and_their_gradients_equal_those_through_jacobians(kind, rng):
    f, g = PAIRS[kind]()
    z, x, u = draws(rng)
    lengths = (jacobians(f, z) @ u[:, :, None])[..., 0].norm(dim=1)
    same(isometry.L_iso(f, z, u), (lengths - 1).square().mean(), f)
    lengths = (u[:, None] @ jacobians(g, x))[:, 0].norm(dim=1)
    same(isometry.L_piso(g, x, u), (lengths - 1).square().mean(), g)


def same(fast, slow, net):
    assert slow > 1e-3
    torch.testing.assert_close(fast, slow, rtol=1e-7, atol=0)
    weights = list(net.parameters())
    gradients = [torch.autograd.grad(v, weights, allow_unused=True) for v in (fast, slow)]
    ours, true = (
        torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for w, g in zip(weights, v)])
        for v in gradients
    )
    assert true.norm() > 0
    torch.testing.assert_close(ours, true, rtol=1e-6, atol=1e-7)


def test_l_piso_pulls_back_and_does_not_push_forward():
    shear = nn.Linear(2, 2, bias=False).double()
    shear.weight.data = torch.tensor([[1.0, 3.0], [0.0, 1.0]]).double()
    x, u = torch.zeros(1, 2).double(), torch.tensor([[1.0, 0.0]]).double()
    for net in (shear, nn.Sequential(shear, nn.Identity()), nn.Sequential(shear)):
        torch.testing.assert_close(isometry.pull_back(net, x, u)[1], shear.weight[:1])
        torch.testing.assert_close(isometry.push_forward(net, x, u)[1], shear.weight[:, :1].T)
        assert isometry.L_iso(net, x, u).item() == 0
        assert isometry.L_piso(net, x, u).item() == pytest.approx((10**0.5 - 1) ** 2)


def test_probes_without_a_graph_are_the_same(rng):
    z, x, u = draws(rng)
    for make in PAIRS.values():
        f, g = make()
        with torch.no_grad():
            free = isometry.push_forward(f, z, u)[1], isometry.pull_back(g, x, u)[1]
        assert not any(probe.requires_grad for probe in free)
        torch.testing.assert_close(free[0], isometry.push_forward(f, z, u)[1])
        torch.testing.assert_close(free[1], isometry.pull_back(g, x, u)[1])


@given(st.floats(0.2, 5))
def test_an_analytic_isometry_scores_nothing_and_a_stretched_one_does(scale):
    z = torch.rand(200, 2).double() - 0.5
    u = isometry.unit_vectors(200, 2, z)
    f, g = theory.CylinderDecoder(), theory.CylinderEncoder()
    assert isometry.L_iso(f, z, u) < 1e-10
    assert isometry.L_piso(g, f(z), u) < 1e-10
    stretched = isometry.L_iso(theory.CylinderDecoder(scale), z, u)
    assert stretched.item() == pytest.approx((scale - 1) ** 2, abs=1e-12)
    shrunk = isometry.L_piso(theory.CylinderEncoder(scale), f(z), u)
    assert shrunk.item() == pytest.approx((1 / scale - 1) ** 2, abs=1e-12)


def test_a_stretch_by_a_tenth_scores_a_hundredth(rng):
    z, _, u = draws(rng)
    stretched = isometry.L_iso(theory.CylinderDecoder(1.1), z, u)
    torch.testing.assert_close(stretched, torch.tensor(0.01).double())


def test_l_iso_does_not_see_a_rotation_of_the_output(rng):
    model = pair()
    z, _, u = draws(rng, 30)
    before = isometry.L_iso(model.decoder, z, u)
    turn = nn.Linear(3, 3, bias=False).double()
    turn.weight.data = theory.orthonormal(3, 3, rng)
    torch.testing.assert_close(isometry.L_iso(nn.Sequential(*model.decoder, turn), z, u), before)
    turn.weight.data *= 1.1
    after = isometry.L_iso(nn.Sequential(*model.decoder, turn), z, u)
    assert abs(after - before) > 1e-3 * before


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_unit_vectors_are_unit_and_isotropic(d, rng):
    u = isometry.unit_vectors(20_000, d, torch.zeros(1).double(), rng)
    assert u.shape == (20_000, d) and u.dtype == torch.float64
    torch.testing.assert_close(u.norm(dim=1), torch.ones(20_000).double())
    assert u.mean(0).abs().max() < 0.02
    assert (u.T @ u / len(u) - torch.eye(d) / d).abs().max() < 0.01
    # E u_1^4 = 3 / d (d + 2): a normalised cube, say, has the same second moments but not these
    assert float(u[:, 0].pow(4).mean()) == pytest.approx(3 / (d * (d + 2)), abs=0.01)


def test_latent_samples_fit_the_codes_and_carry_no_gradient(rng):
    codes = torch.randn(20_000, 2, generator=rng) * torch.tensor([3.0, 0.5]) + torch.tensor([1, -2])
    codes.requires_grad_()
    normals = torch.randn(20_000, 2, generator=rng)
    z = isometry.sample_latents(codes, normals)
    assert z.shape == codes.shape and not z.requires_grad
    torch.testing.assert_close(z.mean(0), codes.mean(0).detach(), rtol=0, atol=0.06)
    torch.testing.assert_close(z.std(0), codes.std(0).detach(), rtol=0.02, atol=0)
    box = isometry.sample_latents(codes, normals, "uniform")
    assert not box.requires_grad
    assert (box >= codes.amin(0)).all() and (box <= codes.amax(0)).all()
    width = (codes.amax(0) - codes.amin(0)).detach()
    torch.testing.assert_close(box.std(0), width / 12**0.5, rtol=0.02, atol=0)
    with pytest.raises(InputError, match="did you mean gaussian"):
        isometry.sample_latents(codes, normals, "gausian")


def test_reconstruction_sums_over_coordinates_and_averages_over_samples():
    x = torch.zeros(2, 3)
    y = torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 1.0]])
    assert float(isometry.L_rec(x, y)) == 5.0
    assert float(isometry.L_rec(x.reshape(2, 3, 1), y.reshape(2, 3, 1))) == 5.0
    assert float(isometry.L_rec(x, y, "mean")) == pytest.approx(10 / 6)
