"""Early stopping by the whole objective on points that are held out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from isoae_lib.core.early_stopping import EarlyStopping
from isoae_lib.core.methods import METHODS
from isoae_lib.core.networks import SINGLE, Autoencoder
from isoae_lib.core.objectives import objective_of
from isoae_lib.core.spec import Spec
from isoae_lib.core.training import ease_at


@dataclass
class HeldOut(EarlyStopping):
    """Keeps the weights with the least objective on the points held out, `images`.

    The regularizer has its full weight there, whatever it has in training by then, and the random
    numbers are always the same.

    Attributes
    ----------
    patience : int, optional
        Training ends after so many looks without progress, once the regularizer has its full
        weight. Without it training takes all its steps.
    losses : list of (step, loss)
        The objective at each look; there is one after every `steps` steps.
    """

    patience: int | None = None
    losses: list[tuple[int, float]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether there was no progress for too long."""
        return self.patience is not None and self.waited > self.patience

    def after_step(self, model: Autoencoder, spec: Spec, step: int) -> None:
        """After every `steps` steps, keep the weights if they are the best so far."""
        done = step + 1
        if self.images is None or (done % self.steps and done != spec.steps):
            return
        loss = self._loss(model, spec, self.images)
        self.losses.append((done, loss))
        if loss < self.error:
            self.error, self.epoch, self.waited = loss, done, 0
            self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
        elif ease_at(step, spec) == 1:
            self.waited += 1

    def _loss(self, model: Autoencoder, spec: Spec, x: Tensor) -> float:
        draws = METHODS[spec.method].draws(spec.latent, x.shape[1])
        rng = torch.Generator("cpu").manual_seed(spec.seed)
        normals = torch.randn(len(x), draws, generator=rng, dtype=SINGLE, device="cpu").to(x.device)
        training = model.training
        model.eval()
        with torch.no_grad():
            terms = objective_of(spec.method)(model, x, normals, spec, spec.weight)
        model.train(training)
        return float(sum(terms.values()))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what a checkpoint keeps: tensors by name, and numbers."""
        tensors, numbers = super().state()
        return tensors, numbers | {"losses": self.losses}
