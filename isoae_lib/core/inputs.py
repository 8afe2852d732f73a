"""One's own points, from wherever they are: read, checked and scaled a few rows at a time.

An array in memory, a tensor on its device, a sparse matrix, a file larger than memory and PyTorch's
data sets all become `Rows`. What trains from them holds a batch of them at a time, or a copy in
single precision where they are in memory anyway.
"""

from __future__ import annotations

import hashlib
import math
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from isoae_lib.core.arrays import Array
from isoae_lib.core.networks import SINGLE
from isoae_lib.errors import InputError

NUMBERS_AT_ONCE = 2_000_000  # read together: 16 MB in double precision
ROWS_AT_ONCE = 2000  # points through a network together: their activations stay in the cache
CPU = torch.device("cpu")
Which = slice | NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Points that can be read in any order, a few at a time.

    Attributes
    ----------
    read : callable
        A slice or an array of indices -> those points (k, D), in their own precision.
    count : int
        How many there are.
    shape : tuple of int
        Of one point: (D,), or that of an image, which `read` gives as a vector.
    device : torch.device
        Where `read` leaves them.
    in_memory : bool
        Whether a scaled copy of all of them may be made.
    names : sequence of str, optional
        Of the columns, for messages.
    """

    read: Callable[[Which], Tensor]
    count: int
    shape: tuple[int, ...]
    device: torch.device = CPU
    in_memory: bool = True
    names: Any = None

    @property
    def size(self) -> int:
        """D, how many numbers a point has."""
        return math.prod(self.shape)

    def parts(self, at_once: int | None = None) -> Iterator[Tensor]:
        """Yield all points in order, `at_once` at a time.

        Raises
        ------
        InputError
            If a number is NaN or infinite.
        """
        step = at_once or max(1, NUMBERS_AT_ONCE // max(1, self.size))
        for start in range(0, self.count, step):
            part = self.read(slice(start, min(start + step, self.count)))
            self.check(part, start)
            yield part

    def check(self, part: Tensor, start: int = 0) -> None:
        """Raise an InputError if a number is NaN or infinite; `part` begins at row `start`."""
        if part.is_floating_point() and not bool(torch.isfinite(part).all()):
            row, column = torch.nonzero(~torch.isfinite(part))[0].tolist()
            name = column if self.names is None else f"'{self.names[column]}'"
            raise InputError(
                f"row {start + row} of the points holds a NaN or an infinity, first in column "
                f"{name}: leave such rows out, or fill them in."
            )


def is_torch(X: Any) -> bool:
    """Whether X comes from PyTorch: a tensor, a data set or a loader of one."""
    return isinstance(X, (Tensor, DataLoader, Dataset))


def rows_of(X: Any, names: Any = None) -> Rows:
    """Return X as rows: an array, a sparse matrix, a tensor, a data set or a loader of one.

    Parameters
    ----------
    X : array, sparse matrix or tensor (n, ...), Dataset or DataLoader
        A loader's data set is read in any order, by its `collate_fn`. Where an item is a tuple,
        such as an image with its class, the first part counts.

    Raises
    ------
    InputError
        If a data set can only be read from its beginning, or a tensor does not hold numbers.
    """
    if isinstance(X, (DataLoader, Dataset)):
        return _of_data_set(X)
    if isinstance(X, Tensor):
        return _of_tensor(X)
    if sparse.issparse(X):
        matrix = sparse.csr_array(X)
        return Rows(
            lambda which: torch.from_numpy(matrix[which].toarray()),
            *_sizes(matrix.shape), in_memory=False, names=names,
        )  # fmt: skip
    count, shape = _sizes(X.shape)
    kind = X.dtype if X.dtype in (np.uint8, np.float32, np.float64) else np.float64
    mapping = _mapping(X)
    file: Any = getattr(mapping, "_mmap", None)
    if mapping is None or mapping.mode == "c" or not hasattr(mmap, "MADV_DONTNEED"):
        file = None  # changes that are not in the file must stay
    else:
        file.madvise(mmap.MADV_RANDOM)  # no neighbours of a row that is asked for

    def read(which: Which) -> Tensor:
        part = torch.tensor(np.asarray(X[which], dtype=kind).reshape(-1, math.prod(shape)))
        if file is not None:  # pages that were read may go, or they would count as ours
            file.madvise(mmap.MADV_DONTNEED)
        return part  # a copy

    return Rows(read, count, shape, in_memory=mapping is None, names=names)


def _of_tensor(X: Tensor) -> Rows:
    if X.is_complex() or X.ndim < 2:
        raise InputError(f"a tensor of {X.dtype}, shape {tuple(X.shape)}: real (n, D) is needed.")
    points = X.detach()
    return Rows(lambda which: points[which].flatten(1), *_sizes(X.shape), device=X.device)


def _of_data_set(X: DataLoader | Dataset) -> Rows:
    data = X.dataset if isinstance(X, DataLoader) else X
    collate = (X.collate_fn if isinstance(X, DataLoader) else None) or default_collate
    if isinstance(data, IterableDataset) or not hasattr(data, "__len__"):
        raise InputError(
            "this data set can only be read from its beginning: points are drawn at random, so "
            "give one with a length and __getitem__, or a memory-mapped array."
        )
    fetch = getattr(data, "__getitems__", None)

    def read(which: Which) -> Tensor:
        wanted = range(len(data))[which] if isinstance(which, slice) else which.tolist()
        items = fetch(list(wanted)) if fetch else [data[k] for k in wanted]
        batch = collate(items)
        return torch.as_tensor(batch[0] if isinstance(batch, (tuple, list)) else batch)

    first = read(slice(0, 1))
    count, shape = len(data), tuple(first.shape[1:]) or (1,)
    return Rows(lambda which: read(which).flatten(1), count, shape, first.device, in_memory=False)


def _sizes(shape: tuple[int, ...] | torch.Size) -> tuple[int, tuple[int, ...]]:
    return int(shape[0]), tuple(int(side) for side in shape[1:])


def _mapping(X: Any) -> np.memmap | None:
    """Return the memory-mapped array that an array is, or is a view of."""
    while X is not None and not isinstance(X, np.memmap):
        X = getattr(X, "base", None)
    return X


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
    digest : str
        SHA-256 of the points.
    """

    mean: Array
    unit: Array
    of_codes: float
    digest: str = ""

    def scaled(self, part: Tensor) -> Tensor:
        """Return points (k, D) in the unit of the networks."""
        mean, unit = (torch.as_tensor(v, device=part.device).to(_wide(part)) for v in self._both())
        return (part.to(_wide(part)) - mean) / unit

    def undone(self, part: Tensor) -> Tensor:
        """Return scaled points (k, D) as they were."""
        mean, unit = (torch.as_tensor(v, device=part.device).to(_wide(part)) for v in self._both())
        return part.to(_wide(part)) * unit + mean

    def _both(self) -> tuple[Array, Array]:
        return self.mean, self.unit


