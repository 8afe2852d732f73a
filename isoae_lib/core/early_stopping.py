"""The epoch that validation chooses (A.2.1): its weights are kept, and the rate follows it."""

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
BEST = "best."


@dataclass
class EarlyStopping:
    """What has been learned from the images set aside.

    Attributes
    ----------
    images : Tensor
        Bytes (n, D), on the model's device.
    steps : int
        Of an epoch.
    error : float
        Least mean squared error per pixel so far.
    epoch, waited : int
        The epoch that had it, and epochs since then or since the rate was last halved.
    factor : float
        Of the learning rate.
    weights : dict of Tensor
        Of the best epoch; buffers too.
    """

    images: Tensor
    steps: int
    error: float = math.inf
    epoch: int = 0
    waited: int = 0
    factor: float = 1.0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def look(self, model: Autoencoder, spec: Spec, step: int) -> None:
        """After the last step of an epoch: keep the weights if they are the best so far."""
        if (step + 1) % self.steps and step + 1 != spec.steps:
            return
        error = error_per_pixel(model, self.images)
        if error < self.error:
            self.error, self.epoch, self.waited = error, -(-(step + 1) // self.steps), 0
            self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
            return
        self.waited += 1
        if spec.schedule == "plateau" and self.waited > PATIENCE:
            self.factor, self.waited = self.factor / 2, 0

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what a checkpoint keeps: tensors by name, and the rest as JSON."""
        numbers = {k: getattr(self, k) for k in ("epoch", "waited", "factor")}
        told = numbers | {"error": self.error if math.isfinite(self.error) else None}
        return {BEST + name: tensor for name, tensor in self.weights.items()}, told

    def restore(self, tensors: dict[str, Tensor], told: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.weights = {
            name.removeprefix(BEST): tensor.to(self.images.device)
            for name, tensor in tensors.items()
            if name.startswith(BEST)
        }
        vars(self).update(told | {"error": math.inf if told["error"] is None else told["error"]})


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
