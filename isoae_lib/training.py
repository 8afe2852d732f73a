"""One fit: a spec in, a trained autoencoder and its history out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from isoae_lib import isometry
from isoae_lib.curves import curve
from isoae_lib.errors import InputError
from isoae_lib.networks import Autoencoder, fully_connected
from isoae_lib.penalties import OBJECTIVES, Terms
from isoae_lib.specs import RunSpec
from isoae_lib.surfaces import SURFACES, Array

# SoftPlus(beta = 100) makes subnormal numbers, on which a CPU is ten times slower. The flag is
# per thread; threads started later inherit it.
torch.set_flush_denormal(True)

WARM_UP = 100  # steps; Adam's first steps are otherwise too bold for the slope of SoftPlus
DECAY = 0.3  # the last part of training, in which the learning rate falls to zero
EASE = 0.5  # the first part of training, in which the regularizer's weight grows
REPORTS = 50  # rows of the history
Progress = Callable[[int, dict[str, float]], None]


@dataclass
class Fit:
    """What a fit leaves behind.

    Attributes
    ----------
    model : Autoencoder
        In evaluation mode, on the CPU.
    status : str
        "finished", or "diverged" when a loss left the finite range.
    history : list of dict
        Step and loss terms at about `REPORTS` moments.
    seconds : float
        Wall-clock time of the steps.
    """

    model: Autoencoder
    status: str
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


def training_data(spec: RunSpec) -> tuple[Array, Array]:
    """Return the run's points (n, D) and their chart coordinates, decided by the spec alone."""
    if spec.data in SURFACES:
        return SURFACES[spec.data].sample(spec.points, spec.seed)
    return curve(spec.points)


def build(spec: RunSpec) -> Autoencoder:
    """Return the run's untrained networks."""
    ambient = 2 if spec.data == "curve" else 3
    return fully_connected(
        ambient,
        spec.latent,
        width=spec.width,
        depth=spec.depth,
        tied=spec.method == "TCAE",
        unit=float(training_data(spec)[0].std(axis=0).mean()),
        seed=spec.seed,
    )


def device_of(name: str) -> torch.device:
    """Return the torch device called `name`.

    Raises
    ------
    InputError
        If this machine does not have it.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        known = "cpu, cuda" if torch.cuda.is_available() else "cpu"
        raise InputError(f"device '{name}' is not on this machine; it has: {known}.") from None
    return device


def rate_at(step: int, spec: RunSpec) -> float:
    """Learning rate of a step: a warm-up, then constant, then in a line down to zero."""
    done = step / spec.steps
    warm_up = min(WARM_UP, spec.steps // 10)
    return spec.rate * min(1.0, (step + 1) / (warm_up + 1), (1 - done) / DECAY)


def weight_at(step: int, spec: RunSpec) -> float:
    """Weight lambda of a step: from zero to `spec.weight`, in a line, over the first `EASE`.

    An autoencoder held to an isometry from the start cannot unfold: it would have to stretch on
    the way. First the data are unfolded, then the map is flattened (decision 12).
    """
    return spec.weight * min(1.0, step / (EASE * spec.steps))


def fit(spec: RunSpec, device: str = "cpu", progress: Progress | None = None) -> Fit:
    """Train one autoencoder by minimising its method's objective with Adam.

    Parameters
    ----------
    spec : RunSpec
        Decides the result, on one kind of machine, to the last bit.
    device : str
        Where the data and the networks live: "cpu" or "cuda".
    progress : callable, optional
        Called about `REPORTS` times with the step and the loss terms.

    Raises
    ------
    InputError
        If the device is not there.
    """
    place = device_of(device)
    x = torch.as_tensor(training_data(spec)[0], dtype=torch.float32, device=place)
    model = build(spec).to(place)
    rng = torch.Generator(place).manual_seed(spec.seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=spec.rate, fused=True)
    result = Fit(model, "finished")
    started = time.perf_counter()
    for step in range(spec.steps):
        batch = x[torch.randint(len(x), (spec.batch,), generator=rng, device=place)]
        terms = OBJECTIVES[spec.method](model, batch, spec, weight_at(step, spec), rng)
        _descend(optimizer, terms, rate_at(step, spec))
        if _is_report(step, spec.steps):
            row = {"step": float(step + 1)} | {name: term.item() for name, term in terms.items()}
            if not all(map(math.isfinite, row.values())):
                result.status = "diverged"
                break
            result.history.append(row)
            if progress:
                progress(step + 1, row)
    result.seconds = time.perf_counter() - started
    result.model = model.cpu().eval()
    return result


def _descend(optimizer: torch.optim.Optimizer, terms: Terms, rate: float) -> None:
    optimizer.param_groups[0]["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss: Tensor = torch.stack(list(terms.values())).sum()
    loss.backward()
    optimizer.step()


def _is_report(step: int, steps: int) -> bool:
    """About `REPORTS` steps, evenly spread, the last among them."""
    return (step + 1) % max(1, steps // REPORTS) == 0 or step + 1 == steps


def losses_of(model: Autoencoder, x: Array) -> dict[str, float]:
    """Return L_rec over all points, and L_iso and L_piso averaged over 8 directions each.

    L_iso is taken at latents drawn from P_iso, as in training, in double precision.
    """
    twin = model.double()
    with torch.no_grad():
        points = torch.as_tensor(np.repeat(x, 8, axis=0))
        rng = torch.Generator().manual_seed(0)
        codes = twin.encoder(points)
        d = codes.shape[1]
        z = isometry.sample_latents(codes, "gaussian", rng)
        u = isometry.unit_vectors(len(points), d, points, rng)
        values = {
            "L_rec": isometry.L_rec(points, twin.decoder(codes)),
            "L_iso": isometry.L_iso(twin.decoder, z, u),
            "L_piso": isometry.L_piso(twin.encoder, points, u),
        }
    model.float()
    return {name: round(float(value), 8) for name, value in values.items()}
