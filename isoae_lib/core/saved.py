"""Fitted models on disk: JSON and safetensors, no pickle, and none of the points."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from isoae_lib import files
from isoae_lib.core.pairs import pair_for
from isoae_lib.core.scaling import Scaling
from isoae_lib.core.spec import Spec
from isoae_lib.errors import InputError

FORMAT = 1
MODEL, WEIGHTS = "model.json", "weights.safetensors"
NETWORKS = ("encoder", "decoder")  # parameters that are not kept: networks of one's own
LEFT_OUT = (*NETWORKS, "checkpoint", "random_state")


def check_place(folder: Path) -> None:
    """Raise an InputError if a folder is there that holds no model, so must not be replaced."""
    if folder.exists() and not (folder / MODEL).is_file():
        raise InputError(f"{folder} is there already and is no model: choose another folder.")


def write(fitted: Any, folder: Path) -> Path:
    """Write a fitted estimator into a folder, whole or not at all; return the folder.

    Raises
    ------
    InputError
        If it cannot be written, or the folder holds something else.
    """
    check_place(folder)
    parameters = fitted.get_params(deep=False)
    content = {
        "format": FORMAT,
        "own_networks": fitted.encoder is not None,
        "parameters": {k: v for k, v in parameters.items() if k not in LEFT_OUT},
        "spec": asdict(fitted.spec_),
        "shape": fitted.shape_,
        "columns": list(getattr(fitted, "feature_names_in_", [])),
        "of_codes": fitted.scaling_.of_codes,
        "steps": fitted.n_steps_,
        "history": fitted.history_,
    }
    scaling = {"mean": fitted.scaling_.mean, "unit": fitted.scaling_.unit}
    tensors = {f"scaling.{name}": torch.from_numpy(part) for name, part in scaling.items()}
    tensors |= {name: part.contiguous() for name, part in fitted.model_.state_dict().items()}
    with files.whole_folder(folder) as aside:
        text = json.dumps(content, indent=1, default=_plain)
        (aside / MODEL).write_text(text + "\n", encoding="utf-8")
        (aside / WEIGHTS).write_bytes(safetensors.torch.save(_unshared(tensors)))
    return folder


def _plain(value: Any) -> Any:
    """Return a number of NumPy as Python's, and a path as text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: part.clone() for name, part in tensors.items()}


def read(kind: Any, folder: Path, encoder: nn.Module | None, decoder: nn.Module | None) -> Any:
    """Return the estimator of a class that `write` wrote.

    Raises
    ------
    InputError
        If there is no whole model, or if its networks were one's own and others are handed in.
    """
    if not (folder / MODEL).is_file():
        raise InputError(f"{folder} holds no model: {MODEL} is not there.")
    try:
        content = json.loads((folder / MODEL).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(f"{folder} was written by a newer version of this library: update it.")
        tensors = safetensors.torch.load_file(folder / WEIGHTS)
        mean, unit = (tensors.pop(f"scaling.{name}").numpy() for name in ("mean", "unit"))
        fitted = kind(**content["parameters"])
        fitted.spec_ = Spec(**content["spec"])
        fitted.shape_ = tuple(content["shape"])
    except (OSError, KeyError, TypeError, SafetensorError, json.JSONDecodeError) as error:
        raise InputError(f"the model in {folder} is damaged: {error!r}.") from None
    own = (encoder, decoder) if encoder is not None and decoder is not None else None
    if content["own_networks"] != (own is not None):
        raise InputError(
            f"the model in {folder} has networks of its own: hand in encoder and decoder."
            if own is None
            else f"the model in {folder} has no networks of its own: hand in none."
        )
    fitted.encoder, fitted.decoder = encoder, decoder
    fitted.scaling_ = Scaling(mean, unit, content["of_codes"])
    fitted.n_features_in_ = len(fitted.scaling_.mean)
    if content["columns"]:
        fitted.feature_names_in_ = np.array(content["columns"], dtype=object)
    fitted.n_steps_, fitted.history_ = content["steps"], content["history"]
    fitted._state = {}
    fitted.model_ = pair_for(fitted.spec_, fitted.shape_, fitted.hidden, own).eval()
    try:
        fitted.model_.load_state_dict(tensors)
    except RuntimeError:
        raise InputError(
            f"the weights in {folder} are not those of these networks: hand in the same ones."
        ) from None
    return fitted
