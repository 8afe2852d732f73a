"""One's own points in the unit of the networks, and batches of them to train from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoae_lib.core.arrays import Array
from isoae_lib.core.inputs import NUMBERS_AT_ONCE, Rows
from isoae_lib.core.networks import SINGLE
from isoae_lib.errors import InputError, choose

CONSTANT = 1e-10  # a deviation below this share of the mean is one of roundings
SCALES = ("global", "columns")
HELD_OUT = 2000  # points at most: as many say well enough which weights are the best


@dataclass(frozen=True)
class Scaling:
    """Points moved to their mean and divided by one number per column; undone on the way out.

    The points then have a mean square of 1, whatever their number of columns. So the reconstruction
    error is a share of the variance, and a weight means the same for any data.

    Attributes
    ----------
    mean, unit : array (D,)
        What is taken off, and what the rest is divided by: the same number in each column for the
        scale "global", the column's deviation times sqrt(D) for "columns".
    of_codes : float
        What codes are multiplied by, so that they are in the data's units.
    """

    mean: Array
    unit: Array
    of_codes: float

    def scaled(self, part: Tensor) -> Tensor:
        """Return points (k, D) in the unit of the networks."""
        mean, unit = (torch.as_tensor(v, device=part.device).to(_wide(part)) for v in self._both())
        return (part.to(_wide(part)) - mean) / unit

    def undone(self, part: Tensor) -> Tensor:
        """Return scaled points (k, D) as they were."""
        mean, unit = (torch.as_tensor(v, device=part.device).to(_wide(part)) for v in self._both())
        return part.to(_wide(part)) * unit + mean

    def for_codes(self) -> Scaling:
        """Return how codes are scaled: by their unit, and not moved."""
        return Scaling(np.zeros(1), np.full(1, self.of_codes), self.of_codes)

    def _both(self) -> tuple[Array, Array]:
        return self.mean, self.unit


def _wide(part: Tensor) -> torch.dtype:
    return SINGLE if part.device.type == "mps" else torch.float64  # Apple's GPUs have no other


def scaling_of(rows: Rows, scale: str = "global") -> Scaling:
    """Return how to scale points, from one pass over them.

    Raises
    ------
    InputError
        If the scale is unknown, a number is NaN or infinite, or all points are the same.
    """
    choose("scale", scale, SCALES)
    count, mean, squares = 0, np.zeros(rows.size), np.zeros(rows.size)
    for part in rows.parts():
        values = part.cpu().numpy()
        own = values.mean(0, dtype=np.float64)
        squares += ((values - own) ** 2).sum(0, dtype=np.float64)
        squares += (own - mean) ** 2 * (count * len(values) / (count + len(values)))
        count += len(values)
        mean += (own - mean) * (len(values) / count)
    variance = squares / max(1, count)
    variance[variance < CONSTANT**2 * mean**2] = 0  # roundings
    if not variance.sum() > 0:
        raise InputError(f"the {rows.count} points are all the same: there is nothing to learn.")
    if scale == "columns":
        unit = np.sqrt(np.where(variance > 0, variance, 1) * (variance > 0).sum())
        of_codes = float(np.sqrt((variance > 0).sum()))
    else:
        of_codes = float(np.sqrt(variance.sum()))
        unit = np.full(rows.size, of_codes)
    return Scaling(mean, unit, of_codes)


class Source:
    """Scaled points to train from, drawn as a tensor is indexed: all but those held out.

    Attributes
    ----------
    shape, device, dtype
        As those of a tensor (n, D) in single precision.
    """

    dtype = SINGLE

    def __init__(
        self, rows: Rows, scaling: Scaling, held_out: NDArray[np.int64], device: torch.device
    ) -> None:
        self.rows, self.scaling, self.device = rows, scaling, device
        self.shape = torch.Size((rows.count - len(held_out), rows.size))
        # The k-th point that is not held out is the k-th of all, plus those held out before it.
        self.before = np.sort(held_out) - np.arange(len(held_out))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        if isinstance(which, slice):
            drawn = np.arange(*which.indices(len(self)))
        else:
            drawn = which.cpu().numpy()
        return self.at(drawn + np.searchsorted(self.before, drawn, side="right"))

    def at(self, index: NDArray[np.int64]) -> Tensor:
        """Return scaled points by their index among all."""
        return self.scaling.scaled(self.rows.read(index)).to(self.device, SINGLE)

    def in_memory(self) -> Any:
        """Return a tensor of all of them, if they are in memory already; else, this source."""
        if not self.rows.in_memory:
            return self
        whole = torch.empty(self.shape, dtype=SINGLE, device=self.device)
        for part in np.array_split(np.arange(len(self)), 1 + self.shape.numel() // NUMBERS_AT_ONCE):
            whole[part] = self[torch.from_numpy(part)]
        return whole


def held_out(count: int, fraction: float, seed: int) -> NDArray[np.int64]:
    """Draw which of `count` points are held out: that fraction of them, `HELD_OUT` at most.

    Raises
    ------
    InputError
        If the fraction is not between 0 and 1.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"validation_fraction is {fraction}: it must be from 0 to below 1.")
    size = min(HELD_OUT, int(fraction * count))
    return np.random.default_rng(seed).choice(count, size, replace=False, shuffle=False)
