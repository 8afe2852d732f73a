"""`IsometricAutoencoder`: the training library as a transformer of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from isoae_lib.core import checkpoints, inputs
from isoae_lib.core.held_out import HeldOut
from isoae_lib.core.pairs import Modules, pair_for
from isoae_lib.core.spec import Spec
from isoae_lib.core.step import Stepper
from isoae_lib.core.training import REPORTS, device_of, take_steps
from isoae_lib.errors import InputError, choose

HELD_OUT = 2000  # points at most: as many say well enough which weights are the best
LOOKS = REPORTS  # at the points held out


class IsometricAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A map of one's own points to few dimensions, and back, that keeps lengths.

    Trains an encoder and a decoder so that the decoder bends a plane onto the data without
    stretching it, and the encoder sends each point to the closest point of that sheet: PCA for
    curved data. Distances in the plane are then distances along the data, in the data's units.

    Parameters
    ----------
    n_components : int
        The number of dimensions of the codes.
    method : str
        "I-AE", or one of its rivals, to compare: see `isoae_lib.core.methods.METHODS`.
    weight : float
        Of the method's own term, for I-AE of the two that ask for an isometry. It is set against
        the share of the variance that is not reconstructed, so it means the same for any data.
    hidden : sequence of int
        The sizes of the encoder's hidden layers. The decoder has the same in reverse.
    encoder, decoder : Module, optional
        Any two networks of PyTorch, to train instead, from the weights that they have. They take
        and give what X holds, vectors or images, with a deviation of about 1.
    steps : int
        How often the weights change.
    batch_size : int
        Points per step, drawn with replacement; all where there are fewer.
    learning_rate : float
        The largest: the rate rises at first, and falls to zero at the end.
    scale : {"global", "columns"}
        "global": all columns are divided by one number, which is undone on the way out. "columns":
        each column is divided by its deviation, which changes what distances mean: codes are in
        units of one deviation of a column.
    validation_fraction : float
        The share of the points that is held out, 2,000 at most. The weights that are best on them
        are kept. With 0 the last ones are.
    patience : int, optional
        Ends training after so many looks at these points without progress, once the regularizer
        has its full weight. There are 50 looks in a fit. Without it, all steps are taken.
    device : str
        "cpu", "cuda" or "mps"; "auto" is where a tensor X is, else the fastest that is there.
    random_state : int, RandomState or None
        Decides starting weights, batches and directions. The same seed gives the same bits.
    verbose : bool, optional
        Whether to show a progress bar. Without it, on a terminal and in notebooks.
    checkpoint : path, optional
        A file that keeps the state while training. After a kill, the same lines go on from there,
        with the same result bit for bit. It is deleted at the end of the fit.

    Attributes
    ----------
    model_ : Autoencoder
        The trained networks, on scaled points.
    scaling_ : Scaling
        How points are scaled before.
    history_ : list of dict
        The terms of the loss along the training, and of the loss on the points held out.
    n_steps_ : int
        The step whose weights were kept.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(100, 3)) * [3, 1, 0]
    >>> model = IsometricAutoencoder(hidden=(16,), steps=20, random_state=0)
    >>> model.fit_transform(points).shape
    (100, 2)
    >>> model.inverse_transform(model.transform(points)).shape
    (100, 3)
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        method: str = "I-AE",
        weight: float = 0.05,
        hidden: Sequence[int] = (256,) * 5,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        steps: int = 3000,
        batch_size: int = 200,
        learning_rate: float = 2e-3,
        scale: str = "global",
        validation_fraction: float = 0.1,
        patience: int | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: bool | None = None,
        checkpoint: str | Path | None = None,
    ) -> None:
        self.n_components = n_components
        self.method = method
        self.weight = weight
        self.hidden = hidden
        self.encoder = encoder
        self.decoder = decoder
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.scale = scale
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.checkpoint = checkpoint

    def fit(self, X: Any, y: Any = None) -> IsometricAutoencoder:
        """Train on points X (n, D): any kind of array, tensor, table or data set; y is not used.

        Raises
        ------
        InputError
            If a parameter is out of its range, or the points cannot be learnt from.
        """
        rows = self._rows(X, reset=True)
        spec = self._spec(rows)
        choose("scale", self.scale, ("global", "columns"))
        self.scaling_ = inputs.scaling_of(rows, self.scale)
        model = pair_for(spec, rows.shape, self.hidden, self._own())
        self._device = self._chosen(rows)
        held_out = self._held_out(rows.count, spec.seed)
        source = inputs.Source(rows, self.scaling_, held_out, self._device)
        stepper = Stepper([model], [source.in_memory()], [spec], compiled=False)
        seen = source.at(held_out) if len(held_out) else None
        stopping = HeldOut(seen, max(1, spec.steps // LOOKS), patience=self.patience)
        file = None if self.checkpoint is None else Path(self.checkpoint)
        identity = f"{spec.key} {self.scaling_.digest}"
        [fit] = take_steps(stepper, stopping, None, file, identity=identity)
        self.model_ = fit.model
        self.history_ = fit.history
        self.n_steps_ = fit.epoch or spec.steps
        if file is not None:
            checkpoints.clear(file)
        return self

    def transform(self, X: Any) -> Any:
        """Return the codes (n, n_components) of points X (n, D), in the data's units.

        A tensor comes back for a tensor, on its device.
        """
        check_is_fitted(self)
        return self._mapped(self._rows(X), X, self._net("encoder"), encodes=True)

    def inverse_transform(self, X: Any) -> Any:
        """Return the points (n, D) at codes X (n, n_components)."""
        check_is_fitted(self)
        return self._mapped(inputs.rows_of(X), X, self._net("decoder"), encodes=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_components

    def _rows(self, X: Any, reset: bool = False) -> inputs.Rows:
        if inputs.is_torch(X):
            return inputs.rows_of(X)
        X = validate_data(
            self, X, reset=reset, accept_sparse="csr", ensure_all_finite=False,
            ensure_min_samples=2 if reset else 1,
        )  # fmt: skip
        return inputs.rows_of(X, getattr(self, "feature_names_in_", None))

    def _spec(self, rows: inputs.Rows) -> Spec:
        seed = int(check_random_state(self.random_state).randint(2**31))
        return Spec(
            method=self.method, latent=self.n_components, weight=self.weight,
            code_weight=self.weight, steps=self.steps, batch=min(self.batch_size, rows.count),
            rate=self.learning_rate, seed=seed,
        )  # fmt: skip

    def _own(self) -> Modules | None:
        if self.encoder is None and self.decoder is None:
            return None
        if self.encoder is None or self.decoder is None:
            raise InputError("encoder and decoder belong together: give both, or neither.")
        return self.encoder, self.decoder

    def _chosen(self, rows: inputs.Rows) -> torch.device:
        if self.device != "auto" or rows.device.type != "cpu":
            return rows.device if self.device == "auto" else device_of(self.device)
        return device_of("cuda" if torch.cuda.is_available() else "cpu")

    def _held_out(self, count: int, seed: int) -> np.ndarray:
        size = min(HELD_OUT, int(self.validation_fraction * count))
        return np.random.default_rng(seed).choice(count, size, replace=False, shuffle=False)

    def _net(self, part: str) -> nn.Module:
        return deepcopy(getattr(self.model_, part)).double()

    def _mapped(self, rows: inputs.Rows, X: Any, net: nn.Module, encodes: bool) -> Any:
        parts = []
        with torch.no_grad():
            for part in rows.parts(inputs.ROWS_AT_ONCE):
                if encodes:
                    mapped = net(self.scaling_.scaled(part)) * self.scaling_.of_codes
                else:
                    mapped = self.scaling_.undone(net(part.double() / self.scaling_.of_codes))
                parts.append(mapped.to(part.dtype))
        found = torch.cat(parts)
        return found if isinstance(X, Tensor) else found.numpy()
