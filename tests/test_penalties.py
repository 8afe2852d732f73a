"""Each objective against a slow formula through full Jacobians."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_chain_rule import frozen_map

from isoae_lib.core import architectures, isometry
from isoae_lib.core.methods import METHODS
from isoae_lib.core.networks import Autoencoder, fully_connected
from isoae_lib.core.objectives import WAE_SCALES, log_det, mmd, objective_of
from isoae_lib.paper.specs import RunSpec
from isoae_lib.paper.theory import jacobians

WEIGHT = 0.37


def terms_of(method, x, seed=3):
    spec = RunSpec(data="s-shape", method=method, noise=0.2, code_weight=0.7)
    model = fully_connected(3, 2, width=16, depth=2, tied=method == "TCAE").double()
    return model, objective_of(method)(model, x, chance(spec, seed), spec, WEIGHT), spec


def chance(spec, seed=3):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(40, METHODS[spec.method].draws(spec.latent, 3), generator=rng).double()


@pytest.fixture
def x():
    return torch.randn(40, 3, generator=torch.Generator().manual_seed(1)).double()


@pytest.mark.parametrize("method", METHODS)
def test_a_correction_of_one_method_leaves_the_keys_of_the_others(method, monkeypatch):
    def keys():
        return {name: RunSpec(data="s-shape", method=name).key for name in METHODS}

    before = keys()
    monkeypatch.setitem(METHODS, method, replace(METHODS[method], version=2))
    changed = {name for name, key in keys().items() if key != before[name]}
    assert changed == {method}


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"DAE"}))
def test_reconstruction_is_the_sum_over_coordinates_and_mean_over_points(method, x):
    model, terms, _ = terms_of(method, x)
    error = (model(x) - x).pow(2)
    torch.testing.assert_close(terms["L_rec"], error.sum() / len(x))


@pytest.mark.parametrize("latent", [2, 5])
@pytest.mark.parametrize("method", sorted(set(METHODS) - {"DAE", "TCAE"}))
def test_running_statistics_follow_the_data_and_no_probe(method, latent):
    """The statistics of both networks are those of AE's pass over the same images (decision 4)."""
    x = torch.rand(12, 784, generator=torch.Generator().manual_seed(0))

    def after(name):
        spec = RunSpec(data="mnist", method=name, network="FC-NN", latent=latent, reduction="mean")
        model = architectures.printed_network("FC-NN", latent, 1 / 16)
        normals = torch.randn(
            12,
            METHODS[spec.method].draws(spec.latent, 784),
            generator=torch.Generator().manual_seed(1),
        )
        objective_of(name)(model, x, normals, spec, WEIGHT)
        return dict(model.named_buffers())

    ours, plain = after(method), after("AE")
    counts = [name for name in plain if name.endswith("num_batches_tracked")]
    assert len(counts) == 2 * 4 and all(plain[name] == ours[name] for name in counts)
    for name, value in plain.items():
        torch.testing.assert_close(ours[name], value, msg=name)


@pytest.mark.parametrize("method", ["I-AE", "I-AE-without-L_piso", "IRAE"])
def test_what_normalises_the_sampled_latents(method):
    """The codes' batch, as in what is reported; or the latents themselves, and then the running
    statistics follow them or do not (decision 4)."""
    x = torch.rand(12, 784, generator=torch.Generator().manual_seed(0))

    def after(statistics):
        spec = RunSpec(
            data="mnist", method=method, network="FC-NN", latent=3, statistics=statistics
        )
        model = architectures.printed_network("FC-NN", 3, 1 / 16)
        normals = torch.randn(
            12,
            METHODS[spec.method].draws(spec.latent, 784),
            generator=torch.Generator().manual_seed(1),
        )
        terms = objective_of(method)(model, x, normals, spec, WEIGHT)
        sum(terms.values()).backward()
        return model, terms, normals

    (model, terms, normals), probes, both = map(after, ("data", "probes", "both"))
    name = "distortion" if method == "IRAE" else "L_iso"
    torch.testing.assert_close(probes[1], both[1])
    assert abs(terms[name] - probes[1][name]) > 1e-3 * terms[name]
    counts = [[int(b) for n, b in m.decoder.named_buffers() if n.endswith("tracked")]
              for m, *_ in ((model,), probes, both)]  # fmt: skip
    assert counts == [[1] * 4, [1] * 4, [2] * 4]
    if method != "IRAE":
        v, noise = normals.split(3, dim=1)[-2:]
        codes = model.encoder(x)
        z = isometry.sample_latents(codes, noise)
        f = frozen_map(model.decoder, codes.detach())
        pushed = torch.func.jvp(f, (z,), (isometry.directions(v),))[1]
        torch.testing.assert_close(terms["L_iso"], WEIGHT * isometry.departure(pushed))


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
    terms = objective_of("I-AE")(model, x, chance(spec), boxed, WEIGHT)
    _, v, noise = chance(spec).split(2, dim=1)
    z = isometry.sample_latents(model.encoder(x), noise, "uniform")
    expected = isometry.L_iso(model.decoder, z, isometry.directions(v))
    torch.testing.assert_close(terms["L_iso"], WEIGHT * expected)
    assert not torch.equal(terms["L_iso"], gaussian["L_iso"])


