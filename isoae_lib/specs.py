"""`RunSpec`: everything that decides the numbers of one training run, and its key."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields, replace

from isoae_lib.errors import InputError, choose

TRAINING_VERSION = 1  # raise when a change alters what training computes

METHODS = ("I-AE", "CAE", "TCAE", "RAE-GP", "DAE", "AE", "I-AE-without-L_piso")
DATA_SETS = ("s-shape", "swiss-roll", "open-sphere", "curve")
LATENT_SAMPLERS = ("gaussian", "uniform")


@dataclass(frozen=True)
class RunSpec:
    """One training run, asked for.

    Attributes
    ----------
    data, points : str, int
        Data set and number of training points.
    method : str
        One of `METHODS`, by the paper's names.
    latent, width, depth : int
        Latent size d, hidden size and number of hidden layers (5 x FC 256 in A.1.2).
    weight : float
        lambda_iso of I-AE, and the weight of CAE, TCAE and RAE-GP (decision 14).
    noise : float
        DAE's noise, as a fraction of the data's standard deviation (decision 14).
    sampler : str
        P_iso: "gaussian" or "uniform" (decision 2).
    seed : int
        Decides points, starting weights, batches and directions.
    steps, batch : int
        Optimizer steps, and points a step.
    rate : float
        Largest learning rate.
    decades : float
        How the regularizer's weight grows at first: 0 for a line from zero, otherwise
        geometrically, from so many powers of ten below `weight` (decision B).
    """

    data: str
    method: str
    seed: int = 0
    points: int = 2000
    latent: int = 2
    width: int = 256
    depth: int = 5
    weight: float = 0.01
    noise: float = 0.1
    sampler: str = "gaussian"
    steps: int = 1500
    batch: int = 128
    rate: float = 1e-3
    decades: float = 0.0

    def __post_init__(self) -> None:
        choose("data set", self.data, DATA_SETS)
        choose("method", self.method, METHODS)
        choose("latent sampler", self.sampler, LATENT_SAMPLERS)
        for name in ("points", "latent", "width", "depth", "steps", "batch", "seed"):
            value = getattr(self, name)
            low = {"points": 4, "seed": 0}.get(name, 1)
            if not isinstance(value, int) or not low <= value < 2**63:
                raise InputError(f"{name} is {value!r}: it must be a whole number, {low} or more.")
        for name in ("weight", "noise", "rate", "decades"):
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0):
                raise InputError(f"{name} is {value!r}: it must be a finite number, 0 or more.")
        ambient = 2 if self.data == "curve" else 3
        if self.latent > ambient:
            raise InputError(
                f"latent size {self.latent} is above the {ambient} dimensions of {self.data}; "
                "an isometric decoder needs d <= D."
            )

    @property
    def key(self) -> str:
        """The run's identity: 16 hexadecimal digits of the SHA-256 of its canonical JSON."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]

    def canonical(self) -> str:
        """Return `TRAINING_VERSION` and what differs from the defaults, as JSON with sorted keys.

        So a field that is added later leaves the keys of older runs as they were. A default never
        changes once runs are published.
        """
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        given["training_version"] = TRAINING_VERSION
        return json.dumps(given, sort_keys=True, separators=(",", ":"))


def change(spec: RunSpec, settings: list[str]) -> RunSpec:
    """Return `spec` with `key=value` settings applied.

    Raises
    ------
    InputError
        For an unknown key, with the close matches, or a value that does not fit.
    """
    known = asdict(spec)
    changes: dict[str, str | int | float] = {}
    for setting in settings:
        name, separator, text = setting.partition("=")
        if not separator:
            raise InputError(f"'{setting}' is no setting: write key=value, for example steps=500.")
        kind = type(known[choose("setting", name, known)])
        try:
            changes[name] = kind(text)
        except ValueError:
            raise InputError(f"{name} is '{text}': it must be of type {kind.__name__}.") from None
    return replace(spec, **changes)  # type: ignore[arg-type]
