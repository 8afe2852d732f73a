# %% [markdown]
# # The speed of a step
#
# :::{admonition} What the paper says (section 3.1)
# :class: important
# The full differentials are expensive. So both regularizers look along one random direction at a
# time: $df(z)u$ in forward mode, $u^Tdg(x)$ in backward mode {cite:p}`gropp2020isometric`.
# :::
#
# How much does this save, and how far is a step from the least that a machine needs? The numbers
# are those of a published benchmark. This build measured none of them.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import inspect

import numpy as np
import pandas as pd

from isoae_lib.book import page, speed
from isoae_lib.book.style import plain
from isoae_lib.core import chain_rule, isometry
from isoae_lib.core.step import COMPILE_FROM
from isoae_lib.paper import printed, sections

chapter = page.head("09_speed", preset, seed=seed)
on_cpu, on_gpu, sweep, rounded = map(
    speed.benchmark, ("train_step", "train_step_gpu", "sweep", "precision")
)

# %% [markdown]
# ## The answer

# %% tags=["hide-input"]
times = speed.step_times(on_cpu)
speed.in_short(times, on_cpu[0]["processor"])

# %% [markdown]
# Medians in milliseconds:

# %% tags=["hide-input"]
times.round(1)

# %% [markdown]
# The same times, divided by that of our I-AE step:

# %% tags=["hide-input"]
times.div(times["I-AE, ours"], axis=0).round(2)

# %% [markdown]
# What the columns mean:
#
# - *Double backward* is the same I-AE step as one writes it first, in eager PyTorch with its
#   default settings. *Flushed* is that with subnormal numbers set to zero. *JAX* is compiled with
#   `jit`.
# - *Matrix products* are those of the I-AE step in float32, one layer after the other as PyTorch
#   computes them, with nothing between them. For S-CNN they are convolutions in PyTorch's default
#   layout; our own step uses another one.
# - *In float32* is our own step with its gradients in float32. On a processor with units for
#   bfloat16, our other step rounds the products of gradients to it. No other column does so.
#
# Subnormal numbers come from the steep SoftPlus, and some processors are slow on them. They become
# more frequent as the weights grow. So the network of section 4.1 is timed on the S shape with
# trained weights, as they are in most of a run.

# %% [markdown]
# ## How
#
# The obvious way differentiates through a derivative: two reverse passes make one product in
# forward mode, and the gradient of the loss asks for a third. Here a tangent is an ordinary value
# that goes through the network together with the points. What each layer does to it is written out
# once:

# %%
print(inspect.getsource(chain_rule.linearize))
print(inspect.getsource(isometry.push_forward))

# %% [markdown]
# One pass of the encoder serves both the reconstruction and $L_{piso}$. A step then has five passes
# with their gradients: the encoder, its transpose, the decoder on codes, the decoder on samples,
# and the tangent. A plain autoencoder has two. So the arithmetic of a step is 2.5 times that of AE.
# The time is less than 2.5 times as long where other costs count. The optimizer and the launching
# of operations come once per step with either method, and small products run at a lower speed.

# %% [markdown]
# ## In detail
#
# (precision)=
# ### What coarse gradients cost
#
# I-AE is trained on the S shape in three precisions. The number is the standard deviation of edge
# ratios that Table 1 ranks. It is measured in double precision, whatever the precision of training.
# After few steps a seed is sometimes still folded, so compare the medians.

# %% tags=["hide-input"]
print(f"After {rounded[0]['steps']:,} steps on {rounded[0]['processor']}:")
grouped = pd.DataFrame(rounded).groupby("precision", sort=False)["edge_ratio_std"]
grouped.agg(["median", "min", "max", "count"]).rename(columns={"count": "seeds"}).round(4)

# %% [markdown]
# ### On a GPU
#
# On a GPU a step of these networks is hundreds of small kernels, and launching them one by one
# takes longer than running them. So a step is one CUDA graph, and in long runs it is compiled
# first. The table has medians in milliseconds, at starting weights:

# %% tags=["hide-input"]
gpu = speed.step_times(on_gpu)[["AE, ours", "I-AE, ours", "double backward"]]
gpu["I-AE, times faster"] = gpu["double backward"] / gpu["I-AE, ours"]
gpu.round(2)

# %% tags=["hide-input"]
step = gpu.loc[("3-256x5-2", 1000), "I-AE, ours"]
print(f"{on_gpu[0]['device']}: 100,000 steps of I-AE on 1,000 points take {100 * step:.0f} s")

# %% [markdown]
# Runs of the same shape share a step. Those of Table 1 were stacked, and all stacks trained at the
# same time on one GPU. The table divides the time of all steps among the runs, by method:

# %% tags=["hide-input"]
methods = (*sections.SECTIONS["3d"].compared, "I-AE-without-L_piso")
runs_of = {m: [chapter.published[f"3d/{d}", m] for d in printed.table_1()] for m in methods}
seconds = {
    plain(m): round(np.mean([run.record["seconds"] for group in groups for run in group]))
    for m, groups in runs_of.items()
}
pd.DataFrame({"seconds": seconds})

# %% [markdown]
# ### With more points, and more latent dimensions
#
# One probe costs the same whatever the latent size. Full Jacobians cost one pass for each latent
# coordinate. The steps below are those of the network of section 4.1, with subnormal numbers set to
# zero. PyTorch runs them one operation after the other. Those of the first table are compiled, and
# faster.

# %% tags=["hide-input"]
print(f"on {sweep['processor']}; the right panel takes {sweep['latent_points']} points per step")

# %% tags=["hide-input"]
#| label: fig-growth
#| fig-cap: The time of a step against the number of points, and against the latent size.
#| fig-alt: Two panels with a line for each way to take a step.
_ = speed.growth(sweep["rows"])
# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
facts = ["device", "processor", "torch", "rounds", "steps_before"]
card = pd.DataFrame({"on a CPU": on_cpu[0], "on a GPU": {"steps_before": 0} | on_gpu[0]}).loc[facts]
card.loc["long runs"] = f"compiled from {COMPILE_FROM:.0e} multiply-adds on"
card.loc["repeat"] = "python benchmarks/train_step.py --json FILE", "the same with --device cuda"
card.rename(index={"steps_before": "steps trained before (3-256x5-2)"})