@pytest.mark.parametrize("method", METHODS)
def test_the_weight_multiplies_the_regularizer_alone(method, x):
    model, terms, spec = terms_of(method, x)
    doubled = objective_of(method)(model, x, chance(spec), spec, 2 * WEIGHT)
    for name, term in terms.items():
        factor = 1 if name in ("L_rec", "|z|^2") else 2
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


@pytest.mark.parametrize(("data", "unit"), [("s-shape", 3.0), ("mnist", 1.0)])
def test_denoising_sees_noise_of_the_asked_size_and_rebuilds_the_clean_points(data, unit, x):
    """In units of the points' deviation, and of images of the pixel range."""
    x = 3 * x / x.std()
    model, _, spec = terms_of("DAE", x)
    terms = objective_of("DAE")(model, x, chance(spec), replace(spec, data=data), WEIGHT)
    noisy = x + spec.noise * unit * chance(spec)
    torch.testing.assert_close(terms["L_rec"], (model(noisy) - x).pow(2).sum(1).mean())


def test_denoising_without_noise_is_the_plain_autoencoder(x):
    model, plain, spec = terms_of("AE", x)
    silent = replace(spec, method="DAE", noise=0.0)
    terms = objective_of("DAE")(model, x, chance(silent), silent, WEIGHT)
    torch.testing.assert_close(terms, plain)


@pytest.mark.parametrize("method", METHODS)
def test_every_loss_reaches_every_weight_it_should(method, x):
    model, terms, _ = terms_of(method, x)
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_without_l_iso_the_decoder_term_is_gone_and_the_encoder_term_stays(x):
    model, terms, spec = terms_of("I-AE-without-L_iso", x)
    piso = isometry.L_piso(model.encoder, x, isometry.directions(chance(spec)))
    assert set(terms) == {"L_rec", "L_piso"}
    torch.testing.assert_close(terms["L_piso"], WEIGHT * piso)


@pytest.mark.parametrize("method", ["CAE", "RAE-GP"])
def test_above_the_plane_one_probe_sees_the_frobenius_norm_on_average(method):
    """Over many copies of one point, so that only the direction varies."""
    rng = torch.Generator().manual_seed(1)
    model = fully_connected(6, 5, width=16, depth=2).double()
    point = torch.randn(1, 6, generator=rng).double()
    spec = RunSpec(data="mnist", method=method, latent=5)
    assert METHODS[spec.method].draws(spec.latent, 6) == 5
    normals = torch.randn(40_000, 5, generator=rng).double()
    term = objective_of(method)(model, point.expand(len(normals), -1), normals, spec, 1.0)
    net, at = {
        "CAE": (model.encoder, point), "RAE-GP": (model.decoder, model.encoder(point)),
    }[method]  # fmt: skip
    norm = jacobians(net, at).square().sum()
    torch.testing.assert_close(list(term.values())[1], norm, rtol=2e-2, atol=0)


def test_weight_decay_is_what_adam_makes_of_it(x):
    """Two steps with the penalty, and two of PyTorch's Adam with its own option."""
    ends = []
    for own in (True, False):
        model, _, spec = terms_of("AEW", x)
        decay = {} if own else {"weight_decay": 0.01}
        adam = torch.optim.Adam(model.parameters(), lr=1e-2, **decay)
        for _ in range(2):
            adam.zero_grad()
            terms = objective_of("AEW" if own else "AE")(model, x, chance(spec), spec, 0.01)
            sum(terms.values()).backward()
            adam.step()
        ends.append(torch.cat([p.flatten() for p in model.parameters()]))
    torch.testing.assert_close(*ends)


def test_rae_l2_sees_the_decoder_and_the_codes(x):
    model, terms, _ = terms_of("RAE-L2", x)
    weights = sum(p.square().sum() for p in model.decoder.parameters())
    torch.testing.assert_close(terms["|theta_f|^2"], WEIGHT * weights)
    codes = model.encoder(x)
    torch.testing.assert_close(terms["|z|^2"], 0.7 * codes.square().sum() / codes.numel())
    assert set(terms_of("RAE-SN", x)[1]) == {"L_rec", "|z|^2"}


def slow_mmd(z, prior):
    """Pair by pair, in plain Python."""
    d, total = z.shape[1], 0.0

    def kernel(a, b):
        distance = float((a - b).square().sum())
        return sum(2 * d * s / (2 * d * s + distance) for s in WAE_SCALES)

    n = len(z)
    for i in range(n):
        for j in range(n):
            if i != j:
                total += (kernel(z[i], z[j]) + kernel(prior[i], prior[j])) / (n * (n - 1))
            total -= 2 * kernel(z[i], prior[j]) / n**2
    return total


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_mmd_against_a_slow_loop(shift):
    z, prior = torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(0)).double()
    assert float(mmd(z + shift, prior)) == pytest.approx(slow_mmd(z + shift, prior), rel=1e-9)


