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

from isoae_lib.book import figures, tables
from isoae_lib.core import chain_rule, isometry
from isoae_lib.core.step import COMPILE_FROM
from isoae_lib.paper import runs
from isoae_lib.files import ROOT

figures.style()
steps, on_gpu, sweep, rounded = (
    json.loads((ROOT / f"data/benchmarks/{name}.json").read_text(encoding="utf-8"))
    for name in ("train_step", "train_step_gpu", "sweep", "precision")
)

# %% [markdown]
# ## Why a step needs no second backward pass
#
# The obvious way differentiates through a derivative: two reverse passes make one forward product,
# and the loss asks for a third. Here a tangent is an ordinary value that travels along, layer by
# layer. What a layer does to it is written out once:

# %%
import inspect

print(inspect.getsource(chain_rule.linearize))
print(inspect.getsource(isometry.push_forward))

# %% [markdown]
# The encoder's pass serves the reconstruction and $L_{piso}$ at once. That leaves five passes with
# their gradients where a plain autoencoder has two: encoder, its transpose, decoder on codes,
# decoder on samples, and the tangent. So a step has 2.5 times an AE's arithmetic. It takes less
# than 2.5 times as long where the rest counts: the optimizer and the launching of operations, which
# both methods have once a step, and small products, which a machine is slower at.
#
# ## One step, and its rivals
#
# Medians in milliseconds. *Double backward* is the same I-AE step as one writes it first, in eager
# PyTorch as it comes; *flushed*, with subnormal numbers set to zero; *JAX*, jitted. *Matrix
# products* are those of the I-AE step in float32, one layer after the other as PyTorch takes them,
# without anything between them; for S-CNN, convolutions in the layout that PyTorch begins with,
# which is not the one that ours take. *In float32* is
# our own step where its gradients are: on a processor with units for bfloat16 their products are
# rounded to it, and no one else's.
#
# Subnormal numbers come from the steep SoftPlus, and some processors are slow on them. They become
# more as the weights grow, so the network of section 4.1 is timed on the S shape with weights that
# have been trained, as in most of a run:

# %% tags=["hide-input"]
columns = {
    "ours_ae_ms": "AE, ours",
    "ours_iae_ms": "I-AE, ours",
    "ours_iae_float32_ms": "in float32",
    "reference_default_ms": "double backward",
    "reference_flushed_ms": "flushed",
    "jax_ms": "JAX",
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
# (precision)=
# ## What coarse gradients cost
#
# I-AE on the S shape in three precisions: the standard deviation of edge ratios that Table 1
# ranks, measured in double precision whatever trained. Few steps leave a seed folded now and then;
# the median is what to compare.

# %% tags=["hide-input"]
grouped = pd.DataFrame(rounded).groupby("precision", sort=False)["edge_ratio_std"]
stds = grouped.agg(["median", "min", "max", "count"]).rename(columns={"count": "seeds"})
print(f"After {rounded[0]['steps']:,} steps on {rounded[0]['processor']}:")
stds.round(4)

# %% [markdown]
# ## On a GPU
#
# There a step of these networks is hundreds of small kernels, and launching them one by one takes
# longer than running them. So a step is one CUDA graph, and in long runs compiled before. Medians
# in milliseconds, at starting weights:

# %% tags=["hide-input"]
names = ("ours_ae_ms", "ours_iae_ms", "reference_default_ms")
gpu = pd.DataFrame(on_gpu).set_index(["network", "batch"])
gpu["I-AE, times faster"] = gpu["reference_default_ms"] / gpu["ours_iae_ms"]
gpu[[*names, "I-AE, times faster"]].rename(columns=columns).round(2)

# %% tags=["hide-input"]
step = gpu.loc[("3-256x5-2", 1000), "ours_iae_ms"]
print(f"{on_gpu[0]['device']}: 100,000 steps of I-AE on 1,000 points take {100 * step:.0f} s")

# %% [markdown]
# Runs of one shape share a step. Those of Table 1 were stacked, and all stacks trained at once on
# one GPU. A run's share of the time for all its steps, by method:

# %% tags=["hide-input"]
table_1 = [run for name, run in runs.published() if name.startswith("3d/") and "," not in name]
shares = pd.Series([run.record["seconds"] for run in table_1], [run.spec.method for run in table_1])
shares = shares.groupby(level=0, sort=False).mean().rename(index=tables.plain)
shares.round(0).astype(int).to_frame("seconds")

# %% [markdown]
# ## With more points, and more latent dimensions
#
# One probe costs the same whatever the latent size; full Jacobians cost a pass for every latent
# coordinate. Steps of the network of section 4.1, as PyTorch takes them one operation after the
# other, subnormal numbers set to zero: the first table's are compiled, and faster.

# %% tags=["hide-input"]
print(f"on {sweep['processor']}; the right panel takes {sweep['latent_points']} points a step")
_ = figures.growth(sweep["rows"])
# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
keys = ("device", "processor", "torch", "rounds", "steps_before")
told = {kind: {key: rows[0].get(key, 0) for key in keys} for kind, rows in
        (("on a CPU", steps), ("on a GPU", on_gpu))}  # fmt: skip
frame = pd.DataFrame(told).rename(index={"steps_before": "steps trained before (3-256x5-2)"})
frame.loc["long runs"] = f"compiled from {COMPILE_FROM:.0e} multiply-adds on"
frame.loc["repeat"] = "python benchmarks/train_step.py --json FILE", "the same with --device cuda"
frame
