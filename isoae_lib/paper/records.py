"""A record: one trained run on disk, sealed, whole or absent."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import platform
import resource
import sys
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from isoae_lib import files
from isoae_lib.core import training
from isoae_lib.core.architectures import untrained
from isoae_lib.core.arrays import Array
from isoae_lib.core.networks import Autoencoder
from isoae_lib.core.notation import ARCHITECTURES
from isoae_lib.core.spec import TRAINING_VERSION
from isoae_lib.errors import InputError
from isoae_lib.paper import machine
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import charts, distortion, geodesics, measures
from isoae_lib.paper.provenance import MEASURING, TRAINING, code_digest, commit
from isoae_lib.paper.specs import RunSpec

NAMED = ("data", "method", "seed")  # what a run's first words say of its spec
# What figures draw; images of Table 7's first published runs are under the second name.
FIGURES = ("figures.npz", "pictures.npz")
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Run:
    """What came out of one training run.

    Attributes
    ----------
    spec : RunSpec
        What was asked.
    record : dict
        The content of `run.json`: status, losses, metrics, seconds, versions and the rest.
    codes, labels : array
        Latent codes (n, d) of the training data, and the classes (n,) of images; of a published
        record, of the first `PUBLISHED_CODES` images.
    history : list of dict
        Step and loss terms.
    folder : Path
        Where the record lies.
    """

    spec: RunSpec
    record: dict[str, Any]
    codes: Array
    labels: NDArray
    history: list[dict[str, float]]
    folder: Path

    @cached_property
    def data(self) -> Data:
        """The data that the run was asked to learn."""
        return Data(self.spec)

    @property
    def points(self) -> NDArray:
        """Training data (n, D); images are bytes."""
        return self.data.points

    @property
    def has_data(self) -> bool:
        """Whether the data that the run learned are on this machine."""
        try:
            return self.data.digest == self.record["data"]["sha256"]
        except InputError:
            return False

    @property
    def chart(self) -> NDArray:
        """Chart coordinates (n, 2) of the points of a surface."""
        return self.data.truth

    @property
    def own_chart(self) -> NDArray:
        """The same in the surface's own units, whatever size the points have."""
        return self.chart / self.spec.size

    @cached_property
    def beside_chart(self) -> dict[str, float]:
        """The numbers of `charts.beside_chart`, of a run on a surface; empty for others."""
        if self.spec.data not in SURFACES:
            return {}
        return charts.beside_chart(self.codes, self.chart)

    @cached_property
    def kept_distances(self) -> dict[str, float]:
        """The numbers of `geodesics.surface_numbers`, of a run on a surface; empty for others."""
        if self.spec.data not in SURFACES:
            return {}
        return geodesics.surface_numbers(self.codes, self.own_chart, self.spec.data)

    @cached_property
    def singular_values(self) -> Array:
        """Singular values (n, 2) of df at the codes, the larger first, of a run on a surface.

        Where the record keeps none, they are estimated from the codes, as for Tissot's ellipses.
        """
        if "singular_values" in self.figures:
            return self.figure("singular_values").astype(float)
        K = distortion.embedding_differentials(self.codes, self.chart, self.spec.surface)
        inverse = np.linalg.svd(K, compute_uv=False)[:, ::-1]
        return 1 / np.maximum(inverse, np.finfo(float).tiny)

    @cached_property
    def figures(self) -> dict[str, NDArray]:
        """The arrays of `measures.measure` that figures draw, by name.

        Published records of further seeds have none, and older ones only the images of Table 7.
        """
        found: dict[str, NDArray] = {}
        for file in {*FIGURES} & {*self.record["files"]}:
            with np.load(self.folder / file) as arrays:
                found |= arrays
        return found

    def figure(self, name: str) -> NDArray:
        """Return one array that a figure draws, like "decoded_surface".

        Raises
        ------
        InputError
            If the record does not keep it.
        """
        if name in self.figures:
            return self.figures[name]
        finished = self.record["status"] == "finished"
        why = "train the run again" if finished else "its run diverged"
        raise InputError(f"the record {self.folder} keeps no {name}: {why}.")

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers of `measures.measure`, by name; empty for a diverged run."""
        return self.record["metrics"]

    @property
    def codes_checksum(self) -> str:
        """The sha256 of the file with the codes."""
        return self.record["files"]["embedding.npz"]

    @property
    def weights_checksum(self) -> str:
        """The sha256 of the trained weights, also where a published record comes without them."""
        return self.record.get("weights") or self.record["files"][WEIGHTS]

    @property
    def has_weights(self) -> bool:
        """Whether the record keeps the trained networks."""
        return (self.folder / WEIGHTS).is_file()

    @property
    def model(self) -> Autoencoder:
        """The trained networks, in evaluation mode; of published records, few have them.

        Networks of images need no image to be built.
        """
        if not self.has_weights:
            raise InputError(f"the record {self.folder} has no weights: train the run again.")
        plan = ARCHITECTURES.get(self.spec.network)
        points = np.empty((0, math.prod(plan.shape))) if plan else self.points
        model = untrained(self.spec, points)
        model.load_state_dict(safetensors.torch.load_file(self.folder / WEIGHTS))
        return model.eval()

    def __repr__(self) -> str:
        spec = self.spec
        rest = {name: v for name, v in spec.changed().items() if name not in NAMED}
        return (
            f"Run {spec.key}: {spec.method} on {spec.data}, seed {spec.seed}, "
            f"{self.record['preset']}, {self.record['status']}; "
            + " ".join(f"{name}={value}" for name, value in rest.items())
        )


def read(folder: Path) -> Run:
    """Read one record.

    Raises
    ------
    InputError
        If a file of it is missing, or differs from what was written.
    """
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if record.pop("seal") != _seal(record):
            raise ValueError("the checksum of run.json differs")
        for name, digest in record["files"].items():
            if checksum(folder / name) != digest:
                raise ValueError(f"the checksum of {name} differs")
        spec = RunSpec(**record["spec"])
        with np.load(folder / "embedding.npz") as arrays:
            codes = arrays["codes"].astype(np.float64)
            labels = arrays["labels"]
        with (folder / "history.csv").open(encoding="utf-8") as lines:
            history = [
                {name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)
            ]
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the record {folder} is damaged ({error}).") from None
    return Run(spec, record, codes, labels, history, folder)


def _peak_memory() -> int:
    """Return the most bytes that this process has held; macOS counts bytes, Linux KiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def checksum(file: Path) -> str:
    """Return the sha256 of a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _seal(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def sealed(record: dict[str, Any]) -> str:
    """Return the text of `run.json`: the record and its checksum."""
    return json.dumps(record | {"seal": _seal(record)}, indent=1) + "\n"


def training_facts(preset: str, device: str, fit: training.Fit) -> dict[str, Any]:
    """Return what a record says about the training."""
    return {
        "preset": preset,
        "status": fit.status,
        "diverged_at": fit.diverged_at,
        "epoch": fit.epoch,
        "seconds": round(fit.seconds, 2),
        "peak_memory_bytes": _peak_memory(),
        "device": training.hardware(device),
        "processor": machine.processor(),
        "engine": fit.engine,
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "training": TRAINING_VERSION,
        },
        "commit": commit(),
        "code": code_digest(*TRAINING),
    }


def write(
    store: Path,
    data: Data,
    facts: dict[str, Any],
    model: Autoencoder,
    history: list[dict[str, float]],
) -> None:
    """Measure a trained autoencoder and write its record, whole or not at all.

    A record of other code, or a damaged one, stays beside it under a hidden name.

    Parameters
    ----------
    facts : dict
        Those of the training. Of a record that is measured again, all that it says.
    """
    measured = measures.measure(data, model, facts["status"], store)
    record = {
        "key": data.spec.key,
        "spec": asdict(data.spec),
        **facts,
        "status": measured.status,
        "losses": measured.losses,
        "metrics": measured.metrics,
        "measured_by": code_digest(*MEASURING),
        "data": {"sha256": measured.data, "official": data.official},
    }
    with files.whole_folder(store / data.spec.key, keep=True) as aside:
        with (aside / "history.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(history[0]) if history else ["step"])
            writer.writeheader()
            writer.writerows(history)
        save_codes(aside, measured.codes.astype(np.float32), measured.labels)
        if measured.figures:
            np.savez_compressed(aside / FIGURES[0], **measured.figures)  # type: ignore[arg-type]
        save_weights(aside, model)
        record["files"] = {file.name: checksum(file) for file in sorted(aside.iterdir())}
        (aside / "run.json").write_text(sealed(record), encoding="utf-8")


def save_codes(folder: Path, codes: NDArray, labels: NDArray) -> None:
    """Write latent codes (n, d) and classes (n,) into a record's folder."""
    np.savez_compressed(folder / "embedding.npz", codes=codes, labels=labels)


def save_weights(folder: Path, model: Autoencoder) -> None:
    """Write trained networks into a record's folder, in the precision that they have."""
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(tensors))
