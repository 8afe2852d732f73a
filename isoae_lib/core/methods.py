"""The methods, one row each. A row names its function in `objectives`. This needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

EXACT = 2  # the largest latent size at which the whole differential is computed


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method: its objective and its looks.

    Attributes
    ----------
    objective : str
        Name of the function that returns the terms of its loss.
    passes : float
        Cost of a step, in passes through one network, forward and backward.
    draws : callable
        (d, D) -> how many standard normal numbers the function needs per sample.
    networks : str
        "plain", "tied" (the decoder's weights are the encoder's, transposed) or "normalised"
        (every weight is divided by its spectral norm).
    version : int
        Raise it if a correction changes what this method computes. Other methods' runs keep their
        keys.
    label : str
        Its name in figures and tables, if it differs from the method's own.
    colour, marker : str
        Its looks in every figure. The colours are Okabe and Ito's, which colour-blind readers can
        tell apart.
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
    """Return d numbers for one random direction, or 0 where the whole differential is computed."""
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
    "GeomAE": Method(objective="even_volume", passes=5),
}  # fmt: skip
