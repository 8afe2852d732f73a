"""What can be said of a map of one's own points, in numbers and in words."""

from __future__ import annotations

import base64
import io
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from isoae_lib.core import faithfulness as measured
from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import decoder_map, encoder_map
from isoae_lib.core.networks import Autoencoder
from isoae_lib.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLE = 2000  # points that a report looks at
# What the words say, and from which number on.
LOST = 0.1  # share of the variance: a part of the data is not on the sheet
OFF = 0.15  # by which small steps may be too long or too short, 9 of 10 of them
TORN = 0.01  # share of neighbours that are cut apart, or folded over others
ALONG = 0.99  # least correlation with the lengths of paths
SMALL = 0.02  # share of points outside the largest piece that may be outliers


@dataclass(frozen=True)
class Report:
    """How a map treats some points. Lengths are in units of the data's mean distance from the mean.

    Attributes
    ----------
    points, columns, dimensions : int
        How many points were looked at, their D, and d.
    lost, lost_by_pca : float
        Share of the variance that the map does not reconstruct, and that PCA with as many
        dimensions does not.
    wanted_dimensions : float
        How many dimensions the data have, as the growth of neighbourhoods says.
    singular_low, singular_median, singular_high : float
        5 %, 50 % and 95 % of the singular values of A = df(z): 1 for an isometry.
    a_isometry, b_isometry, b_transposed : float
        Means of `|A'A - I|`, `|BB' - I|` and `|B - A'|` (Theorem 1): 0 for an isometry.
    edge_ratio_mean, edge_ratio_std : float
        Of `|f(a) - f(b)| / |a - b|` over neighbouring codes: 1 and 0 for an isometry.
    cuts, folds : float
        Share of neighbours among the points that are torn apart; share of neighbours among the
        codes that are none among the points.
    pieces, largest_piece : int, float
        Into how many pieces the points fall, and the share of the largest.
    trustworthiness, continuity : float
        Of 5 neighbours: 1 where all are kept.
    path_correlation, path_ratio : float
        How distances of codes agree with lengths of paths along the data.
    """

    points: int
    columns: int
    dimensions: int
    lost: float
    lost_by_pca: float
    wanted_dimensions: float
    singular_low: float
    singular_median: float
    singular_high: float
    a_isometry: float
    b_isometry: float
    b_transposed: float
    edge_ratio_mean: float
    edge_ratio_std: float
    cuts: float
    folds: float
    pieces: int
    largest_piece: float
    trustworthiness: float
    continuity: float
    path_correlation: float
    path_ratio: float
    drawn: Any = None  # what `plot` draws, besides

    @property
    def reasons(self) -> list[str]:
        """Why distances between codes should not be trusted: none if they may be."""
        found = []
        if self.lost > LOST:
            found.append(
                f"{self.lost:.0%} of the variance is not on the sheet (PCA loses "
                f"{self.lost_by_pca:.0%}), and codes say nothing about it: points with close codes "
                "may be far apart."
            )
            if self.wanted_dimensions > self.dimensions + 0.7:
                found.append(
                    f"the data seem to have about {self.wanted_dimensions:.0f} dimensions, and the "
                    f"codes {self.dimensions}: give n_components more."
                )
        if self.pieces > 1 and self.largest_piece < 1 - SMALL:
            found.append(
                f"the data fall into {self.pieces} pieces: distances inside a piece may hold, "
                "those from piece to piece mean nothing."
            )
        if self.cuts > TORN:
            found.append(
                f"{self.cuts:.1%} of the neighbours are cut apart: the data are closed or twisted, "
                "and no plane holds them whole, or the fit is not finished."
            )
        if self.folds > TORN:
            found.append(
                f"{self.folds:.1%} of the neighbours in the codes are none in the data: parts lie "
                "over one another."
            )
        low, high = self.singular_low, self.singular_high
        if low < 1 - OFF or high > 1 + OFF:
            found.append(
                f"small steps come out {low:.2f} to {high:.2f} times as long: the data are curved "
                "like a ball or a saddle, or the weight is too small, or the fit too short."
            )
        if not found and self.path_correlation < ALONG:
            found.append(
                "distances do not agree with the lengths of paths along the data (correlation "
                f"{self.path_correlation:.2f}): there may be a hole, around which paths lead."
            )
        return found

    @property
    def trusted(self) -> bool:
        """Whether distances between codes may be read as distances along the data."""
        return not self.reasons

    @property
    def verdict(self) -> str:
        """One sentence on whether to trust distances between codes."""
        if not self.trusted:
            return "Do not trust distances between codes:"
        return (
            "Distances between codes may be trusted: they are lengths along the data, "
            f"up to about {max(1 - self.singular_low, self.singular_high - 1):.0%}."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return what was measured: name, value, and what an isometry has."""
        return [
            ("points looked at", f"{self.points:,}", ""),
            ("dimensions", f"{self.columns} to {self.dimensions}", ""),
            ("dimensions the data seem to have", f"{self.wanted_dimensions:.1f}", ""),
            ("variance lost", f"{self.lost:.2%}", "0"),
            ("variance that PCA loses", f"{self.lost_by_pca:.2%}", ""),
            (
                "singular values of A, 5 %, 50 %, 95 %",
                f"{self.singular_low:.3f}, {self.singular_median:.3f}, {self.singular_high:.3f}",
                "1",
            ),
            ("|A'A - I|", f"{self.a_isometry:.3f}", "0"),
            ("|BB' - I|", f"{self.b_isometry:.3f}", "0"),
            ("|B - A'|", f"{self.b_transposed:.3f}", "0"),
            ("edge ratios, mean", f"{self.edge_ratio_mean:.3f}", "1"),
            ("edge ratios, deviation", f"{self.edge_ratio_std:.3f}", "0"),
            ("neighbours cut apart", f"{self.cuts:.2%}", "0"),
            ("neighbours folded together", f"{self.folds:.2%}", "0"),
            ("pieces of the data", str(self.pieces), ""),
            ("trustworthiness", f"{self.trustworthiness:.3f}", "1"),
            ("continuity", f"{self.continuity:.3f}", "1"),
            ("correlation with paths", f"{self.path_correlation:.4f}", "1"),
            ("distance per length of path", f"{self.path_ratio:.3f}", "about 1"),
        ]

    def __str__(self) -> str:
        table = [f"{name:<42s}{value:>24s}  {ideal:>8s}" for name, value, ideal in self.rows()]
        head = f"{'':<42s}{'here':>24s}  {'isometry':>8s}"
        return "\n".join([head, *table, "", self.verdict, *(f"- {r}" for r in self.reasons)])

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th scope='row'>{escape(name)}</th><td>{value}</td><td>{ideal}</td></tr>"
            for name, value, ideal in self.rows()
        )
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in self.reasons)
        reasons = f"<ul>{reasons}</ul>" if reasons else ""
        head = "<tr><td></td><th scope='col'>here</th><th scope='col'>isometry</th></tr>"
        return f"<p>{self.verdict}</p>{reasons}<table class='table'>{head}{cells}</table>"

    def html(self) -> str:
        """Return the report as a page of its own, with its figure where matplotlib is installed."""
        try:
            picture = io.BytesIO()
            self.plot().savefig(picture, format="png", dpi=120, bbox_inches="tight")
            data = base64.b64encode(picture.getvalue()).decode()
            figure = f'<img alt="{ALT}" src="data:image/png;base64,{data}">'
        except InputError:
            figure = ""
        return PAGE.format(body=self._repr_html_() + figure)

    def numbers(self) -> dict[str, Any]:
        """Return what was measured, by name, for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "drawn"}

    def plot(self) -> Figure:
        """Draw the codes, the singular values, and distances against the lengths of paths.

        Raises
        ------
        InputError
            If matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ModuleNotFoundError:
            raise InputError(
                "plots need matplotlib: `pip install 'isoae-lib[plot]'` brings it."
            ) from None
        figure = Figure(figsize=(12, 3.8), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        codes, lost, sigma, lengths, apart = self.drawn
        shown = left.scatter(codes[:, 0], codes[:, -1], c=lost, s=6, cmap="viridis")
        figure.colorbar(shown, ax=left, label="distance from the sheet")
        left.set(title="codes", aspect="equal" if codes.shape[1] > 1 else "auto")
        middle.hist(sigma.ravel(), np.linspace(0, max(2, sigma.max()), 61), color="#0072B2")
        middle.axvline(1, color="black", linewidth=1)
        middle.set(title="singular values of A", xlabel="1 for an isometry")
        right.plot(lengths, apart, ".", markersize=2, color="#0072B2", alpha=0.4)
        right.axline((0, 0), slope=1, color="black", linewidth=1)
        right.set(title="distance of codes", xlabel="length of the path along the data")
        return figure


ALT = (
    "Left, the codes, coloured by the distance of their points from the sheet; in the middle, a "
    "histogram of singular values; right, distances of codes against lengths of paths."
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Can distances be trusted?</title>
<style>
body {{ font-family: sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
th {{ text-align: left; font-weight: normal }} td {{ text-align: right; padding-left: 2rem }}
img {{ max-width: 100% }}
</style></head>
<body><h1>Can distances be trusted?</h1>{body}</body></html>
"""


