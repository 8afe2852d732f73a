"""One's own points, from wherever they are: read and checked a few rows at a time.

An array in memory, a tensor on its device, a sparse matrix, a file larger than memory and PyTorch's
data sets all become `Rows`.
"""

from __future__ import annotations

import hashlib
import math
import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import validate_data
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from isoae_lib.core import diagnostics
from isoae_lib.errors import InputError

NUMBERS_AT_ONCE = 2_000_000  # read together: 16 MB in double precision
# Rows of a file that are read together. Linux takes in up to 2 MB around each, and counts it.
SCATTERED = 16
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

    def digest(self) -> str:
        """Return the SHA-256 of all points, by which a checkpoint recognises them."""
        sha = hashlib.sha256(f"{self.count} {self.shape}".encode())
        for part in self.parts():
            sha.update(part.cpu().numpy().tobytes())
        return sha.hexdigest()

    def some(self, most: int) -> Tensor:
        """Return points spread evenly over all, `most` of them where there are more."""
        index = np.linspace(0, self.count - 1, min(most, self.count)).astype(np.int64)
        part = self.read(index)
        self.check(part, index)
        return part

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
            self.check(part, range(start, self.count))
            yield part

    def check(self, part: Tensor, index: Sequence[int] | NDArray[np.int64]) -> None:
        """Raise an InputError if a number of these rows is NaN or infinite."""
        if part.is_floating_point() and not bool(torch.isfinite(part).all()):
            row, column = torch.nonzero(~torch.isfinite(part))[0].tolist()
            name = column if self.names is None else f"'{self.names[column]}'"
            raise InputError(
                f"row {index[row]} of the points holds a NaN or an infinity, first in column "
                f"{name}: leave such rows out, or fill them in."
            )


def at_once(size: int) -> int:
    """Return how many points of `size` numbers go through a network together."""
    return max(1, min(diagnostics.AT_ONCE, diagnostics.NUMBERS_AT_ONCE // size))


def is_torch(X: Any) -> bool:
    """Whether X comes from PyTorch: a tensor, a data set or a loader of one."""
    return isinstance(X, (Tensor, DataLoader, Dataset))


def validated(estimator: Any, X: Any, reset: bool) -> Rows:
    """Return X as rows, checked by scikit-learn's conventions.

    Parameters
    ----------
    estimator : BaseEstimator
        It learns the number and the names of the columns, or knows them.
    reset : bool
        Whether this is a fit, by which it learns them.

    Raises
    ------
    InputError, ValueError, TypeError
        If X does not hold numbers in rows, or not in as many columns as at the fit.
    """
    if is_torch(X):
        rows = rows_of(X)
        if reset:
            vars(estimator).pop("feature_names_in_", None)
            estimator.n_features_in_ = rows.size
        elif rows.size != estimator.n_features_in_:
            raise InputError(
                f"X has {rows.size} features, but {type(estimator).__name__} is expecting "
                f"{estimator.n_features_in_} features as input."
            )
        return rows
    shape = np.shape(X)[1:] if isinstance(X, np.ndarray) and X.ndim > 2 else None
    X = validate_data(
        estimator, X if shape is None else X.reshape(len(X), -1), reset=reset,
        accept_sparse="csr", ensure_all_finite=False, ensure_min_samples=2 if reset else 1,
    )  # fmt: skip
    rows = rows_of(X, getattr(estimator, "feature_names_in_", None))
    return rows if shape is None else replace(rows, shape=shape)


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

    def copied(which: Which) -> NDArray:
        part = np.array(X[which], dtype=kind, order="C").reshape(-1, math.prod(shape))
        if file is not None:  # pages that were read may go, or they would count as ours
            file.madvise(mmap.MADV_DONTNEED)
        return part

    def read(which: Which) -> Tensor:
        if file is None or isinstance(which, slice):
            return torch.from_numpy(copied(which))
        few = np.array_split(which, 1 + len(which) // SCATTERED)
        return torch.from_numpy(np.concatenate([copied(part) for part in few]))

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
