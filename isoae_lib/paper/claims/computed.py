"""The largest error in each part of section 3, by computing it; the claims of `theory` ask."""

from __future__ import annotations

import torch

from isoae_lib.paper import theory
from isoae_lib.paper.data.surfaces import SURFACES

TRIALS, DRAWS = 100, 200_000


def lemma_1() -> float:
    """Recover A'A of random matrices from lengths |Au| in a dozen directions."""
    rng, errors = torch.Generator().manual_seed(0), []
    for _ in range(TRIALS):
        A = torch.randn(7, 3, generator=rng, dtype=torch.float64)
        u = torch.nn.functional.normalize(torch.randn(12, 3, generator=rng, dtype=A.dtype), dim=1)
        errors.append(theory.gram_from_lengths(u, (u @ A.T).norm(dim=1)) - A.T @ A)
    return float(torch.stack(errors).abs().max())


def lemma_2() -> float:
    """Return 0 if SymPy proves the lemma, and no hypothesis can be left out."""
    proven = all(theory.lemma_2_symbolic(D, d) for D, d in ((2, 1), (3, 1), (3, 2), (5, 3)))
    without = theory.lemma_2_counterexamples().values()
    needed = all(theory.identities(A, B)["|B - A'|"] > 0.5 for A, B in without)
    return float(not (proven and needed))


def lemma_3() -> float:
    """Differentiate the closest point of each surface, and compare with the tangent projector."""
    rng = torch.Generator().manual_seed(0)
    points = torch.randn(TRIALS, 3, generator=rng, dtype=torch.float64)
    return max(theory.lemma_3_error(name, points) for name in theory.PROJECTIONS)


def theorem_1() -> float:
    """Take eqs. (3), (4), (5) and BA = I of two isometries with known pseudo-inverses."""
    z = torch.tensor(SURFACES["s-shape"].sample(TRIALS, seed=0)[1])
    errors: list[float] = []
    for f, g, codes in (
        (theory.CylinderDecoder(), theory.CylinderEncoder(), 2 * z),
        (theory.SDecoder(), theory.SEncoder(), z),
    ):
        A, B = theory.jacobians(f, codes), theory.jacobians(g, f(codes))
        errors += theory.identities(A, B, torch.max).values()
    return max(errors)


def estimate() -> float:
    """Return by how many deviations the mean of single directions misses the whole circle."""
    rng = torch.Generator().manual_seed(0)
    A = torch.randn(1, 7, 2, generator=rng, dtype=torch.float64) / 2
    u = torch.nn.functional.normalize(torch.randn(DRAWS, 2, generator=rng, dtype=A.dtype), dim=1)
    draws = ((u @ A[0].T).norm(dim=1) - 1).square()
    return float((draws.mean() - theory.exact_departure(A)).abs() / draws.std() * DRAWS**0.5)


def linear() -> float:
    """Minimise eq. (8) for linear networks, and compare them with PCA's projector."""
    rng = torch.Generator().manual_seed(0)
    scales = torch.tensor([2.0, 1.5, 0.5, 0.3, 0.2], dtype=torch.float64)
    x = torch.randn(500, 5, generator=rng, dtype=scales.dtype) * scales
    x = x - x.mean(0)
    principal = torch.linalg.svd(x, full_matrices=False)[2][:2].T
    A, B = theory.fit_linear(x, weight=0.1)
    to_pca = (A @ B - principal @ principal.T).norm().item()
    return max(to_pca, *theory.identities(A, B).values())
