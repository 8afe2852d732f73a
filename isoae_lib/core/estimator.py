"""`IsometricAutoencoder`: the training library as a transformer of scikit-learn."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from isoae_lib.core import checkpoints, inputs, saved
from isoae_lib.core.bar import bar
from isoae_lib.core.faithfulness import distortion
from isoae_lib.core.held_out import HeldOut
from isoae_lib.core.networks import SINGLE, Autoencoder
from isoae_lib.core.pairs import networks_of, pair_for
from isoae_lib.core.report import SAMPLE, Report, report_on
from isoae_lib.core.scaling import Source, held_out, scaling_of
from isoae_lib.core.settings import spec_for
from isoae_lib.core.step import Stepper
from isoae_lib.core.training import REPORTS, device_of, take_steps
from isoae_lib.errors import InputError


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
    >>> import numpy as np
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
        file = None if self.checkpoint is None else Path(self.checkpoint)
        if file is not None and self.random_state is None:
            raise InputError("a checkpoint goes on only with the same seed: set random_state too.")
        rows = self._rows(X, reset=True)
        model = self._start(rows)
        unseen = held_out(rows.count, self.validation_fraction, self.spec_.seed)
        self._train(model, rows, unseen, file)
        if file is not None:
            checkpoints.clear(file)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> IsometricAutoencoder:
        """Go on training, on more points: as many steps as go once over them.

        The rate is a tenth of `learning_rate`, so that what was learnt is not lost. Points of
        before are not remembered: hand some of them in again, or the map may leave them. Where
        nothing was fitted before, these points decide the scale.

        Raises
        ------
        InputError
            As in `fit`.
        """
        first = not hasattr(self, "model_")
        rows = self._rows(X, reset=first)
        model = self._start(rows) if first else deepcopy(self.model_)
        spec = spec_for(self, rows, anew=first)
        steps = -(-rows.count // spec.batch)
        self.spec_ = replace(spec, schedule="constant", rate=spec.rate / 10, steps=steps)
        self._train(model, rows, held_out(rows.count, 0, 0))
        return self

    def transform(self, X: Any) -> Any:
        """Return the codes (n, n_components) of points X (n, D), in the data's units.

        A tensor comes back for a tensor, on its device.
        """
        codes = self._mapped(X, lambda model, x: model.encoder(x) * self.scaling_.of_codes)
        return self._as_it_came(codes, X)

    def inverse_transform(self, X: Any) -> Any:
        """Return the points (n, D) at codes X (n, n_components)."""
        check_is_fitted(self)
        rows = inputs.rows_of(X if inputs.is_torch(X) else check_array(X, ensure_all_finite=False))
        if rows.size != self.spec_.latent:
            raise InputError(f"codes have {self.spec_.latent} columns here, and not {rows.size}.")
        codes, scaling = self.scaling_.for_codes(), self.scaling_
        found = self._each(rows, codes.scaled, lambda model, z: scaling.undone(model.decoder(z)))
        return self._as_it_came(found, X, self.shape_)

    def reconstruct(self, X: Any) -> Any:
        """Return, for points X (n, D), the points (n, D) of the sheet that they are sent to."""
        found = self._mapped(X, lambda model, x: self.scaling_.undone(model(x)))
        return self._as_it_came(found, X, self.shape_)

    def distance_to_manifold(self, X: Any) -> Any:
        """Return the distances (n,) of points X (n, D) from where `reconstruct` sends them.

        In the unit of the codes. Points that are unlike those of the fit are far away.
        """
        return self._as_it_came(self._lost(X).sqrt() * self.scaling_.of_codes, X)

    def score(self, X: Any, y: Any = None) -> float:
        """Return how well points X (n, D) are reconstructed at right lengths: 0 at best, else less.

        It is minus the share of variance that is lost, minus the mean squares of `sigma - 1` over
        the singular values of the differentials of decoder and encoder. A small weight leaves
        lengths wrong, a large one the reconstruction. So a search over `weight` finds one between.
        """
        return -float(self._lost(X).mean()) - distortion(*self._sample(X))

    def diagnose(self, X: Any) -> Report:
        """Return what can be said of this map at points X (n, D): it prints, and it plots."""
        model, points = self._sample(X)
        return report_on(model, points, self.scaling_.of_codes)

    def save(self, folder: str | Path) -> Path:
        """Write the fitted model as JSON and safetensors, without any of the points.

        Raises
        ------
        InputError
            If it cannot be written, or the folder holds something else.
        """
        check_is_fitted(self)
        return saved.write(self, Path(folder))

    @classmethod
    def load(
        cls,
        folder: str | Path,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
    ) -> IsometricAutoencoder:
        """Return the model that `save` wrote; networks of one's own are handed in again.

        Raises
        ------
        InputError
            If the folder has no model, or the networks are not those of the model.
        """
        return saved.read(cls, Path(folder), encoder, decoder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.spec_.latent

    def _rows(self, X: Any, reset: bool = False) -> inputs.Rows:
        """Return points as rows, checked against those of the fit unless this is one."""
        if not reset:
            check_is_fitted(self)
        rows = inputs.validated(self, X, reset)
        if reset:
            self.shape_ = rows.shape
        return rows

    def _start(self, rows: inputs.Rows) -> Autoencoder:
        """Return untrained networks; what was fitted before is gone."""
        self.spec_ = spec_for(self, rows, anew=True)
        self.scaling_ = scaling_of(rows, self.scale)
        self.history_: list[dict[str, float]] = []
        self._state: dict[str, dict[str, Tensor]] = {}  # what steps change, by kind of device
        return pair_for(self.spec_, rows.shape, self.hidden, networks_of(self))

    @torch.inference_mode(False)  # whatever the caller's mode is, training needs gradients
    def _train(
        self,
        model: Autoencoder,
        rows: inputs.Rows,
        unseen: NDArray,
        checkpoint: Path | None = None,
    ) -> None:
        spec, device = self.spec_, self._device(rows)
        source = Source(rows, self.scaling_, unseen, device)
        compiled = None if self.encoder is None else False
        stepper = Stepper([model], [source.in_memory()], [spec], compiled)
        if device.type in self._state:
            stepper.restore(self._state[device.type])
        seen = source.at(unseen) if len(unseen) else None
        stopping = HeldOut(seen, max(1, spec.steps // REPORTS), patience=self.patience)
        identity = ""
        if checkpoint is not None:
            own = f"{model} {self.scale} {rows.digest()} {len(unseen)} {self.patience}"
            identity = f"{spec.key} {hashlib.sha256(own.encode()).hexdigest()} {device.type}"
        progress = bar(spec.steps, self.verbose)
        [fit] = take_steps(stepper, stopping, progress, checkpoint, identity=identity)
        if fit.status == "diverged":
            warnings.warn(
                f"the loss was not finite any more from step {fit.diverged_at} on: try a smaller "
                "learning_rate.", ConvergenceWarning, stacklevel=3,
            )  # fmt: skip
        before = self.history_[-1]["step"] if self.history_ else 0
        losses = {float(step): {"held_out": loss} for step, loss in stopping.losses}
        for row in fit.history:
            self.history_.append(row | losses.get(row["step"], {}) | {"step": before + row["step"]})
        self.n_steps_ = int(before) + (fit.epoch or spec.steps)
        self.model_: Autoencoder = fit.model
        self._state = {device.type: stepper.state()}

    def _device(self, rows: inputs.Rows) -> torch.device:
        if self.device != "auto":
            return device_of(self.device)
        here = rows.device.type == "cpu" and torch.cuda.is_available()
        return torch.device("cuda") if here else rows.device

    def _mapped(self, X: Any, function: Callable[[Autoencoder, Tensor], Tensor]) -> Tensor:
        rows = self._rows(X)
        return self._each(rows, self.scaling_.scaled, function)

    def _lost(self, X: Any) -> Tensor:
        return self._mapped(X, lambda model, x: (model(x) - x).square().sum(1))

    def _each(
        self,
        rows: inputs.Rows,
        prepare: Callable[[Tensor], Tensor],
        function: Callable[[Autoencoder, Tensor], Tensor],
    ) -> Tensor:
        """Return what a function of the networks makes of rows, in their precision and place."""
        device = self._device(rows)
        precision = SINGLE if self.encoder is not None or device.type == "mps" else torch.float64
        model = deepcopy(self.model_).to(device, precision)
        found = []
        with torch.no_grad():
            for part in rows.parts(inputs.at_once(rows.size)):
                kind = part.dtype if part.is_floating_point() else precision
                mapped = function(model, prepare(part).to(device, precision))
                found.append(mapped.to(rows.device, kind))
        return torch.cat(found)

    def _as_it_came(self, found: Tensor, X: Any, shape: tuple[int, ...] | None = None) -> Any:
        found = found if shape is None else found.reshape(-1, *shape)
        return found if isinstance(X, Tensor) else found.numpy()

    def _sample(self, X: Any) -> tuple[Autoencoder, NDArray]:
        """Return the networks, and scaled points from all over X, to look at."""
        some = self._rows(X).some(SAMPLE)
        points = self.scaling_.scaled(some).cpu().double().numpy()
        single = self.encoder is not None
        return deepcopy(self.model_).to(SINGLE if single else torch.float64), points