def test_mmd_is_zero_on_average_for_the_prior_itself_negative_at_times_and_large_apart():
    rng = torch.Generator().manual_seed(0)
    drawn = torch.randn(400, 2, 30, 2, generator=rng).double()
    same = torch.stack([mmd(*pair) for pair in drawn])
    assert same.min() < 0 < same.max()
    assert abs(same.mean()) < 4 * same.std() / 20
    assert mmd(drawn[0, 0] + 3, drawn[0, 1]) > 10 * same.max()


def test_distortion_against_full_jacobians(x):
    model, terms, spec = terms_of("IRAE", x)
    normals = chance(spec)
    v, share = normals[:, :-1], torch.special.ndtr(normals[:, -1:])
    codes = model.encoder(x)
    alpha = 1.4 * share - 0.2
    A = jacobians(model.decoder, alpha * codes + (1 - alpha) * codes.roll(1, 0))
    G = A.mT @ A
    trace = (v[:, None] @ G @ v[:, :, None]).mean()
    square = (G @ v[:, :, None]).square().sum((1, 2)).mean()
    torch.testing.assert_close(terms["distortion"], WEIGHT * 2 * square / trace**2)
    terms["distortion"].backward()  # as sampled latents, the mixtures leave the encoder alone
    assert all(p.grad is None for p in model.encoder.parameters())


def test_distortion_is_least_for_an_isometry_of_any_scale():
    """d tr G^2 / (tr G)^2 is 1 for G = c I; the estimate of E |v|^2 = d comes close."""
    rng = torch.Generator().manual_seed(0)
    normals = torch.randn(20_000, 3, generator=rng).double()
    x = torch.randn(20_000, 3, generator=rng).double()

    def measured(matrix):
        decoder = torch.nn.Linear(2, 3).double()
        decoder.weight.data = torch.tensor(matrix).double()
        model = Autoencoder(torch.nn.Linear(3, 2).double(), decoder)
        spec = RunSpec(data="s-shape", method="IRAE")
        terms = objective_of("IRAE")(model, x, normals, spec, 1.0)
        return terms["distortion"].item()

    flat = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    assert measured(flat) == pytest.approx(1.0, rel=0.02)
    assert measured([[5 * a for a in row] for row in flat]) == pytest.approx(measured(flat))
    assert measured([[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]) > 1.5


def of_full_jacobians(model, x):
    """The variance of log det J'J, with J by reverse mode, sample by sample."""
    J = torch.vmap(torch.func.jacrev(model.decoder))(model.encoder(x))
    return torch.linalg.slogdet(J.mT @ J).logabsdet.var(correction=0)


@pytest.mark.parametrize("latent", [2, 5])
def test_the_variance_of_volumes_and_its_gradient_against_full_jacobians(latent):
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(1)).double()
    model = fully_connected(6, latent, width=16, depth=2).double()
    spec = RunSpec(data="mnist", method="GeomAE", latent=latent)
    term = objective_of("GeomAE")(model, x, x[:, :0], spec, WEIGHT)["Var log det"]
    expected = WEIGHT * of_full_jacobians(model, x)
    assert expected > 1e-4
    torch.testing.assert_close(term, expected)
    ours, theirs = (
        torch.autograd.grad(each, [*model.parameters()], materialize_grads=True)
        for each in (term, expected)
    )
    torch.testing.assert_close(ours, theirs)


def test_equal_volumes_everywhere_cost_nothing_and_their_unit_plays_no_part(x):
    """A linear decoder may shear and stretch; a decoder that is k times as large costs the same."""
    model, terms, spec = terms_of("GeomAE", x)
    model.decoder.append(torch.nn.Linear(3, 3, bias=False).double())
    model.decoder[-1].weight.data = 1000 * torch.eye(3).double()
    enlarged = objective_of("GeomAE")(model, x, chance(spec), spec, WEIGHT)["Var log det"]
    assert terms["Var log det"] > 1e-4
    torch.testing.assert_close(enlarged, terms["Var log det"])
    model.decoder = torch.nn.Linear(2, 3).double()
    flat = objective_of("GeomAE")(model, x, chance(spec), spec, WEIGHT)["Var log det"]
    assert flat.item() == pytest.approx(0, abs=1e-20)


def test_volumes_are_right_where_a_differential_is_nearly_singular_and_finite_where_it_is():
    first = torch.tensor([[1.0, 2.0, 2.0]], requires_grad=True)
    across = torch.tensor([[2.0, 1.0, -2.0]])
    assert log_det([first, 7 * first + 1e-5 * across]).item() == pytest.approx(
        2 * np.log(9e-5), abs=0.1
    )
    assert log_det([1e-12 * first, 1e-12 * across]).item() == pytest.approx(4 * np.log(3e-12))
    lost = log_det([first, 0 * first])
    (gradient,) = torch.autograd.grad(lost, first)
    assert lost.isfinite() and gradient.isfinite().all()
