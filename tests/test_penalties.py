"""Each objective against a slow formula through full Jacobians."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from isoae_lib import isometry
from isoae_lib.networks import fully_connected
from isoae_lib.penalties import OBJECTIVES, normals_of
from isoae_lib.specs import METHODS, RunSpec
from isoae_lib.theory import jacobians

WEIGHT = 0.37


def terms_of(method, x, seed=3):
    spec = RunSpec("s-shape", method, noise=0.2)
    model = fully_connected(3, 2, width=16, depth=2, tied=method == "TCAE").double()
    return model, OBJECTIVES[method](model, x, chance(spec, seed), spec, WEIGHT), spec


def chance(spec, seed=3):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(40, normals_of(spec, 3), generator=rng).double()


@pytest.fixture
def x():
    return torch.randn(40, 3, generator=torch.Generator().manual_seed(1)).double()


def test_every_method_has_an_objective():
    assert set(OBJECTIVES) == set(METHODS)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"DAE"}))
def test_reconstruction_is_the_sum_over_coordinates_and_mean_over_points(method, x):
    model, terms, _ = terms_of(method, x)
    error = (model(x) - x).pow(2)
    torch.testing.assert_close(terms["L_rec"], error.sum() / len(x))


def test_i_ae_has_three_terms_each_weighted(x):
    model, terms, spec = terms_of("I-AE", x)
    u, v, noise = chance(spec).split(2, dim=1)
    u, v = isometry.directions(u), isometry.directions(v)
    z = isometry.sample_latents(model.encoder(x), noise)
    B, A = jacobians(model.encoder, x), jacobians(model.decoder, z)
    piso = ((u[:, None] @ B)[:, 0].norm(dim=1) - 1).pow(2).mean()
    iso = ((A @ v[:, :, None])[..., 0].norm(dim=1) - 1).pow(2).mean()
    assert set(terms) == {"L_rec", "L_iso", "L_piso"}
    torch.testing.assert_close(terms["L_piso"], WEIGHT * piso)
    torch.testing.assert_close(terms["L_iso"], WEIGHT * iso)
    assert terms["L_iso"] > 0 and terms["L_piso"] > 0


def test_without_l_piso_the_encoder_term_is_gone_and_the_decoder_term_stays(x):
    model, terms, spec = terms_of("I-AE-without-L_piso", x)
    v, noise = chance(spec).split(2, dim=1)
    z, v = isometry.sample_latents(model.encoder(x), noise), isometry.directions(v)
    iso = ((jacobians(model.decoder, z) @ v[:, :, None])[..., 0].norm(dim=1) - 1).pow(2).mean()
    assert set(terms) == {"L_rec", "L_iso"}
    torch.testing.assert_close(terms["L_iso"], WEIGHT * iso)


def test_the_spec_decides_where_latents_are_drawn(x):
    model, gaussian, spec = terms_of("I-AE", x)
    boxed = replace(spec, sampler="uniform")
    terms = OBJECTIVES["I-AE"](model, x, chance(spec), boxed, WEIGHT)
    _, v, noise = chance(spec).split(2, dim=1)
    z = isometry.sample_latents(model.encoder(x), noise, "uniform")
    expected = isometry.L_iso(model.decoder, z, isometry.directions(v))
    torch.testing.assert_close(terms["L_iso"], WEIGHT * expected)
    assert not torch.equal(terms["L_iso"], gaussian["L_iso"])


@pytest.mark.parametrize("method", METHODS)
def test_the_weight_multiplies_the_regularizer_alone(method, x):
    model, terms, spec = terms_of(method, x)
    doubled = OBJECTIVES[method](model, x, chance(spec), spec, 2 * WEIGHT)
    for name, term in terms.items():
        factor = 1 if name == "L_rec" else 2
        torch.testing.assert_close(doubled[name], factor * term)


@pytest.mark.parametrize("method", ["CAE", "TCAE"])
def test_contractive_is_the_frobenius_norm_of_the_encoder(method, x):
    model, terms, _ = terms_of(method, x)
    norm = jacobians(model.encoder, x).pow(2).sum((1, 2)).mean()
    torch.testing.assert_close(terms["|dg|^2"], WEIGHT * norm)


def test_gradient_penalty_is_the_frobenius_norm_of_the_decoder(x):
    model, terms, _ = terms_of("RAE-GP", x)
    norm = jacobians(model.decoder, model.encoder(x)).pow(2).sum((1, 2)).mean()
    torch.testing.assert_close(terms["|df|^2"], WEIGHT * norm)


def test_denoising_sees_noise_of_the_asked_size_and_rebuilds_the_clean_points(x):
    model, terms, spec = terms_of("DAE", x)
    noisy = x + spec.noise * x.std() * chance(spec)
    torch.testing.assert_close(terms["L_rec"], (model(noisy) - x).pow(2).sum(1).mean())


def test_denoising_without_noise_is_the_plain_autoencoder(x):
    model, plain, spec = terms_of("AE", x)
    silent = replace(spec, method="DAE", noise=0.0)
    terms = OBJECTIVES["DAE"](model, x, chance(silent), silent, WEIGHT)
    torch.testing.assert_close(terms, plain)


@pytest.mark.parametrize("method", METHODS)
def test_every_loss_reaches_every_weight_it_should(method, x):
    model, terms, _ = terms_of(method, x)
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