def _wide(part: Tensor) -> torch.dtype:
    return SINGLE if part.device.type == "mps" else torch.float64  # Apple's GPUs have no other


def scaling_of(rows: Rows, scale: str = "global") -> Scaling:
    """Return how to scale points, and their digest, from one pass over them.

    Raises
    ------
    InputError
        If a number is NaN or infinite, or if all points are the same.
    """
    count, mean, squares = 0, np.zeros(rows.size), np.zeros(rows.size)
    sha = hashlib.sha256(f"{rows.count} {rows.shape}".encode())
    for part in rows.parts():
        values = part.cpu().numpy()
        sha.update(values.tobytes())
        own = values.mean(0, dtype=np.float64)
        squares += ((values - own) ** 2).sum(0, dtype=np.float64)
        squares += (own - mean) ** 2 * (count * len(values) / (count + len(values)))
        count += len(values)
        mean += (own - mean) * (len(values) / count)
    variance = squares / max(1, count)
    if not variance.sum() > 0:
        raise InputError(f"the {rows.count} points are all the same: there is nothing to learn.")
    if scale == "columns":
        unit = np.sqrt(np.where(variance > 0, variance, 1) * (variance > 0).sum())
        of_codes = float(np.sqrt((variance > 0).sum()))
    else:
        of_codes = float(np.sqrt(variance.sum()))
        unit = np.full(rows.size, of_codes)
    return Scaling(mean, unit, of_codes, sha.hexdigest())


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
        """Return a tensor of all of them where that is no more than what is in memory already."""
        return self[:] if self.rows.in_memory else self
