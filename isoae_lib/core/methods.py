"""The methods, one row each; what a row names is a function of `objectives`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

EXACT = 2  # latent size up to which differentials are seen whole


@dataclass(frozen=True, kw_only=True)
class Method:
    """One row.

    Attributes
    ----------
    objective : str
        Name of the function that returns the terms of its loss.
    passes : float
        Passes through a network that a step takes, a forward and a backward each: its cost.
    draws : callable
        Latent size d and data size D -> standard normal numbers that it wants for each sample.
    networks : str
        What it does to them: "plain", "tied" (the decoder's weights are the encoder's, transposed)
        or "normalised" (every weight is divided by its spectral norm).
    version : int
        Raise it when a correction changes what this method computes: other methods' runs keep
        their keys.
    label : str
        Its name in figures and tables, where it is not the method's own.
    colour, marker : str
        In every figure. Okabe and Ito's palette, which colour-blind readers can tell apart.
    """

    objective: str
    passes: float
    draws: Callable[[int, int], int] = lambda d, D: 0
    networks: str = "plain"
    version: int = 1
    label: str = ""
    colour: str = ""
    marker: str = ""


def _probes(d: int, D: int) -> int:
    """Numbers for one random direction where differentials are not seen whole."""
    return d if d > EXACT else 0


METHODS = {
    "I-AE": Method(
        objective="isometric", passes=5, draws=lambda d, D: 3 * d, colour="#0072B2", marker="o"
    ),
    "I-AE-without-L_piso": Method(
        objective="isometric_decoder", passes=4, draws=lambda d, D: 2 * d,
        label="I-AE without $L_{piso}$", colour="#56B4E9", marker="s",
    ),
    "CAE": Method(
        objective="contractive", passes=4, draws=_probes, colour="#D55E00", marker="D"
    ),
    "TCAE": Method(
        objective="contractive", passes=4, draws=_probes, networks="tied",
        colour="#E69F00", marker="^",
    ),
    "RAE-GP": Method(
        objective="gradient_penalty", passes=5, draws=_probes, colour="#009E73", marker="v"
    ),
    "DAE": Method(
        objective="denoising", passes=2, draws=lambda d, D: D, colour="#CC79A7", marker="P"
    ),
    "AE": Method(objective="vanilla", passes=2, colour="#000000", marker="X"),
    "I-AE-without-L_iso": Method(
        objective="isometric_encoder", passes=4, draws=lambda d, D: d,
        label="I-AE without $L_{iso}$",
    ),
    "AEW": Method(objective="weight_decay", passes=2),
    "RAE-SN": Method(objective="bounded_codes", passes=2.5, networks="normalised"),
    "RAE-L2": Method(objective="regularized_decoder", passes=2),
    "WAE": Method(objective="wasserstein", passes=2, draws=lambda d, D: d),
    "IRAE": Method(objective="scale_free", passes=6, draws=lambda d, D: d + 1),
}  # fmt: skip
