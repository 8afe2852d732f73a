"""A decoder over a part of the plane, in a form so small that a page can carry it.

The decoder is known on a grid. Between its places it is interpolated. Images of a plane have few
ways to differ, so they are kept as a mean and a few components. All numbers are rounded here. So a
browser, which does the same arithmetic, shows what `Plane.at` returns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import decoder_differentials, decoder_map
from isoae_lib.core.networks import Autoencoder
from isoae_lib.paper.metrics.plane import MIDDLE
from isoae_lib.paper.records import Run

SIDES = (24, 32, 48, 64, 96, 128)  # places of a grid along either axis, for the images
METRIC_SIDE = 96  # the same for the metric, which bends more
WITHIN = 2 / 255  # root mean square of pixels, between a plane and its decoder
CHECKED = 100  # places at which they are compared
LOST = WITHIN / 2  # what leaving out components may cost at any place of the grid
FINE = 1 / 2  # the share of that which each kind of rounding may cost
PARTS = 32  # into which a step is cut, to add up its length


@dataclass(frozen=True)
class Rounded:
    """An array as whole numbers of two bytes, and the size of one step between them."""

    whole: NDArray[np.int16]
    step: float

    @property
    def values(self) -> Array:
        """The array."""
        return np.multiply(self.whole, self.step, dtype=np.float64)


@dataclass(frozen=True)
class Plane:
    """What a decoder makes of a rectangle of the plane.

    Attributes
    ----------
    low, high : array (2,)
        Opposite corners.
    mean : Rounded (D,)
        Of the images on the grid.
    components : Rounded (k, D)
    weights : Rounded (k, side, side)
        Of the components, at the places of the grid.
    metric : Rounded (3, m, m)
        The pullback metric df'df on another grid: its entries 11, 12 and 22.
    """

    low: Array
    high: Array
    mean: Rounded
    components: Rounded
    weights: Rounded
    metric: Rounded

    @property
    def side(self) -> int:
        """Places of the grid of images along either axis."""
        return self.weights.whole.shape[-1]

    def at(self, z: Array) -> Array:
        """Return the images (n, D) of places z (n, 2): pixels between 0 and 1."""
        weights = self._between(self.weights, z)
        images = self.mean.values + weights.T @ self.components.values
        return np.clip(images, 0, 1)

    def lengths(self, z: Array) -> Array:
        """Return how far apart the images of consecutive places z (n, 2) are.

        The way is the straight one in the plane. Its length (n - 1,) among the images is taken
        from the metric.
        """
        parts = (np.arange(PARTS) + 0.5) / PARTS
        moves = np.diff(z, axis=0)
        middles = z[:-1, None] + parts[:, None] * moves[:, None]
        g = self._between(self.metric, middles.reshape(-1, 2)).reshape(3, len(moves), PARTS)
        u, v = moves.T[:, :, None]
        squared = g[0] * u * u + 2 * g[1] * u * v + g[2] * v * v
        return np.sqrt(np.maximum(squared, 0)).mean(1)

    def _between(self, grid: Rounded, z: Array) -> Array:
        """Interpolate an array (k, side, side) at places z (n, 2)."""
        last = grid.whole.shape[-1] - 1
        at = np.clip((z - self.low) / (self.high - self.low), 0, 1) * last
        first = np.minimum(at.astype(int), last - 1)
        shares = _cubic(at - first)
        near = np.clip(first + np.arange(-1, 3)[:, None, None], 0, last)
        found = np.zeros((len(grid.whole), len(z)))
        for i, j in product(range(4), repeat=2):
            share = shares[i, :, 0] * shares[j, :, 1]
            found += share * grid.values[:, near[i, :, 0], near[j, :, 1]]
        return found


def _cubic(t: Array) -> Array:
    """Return the shares (4, ...) of four neighbours at t of the way from the second to the third.

    They are those of the Catmull-Rom spline.
    """
    t2, t3 = t**2, t**3
    shares = -t + 2 * t2 - t3, 2 - 5 * t2 + 3 * t3, t + 4 * t2 - 3 * t3, t3 - t2
    return np.stack(shares) / 2


def is_known(run: Run) -> bool:
    """Tell whether the plane of a run can be had: a record keeps weights, or a decoded plane."""
    return run.has_weights or "decoded_plane" in run.figures


def of_run(run: Run) -> Plane:
    """Return the plane of a run: from its weights if they are there, else the recorded one.

    Raises
    ------
    InputError
        If the record keeps neither.
    """
    if run.has_weights:
        low, high = np.quantile(run.codes, (1 - MIDDLE, MIDDLE), axis=0)
        return of_decoder(run.model, low, high)
    axes, metric = run.figure("plane_axes").astype(float), run.figure("plane_metric")
    images = run.figure("decoded_plane") / 255
    rows = images.reshape(-1, images.shape[-1])
    return compressed(axes[:, 0], axes[:, -1], rows, metric.reshape(-1, 2, 2))


def of_decoder(model: Autoencoder, low: Array, high: Array) -> Plane:
    """Return what a decoder makes of the rectangle between two corners (2,).

    The grid is the coarsest of `SIDES` that is within `WITHIN` of the decoder at random places, or
    the finest.
    """
    decoded, rng = decoder_map(model), np.random.default_rng(0)
    places = low + (high - low) * rng.random((CHECKED, 2))
    true = np.clip(decoded(places), 0, 1)
    for side in SIDES:
        plane = compressed(low, high, decoded(_grid(low, high, side)))
        if np.sqrt(((plane.at(places) - true) ** 2).mean(1)).max() < WITHIN:
            break
    A = decoder_differentials(model, _grid(low, high, METRIC_SIDE))[1]
    return replace(plane, metric=_of_metric(A.transpose(0, 2, 1) @ A))


def _grid(low: Array, high: Array, side: int) -> Array:
    """Return the places (side * side, 2) of a grid."""
    axes = np.linspace(low, high, side, axis=1)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def compressed(low: Array, high: Array, rows: Array, metric: Array | None = None) -> Plane:
    """Return the plane whose images (n, D), and metric (m, 2, 2) if any, are known on square grids.

    It keeps as many components as it takes to lose less than `LOST` at any place of the grid.
    """
    side = round(np.sqrt(len(rows)))
    mean = rows.mean(0)
    components = np.linalg.eigh(np.cov(rows.T))[1].T[::-1]  # the principal ones first
    weights = (rows - mean) @ components.T
    lost = np.sqrt(np.cumsum(weights[:, ::-1] ** 2, axis=1)[:, ::-1] / rows.shape[1]).max(0)
    k = max(1, int((lost > LOST).sum()))
    weights, components = weights[:, :k], components[:k]
    error = FINE * LOST * np.sqrt(12)  # a step's rounding error is uniform, of variance step^2/12
    largest = float(np.linalg.norm(weights, axis=1).max()) or 1.0
    return Plane(
        low, high, rounded(mean), rounded(components, error / largest),
        rounded(weights.T.reshape(k, side, side), error * np.sqrt(rows.shape[1] / k)),
        _of_metric(np.zeros((1, 2, 2)) if metric is None else metric),
    )  # fmt: skip


def _of_metric(metric: Array) -> Rounded:
    side = round(np.sqrt(len(metric)))
    return rounded(metric.reshape(side, side, 4)[..., [0, 1, 3]].transpose(2, 0, 1))


def rounded(values: Array, step: float = 0.0) -> Rounded:
    """Round to whole numbers of steps, or of larger ones if two bytes do not hold so many."""
    least = float(np.abs(values).max()) / np.iinfo(np.int16).max
    step = max(step, least) or 1.0
    return Rounded(np.rint(values / step).astype(np.int16), step)
