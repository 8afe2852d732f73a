"""The parameters of `IsometricAutoencoder` as a `Spec`, checked under the names that they have."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from isoae_lib.core.inputs import Rows
from isoae_lib.core.spec import Spec
from isoae_lib.errors import InputError

NAMES = {"batch": "batch_size", "rate": "learning_rate", "latent": "n_components"}


def spec_for(estimator: Any, rows: Rows, anew: bool) -> Spec:
    """Return what decides a fit of these rows, which goes on with one before it unless `anew`.

    Raises
    ------
    InputError
        If a parameter is out of its range, or does not fit the points.
    """
    widths = tuple(map(_plain, estimator.hidden))
    if not all(isinstance(width, int) and width > 0 for width in widths):
        raise InputError(f"hidden is {estimator.hidden!r}: it must be whole numbers, 1 or more.")
    patience = _plain(estimator.patience)
    if patience is not None and not (isinstance(patience, int) and patience >= 0):
        raise InputError(f"patience is {patience!r}: it must be a whole number or None.")
    weight = _plain(estimator.weight)
    settings: dict[str, Any] = {
        "latent": estimator.n_components, "steps": estimator.steps,
        "batch": estimator.batch_size, "rate": estimator.learning_rate,
    }  # fmt: skip
    try:
        spec = Spec(
            method=estimator.method, weight=weight, code_weight=weight,
            width=max(widths, default=1), depth=max(1, len(widths)),
            seed=int(check_random_state(estimator.random_state).randint(2**31 - 1)),
            **{name: _plain(value) for name, value in settings.items()},
        )  # fmt: skip
    except InputError as error:
        named = re.sub(rf"^({'|'.join(NAMES)})\b", lambda word: NAMES[word[0]], str(error))
        raise InputError(named) from None
    if spec.latent > rows.size:
        raise InputError(
            f"n_components is {spec.latent}, more than the columns of the points "
            f"(n_features = {rows.size}): ask for fewer."
        )
    if anew and spec.latent >= rows.count:
        raise InputError(
            f"n_samples = {rows.count} points are too few for {spec.latent} dimensions: give more."
        )
    return replace(spec, batch=min(spec.batch, rows.count))


def _plain(value: Any) -> Any:
    """Return a number of NumPy as Python's."""
    return value.item() if isinstance(value, np.generic) else value
