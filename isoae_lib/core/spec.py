"""`Spec`: the settings that decide a fit, besides its data, and the key made from them."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, fields

from isoae_lib.core.methods import METHODS
from isoae_lib.core.notation import ARCHITECTURES
from isoae_lib.errors import InputError, choose

TRAINING_VERSION = 2  # raise when a change alters what training computes

TABLE_6 = ("MNIST-CNN", "CIFAR-10-CNN", "CelebA-CNN")
NETWORKS = ("MLP", *ARCHITECTURES)
LATENT_SAMPLERS = ("gaussian", "uniform")
CHOICES = {
    "method": METHODS,
    "sampler": LATENT_SAMPLERS,
    "network": NETWORKS,
    "reduction": ("sum", "mean"),
    "schedule": ("eased", "constant", "plateau"),
    "batches": ("drawn", "whole"),
    "statistics": ("data", "probes", "both"),
}
WHOLE = {"latent": 1, "width": 1, "depth": 1, "steps": 1, "batch": 1, "seed": 0, "validation": 0}
NUMBERS = ("weight", "code_weight", "noise", "rate", "decades", "width_factor", "beta2")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """The settings of one fit.

    Attributes
    ----------
    method : str
        One of `METHODS`, by the paper's names.
    seed : int
        Decides starting weights, batches and directions.
    latent, width, depth : int
        Latent size d; hidden size and number of hidden layers of the network "MLP" (5 x FC 256 in
        A.1.2).
    weight : float
        lambda_iso of I-AE, and the weight of another method's own term (decision 14).
    code_weight : float
        beta, the weight of `E |z|^2 / d` in RAE-SN and RAE-L2.
    noise : float
        DAE's noise (decision 14), in units of the data's standard deviation; for images, of the
        pixel range.
    sampler : str
        P_iso: "gaussian" or "uniform" (decision 2).
    steps, batch : int
        Optimizer steps, and points per step.
    rate : float
        The largest learning rate.
    decades : float
        How the regularizer's weight grows at first: 0 for linearly from zero, otherwise
        geometrically, from that many powers of ten below `weight` (decision B).
    network : str
        "MLP" of A.1.2, or one of Tables 4 and 6.
    width_factor : float
        Channels of the networks of Tables 4 and 6, in units of the printed ones.
    reduction : str
        L_rec as a "sum" over coordinates or their "mean" (decision 1).
    schedule : str
        "eased": the rate rises, stays and falls, the weight grows (decision B); "constant": both
        as printed throughout (decision 12); "plateau": the rate is halved when `validation` does
        not improve (decision 13).
    statistics : str
        What BatchNorm in the decoder normalises sampled latents by: the batch of "data" or the
        "probes" themselves; with "both" the running statistics follow the probes, too (decision 4).
    validation : int
        Number of points set aside; the weights of the epoch that reconstructs them best are kept.
        0 for none.
    batches : str
        "drawn": the points of a step are drawn with replacement; "whole": every step takes every
        point once, and `batch` is the number of points (decision B).
    beta2 : float
        Adam's decay rate of squared gradients (decision B); its authors' 0.999 unless set.

    Raises
    ------
    InputError
        If a setting is unknown or out of its range.

    Examples
    --------
    The key is the same as long as the settings are the same:

    >>> spec = Spec(method="I-AE", steps=500)
    >>> spec.key == Spec(method="I-AE", steps=500, batch=128).key
    True
    >>> spec.key == Spec(method="I-AE", steps=501).key
    False
    """

    method: str
    seed: int = 0
    latent: int = 2
    width: int = 256
    depth: int = 5
    weight: float = 0.01
    code_weight: float = 0.0
    noise: float = 0.1
    sampler: str = "gaussian"
    steps: int = 1500
    batch: int = 128
    rate: float = 1e-3
    decades: float = 0.0
    network: str = "MLP"
    width_factor: float = 1.0
    reduction: str = "sum"
    schedule: str = "eased"
    statistics: str = "data"
    validation: int = 0
    beta2: float = 0.999
    batches: str = "drawn"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            choose(name, getattr(self, name), known)
        for name, least in WHOLE.items():
            self.check_whole(name, least)
        for name in NUMBERS:
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0):
                raise InputError(f"{name} is {value!r}: it must be a finite number, 0 or more.")
        if self.beta2 >= 1:
            raise InputError(f"beta2 is {self.beta2}: it must be below 1, or Adam never forgets.")
        if self.schedule == "plateau" and not self.validation:
            raise InputError("schedule 'plateau' needs images set aside: set validation as well.")
        if self.network != "MLP" and self.batch < 2:
            raise InputError("batch is 1: BatchNorm needs at least 2 images per step.")

    def check_whole(self, name: str, least: int) -> None:
        """Raise an InputError unless a field is a whole number, `least` or more."""
        value = getattr(self, name)
        if not isinstance(value, int) or not least <= value < 2**63:
            raise InputError(f"{name} is {value!r}: it must be a whole number, {least} or more.")

    @property
    def of_images(self) -> bool:
        """Whether the data are images, so that noise is in units of the pixel range."""
        return False

    @property
    def key(self) -> str:
        """The run's identity, 16 hexadecimal digits of the SHA-256 of `canonical()`."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]

    def canonical(self) -> str:
        """Return the versions and what differs from the defaults, as JSON with sorted keys.

        So a field that is added later leaves the keys of older runs as they were, and a default
        must never change once runs are published. The method's version counts from its second on.
        """
        version = METHODS[self.method].version
        versions = {"training_version": TRAINING_VERSION}
        if version > 1:
            versions["method_version"] = version
        return json.dumps(self.changed() | versions, sort_keys=True, separators=(",", ":"))

    def changed(self) -> dict[str, str | int | float]:
        """Return the settings that differ from the defaults, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
