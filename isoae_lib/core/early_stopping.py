"""Early stopping (A.2.1): the weights of the epoch that reconstructs best are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from isoae_lib.core.networks import Autoencoder, floats
from isoae_lib.core.spec import Spec

PATIENCE = 5  # epochs without progress after which the rate is halved (decision 13)
AT_ONCE = 500  # images through the networks together
BEST = "best."  # begins the names of the kept weights in a checkpoint


@dataclass
class EarlyStopping:
    """The best epoch so far, and the factor of the learning rate that follows from it.

    Attributes
    ----------
    images : Tensor, optional
        The images set aside: bytes (n, D), on the model's device. Without them nothing is kept,
        and the rate stays.
    steps : int
        Steps per epoch.
    error : float
        The least mean squared error per pixel so far.
    epoch, waited : int
        The epoch that had it, and the epochs since then or since the rate was last halved.
    factor : float
        What the learning rate is multiplied by.
    weights : dict of Tensor
        Weights and buffers of the best epoch.
    """

    images: Tensor | None
    steps: int
    error: float = math.inf
    epoch: int = 0
    waited: int = 0
    factor: float = 1.0
    weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether training ends before its last step; here it never does."""
        return False

    def after_step(self, model: Autoencoder, spec: Spec, step: int) -> None:
        """At the end of an epoch, keep the weights if they are the best so far."""
        done = step + 1
        if self.images is None or (done % self.steps and done != spec.steps):
            return
        error = error_per_pixel(model, self.images)
        if error < self.error:
            self.error, self.epoch, self.waited = error, -(-done // self.steps), 0
            self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
            return
        self.waited += 1
        if spec.schedule == "plateau" and self.waited > PATIENCE:
            self.factor, self.waited = self.factor / 2, 0

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what a checkpoint keeps: tensors by name, and numbers."""
        numbers = {name: getattr(self, name) for name in ("error", "epoch", "waited", "factor")}
        return {BEST + name: tensor for name, tensor in self.weights.items()}, numbers

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Go back to what `state` returned; tensors of other names are left out."""
        vars(self).update(numbers)
        if self.images is not None:
            self.weights = {
                name.removeprefix(BEST): tensor.to(self.images.device)
                for name, tensor in tensors.items()
                if name.startswith(BEST)
            }


def error_per_pixel(model: Autoencoder, images: Tensor) -> float:
    """Return the mean squared error per pixel of reconstructions, in evaluation mode."""
    training = model.training
    model.eval()
    with torch.no_grad():
        total = sum(
            float((model(floats(part)) - floats(part)).square().sum())
            for part in images.split(AT_ONCE)
        )
    model.train(training)
    return total / images.numel()
