"""The claims of section 3 that are judged by computing: no network is trained for them."""

from __future__ import annotations

from functools import cache

from isoae_lib.paper.claims.rule import Claim, Finding, Judge, Table, verdict

EXACT, FITTED = 1e-9, 1e-3  # rounding errors of float64; what an optimiser leaves
DEVIATIONS = 4  # a mean of draws is within so many of its deviations


@cache
def _error(name: str) -> float:
    from isoae_lib.paper.claims import computed  # brings torch, which the site does without

    return getattr(computed, name)()


def _computed(name: str, limit: float) -> Judge:
    """Judge by the largest error that a function of `computed` finds; no run changes it.

    What is small enough has no digits: they are rounding, and differ from machine to machine.
    """

    def judge(runs: Table, gated: bool = True) -> Finding:
        small = _error(name) < limit
        words = f"below {limit:g}" if small else f"{_error(name):.0e}"
        return Finding(f"largest error {words}", verdict([small]), ())

    return judge


CLAIMS = (
    Claim(
        "Lemma 1", "3, Lemma 1",
        "If |Au| = 1 for all u, then A is column-orthogonal, that is A'A = I",
        "a proof",
        "A'A of random matrices is recovered from the lengths of Au alone, for a dozen directions "
        f"u. Reproduced: to {EXACT:g}.",
        _computed("lemma_1", EXACT),
    ),
    Claim(
        "Lemma 2", "3, Lemma 2",
        "If A'A = I = BB' and BA = I then B = A+ = A'",
        "a proof",
        "SymPy solves for B in four sizes, and for each hypothesis there is a pair that "
        "violates it alone and has another B. Reproduced: both (error 0; else 1).",
        _computed("lemma_2", EXACT),
    ),
    Claim(
        "Lemma 3", "3.1, Lemma 3",
        "dp(x) is the orthogonal projection on the tangent space of N at x",
        "a proof",
        "Automatic differentiation of the closest point on a plane, a cylinder, a sphere and a "
        f"torus. Reproduced: to {EXACT:g}.",
        _computed("lemma_3", EXACT),
    ),
    Claim(
        "Theorem 1", "3, Theorem 1",
        "the differentials of the encoder and decoder are orthogonal (rectangular) matrices",
        "a proof",
        "Eqs. (3), (4), (5) and BA = I for two isometries with their pseudo-inverses in closed "
        f"form, of a cylinder and of the S shape. Reproduced: to {EXACT:g}.",
        _computed("theorem_1", EXACT),
    ),
    Claim(
        "cheap estimates", "3 (eqs. 6, 7)",
        "we want to avoid computing the full differentials: stochastic estimations",
        "in words",
        "Mean of (|Au| - 1)^2 over single random directions, against the integral over the circle, "
        f"in deviations of that mean. Reproduced: below {DEVIATIONS}.",
        _computed("estimate", DEVIATIONS),
    ),
    Claim(
        "the linear case is PCA", "1, 3",
        "a non-linear generalization to principal component analysis (PCA)",
        "in words",
        "Eq. (8) is minimised for linear networks. Distance of AB from PCA's projector, and of "
        f"eqs. (3), (4), (5) and BA = I from holding. Reproduced: below {FITTED:g}.",
        _computed("linear", FITTED),
    ),
)  # fmt: skip
