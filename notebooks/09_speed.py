# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The speed of a step
#
# :::{admonition} What the paper says (section 3.1)
# :class: important
# The full differentials are expensive, so both regularizers look along one random direction at a
# time: $df(z)u$ in forward mode, $u^Tdg(x)$ in backward mode {cite:p}`gropp2020isometric`.
# :::
#
# How much is saved, and how far is a step from the least that a machine can do? These numbers are
# a published benchmark, not a measurement of this build.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import json

import pandas as pd

from isoae_lib import chain, engine, figures, isometry
from isoae_lib.provenance import ROOT

figures.style()
steps = json.loads((ROOT / "data/benchmarks/train_step.json").read_text())
sweep = json.loads((ROOT / "data/benchmarks/sweep.json").read_text())

# %% [markdown]
# ## Why a step needs no second backward pass
#
# The obvious way differentiates through a derivative: two reverse passes make one forward product,
# and the loss asks for a third. Here a tangent is an ordinary value that travels along, layer by
# layer. What a layer does to it is written out once:

# %%
import inspect

print(inspect.getsource(chain.forward))
print(inspect.getsource(isometry.push_forward))

# %% [markdown]
# The encoder's pass serves the reconstruction and $L_{piso}$ at once. That leaves five passes with
# their gradients where a plain autoencoder has two: encoder, its transpose, decoder on codes,
# decoder on samples, and the tangent. So 2.5 steps of an AE are the least that one of I-AE can
# cost, up to what is done once a step.
#
# ## One step, and its rivals
#
# Medians in milliseconds. *Double backward* is the same I-AE step as one writes it first, in eager
# PyTorch, as it comes and with subnormal numbers flushed to zero. *Matrix products* are those of
# the I-AE step, without anything between them.

# %% tags=["hide-input"]
columns = {
    "ours_ae_ms": "AE, ours",
    "ours_iae_ms": "I-AE, ours",
    "reference_default_ms": "double backward",
    "reference_flushed_ms": "the same, flushed",
    "jax_ms": "JAX, jitted",
    "floor_ms": "matrix products",
}
frame = pd.DataFrame(steps).set_index(["network", "batch"])
frame[list(columns)].rename(columns=columns).astype(float).round(1)

# %% [markdown]
# The same as ratios to our I-AE step:

# %% tags=["hide-input"]
ratios = frame[list(columns)].astype(float).div(frame["ours_iae_ms"], axis=0)
ratios.rename(columns=columns).round(2)

# %% [markdown]
# ## With more points, and more latent dimensions
#
# One probe costs the same whatever the latent size; full Jacobians cost a pass for every latent
# coordinate. Eager steps of the network of section 4.1.

# %% tags=["hide-input"]
_ = figures.growth(sweep["rows"])
# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
told = {key: steps[0].get(key) for key in ("device", "processor", "threads", "torch", "rounds")}
told |= {"long runs on a CPU": f"compiled from {engine.COMPILE_FROM:.0e} multiply-adds on"}
told |= {"repeat": "python benchmarks/train_step.py --json FILE"}
pd.Series(told, name="benchmark").to_frame()