def report_on(model: Autoencoder, points: Array, unit: float = 1.0) -> Report:
    """Measure a map at scaled points (n, D).

    Parameters
    ----------
    unit : float
        Of the codes, for the plots, which are in the data's units.
    """
    codes = encoder_map(model)(points)
    decode = decoder_map(model)
    residual = decode(codes) - points
    A, B = measured.differentials_at(model, points)
    sigma = measured.singular_values(A)
    eye = np.eye(codes.shape[1])
    ratios = measured.edge_ratios(decode, codes)
    trustworthy, continuous = measured.trust(points, codes)
    correlation, ratio, lengths, apart = measured.path_agreement(points, codes)
    count, largest = measured.pieces(points)
    low, median, high = np.quantile(sigma, (0.05, 0.5, 0.95))
    total = ((points - points.mean(0)) ** 2).sum()
    some = slice(None, None, max(1, len(lengths) // SAMPLE))
    distances = np.linalg.norm(residual, axis=1)
    return Report(
        points=len(points),
        columns=points.shape[1],
        dimensions=codes.shape[1],
        lost=float((residual**2).sum() / total),
        lost_by_pca=measured.lost_by_pca(points, codes.shape[1]),
        wanted_dimensions=measured.intrinsic_dimension(points),
        singular_low=float(low),
        singular_median=float(median),
        singular_high=float(high),
        a_isometry=_mean_norm(A.transpose(0, 2, 1) @ A - eye),
        b_isometry=_mean_norm(B @ B.transpose(0, 2, 1) - eye),
        b_transposed=_mean_norm(B - A.transpose(0, 2, 1)),
        edge_ratio_mean=float(ratios.mean()) if len(ratios) else 0.0,
        edge_ratio_std=float(ratios.std() / ratios.mean()) if ratios.any() else float("inf"),
        cuts=measured.cut_share(points, codes),
        folds=measured.fold_share(points, codes),
        pieces=count,
        largest_piece=largest,
        trustworthiness=trustworthy,
        continuity=continuous,
        path_correlation=correlation,
        path_ratio=ratio,
        drawn=(codes * unit, distances * unit, sigma, lengths[some] * unit, apart[some] * unit),
    )


def _mean_norm(matrices: Array) -> float:
    return float(np.linalg.norm(matrices, axis=(1, 2)).mean())
