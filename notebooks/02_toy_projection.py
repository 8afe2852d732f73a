# %% [markdown]
# # Figure 1: projecting onto a curve
#
# :::{admonition} What the paper says (section 1, Figure 1)
# :class: important
# The decoder after the encoder is a projection onto the learned manifold. A contractive
# autoencoder (CAE) projects too, but not evenly: it shrinks the space around the data points. An
# isometric autoencoder (I-AE) samples the learned manifold evenly {cite:p}`gropp2020isometric`.
# :::
#
# The paper shows this as an inset, in words and arrows. Here both autoencoders learn a planar
# curve from a handful of points, and a number stands beside the picture.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import pandas as pd

from isoae_lib.book import figures, tables
from isoae_lib.paper import claims, runs, sections
from isoae_lib.paper.claims import rule

figures.style()
methods = ("I-AE", "CAE")
toy = {m: runs.load(f"toy/curve/{m}", preset, seed) for m in methods}

# %% [markdown]
# ## The experiment
#
# The data are points of one period of a sine, evenly spaced along the curve. Networks, steps and
# the weight $\lambda$ are the same for both methods; only the regularizer differs.

# %%
spec = toy["I-AE"].spec
print(f"{spec.points} points in the plane, latent size {spec.latent}, weight {spec.weight}")
print(f"{spec.depth} hidden layers of {spec.width}, {spec.steps} steps of {spec.batch} points")

# %% [markdown]
# The two objectives, as the library has them:

# %%
import inspect
from isoae_lib.core import objectives

print(inspect.getsource(objectives.isometric))
print(inspect.getsource(objectives.contractive))

# %% [markdown]
# ## The picture
#
# Green: the data. Black: the learned manifold. Blue: points beside the curve, evenly spaced; each
# orange arrow leads from one of them to where decoder(encoder(.)) sends it, marked by a tick.

# %% tags=["hide-input"]
_ = figures.projections(toy)
# %% [markdown]
# Where ticks crowd, space is shrunk. The latent code shows the same: it is a function of the
# position on the curve, and for an isometry a straight line of slope $\pm 1$.

# %% tags=["hide-input"]
_ = figures.code_along_curve(toy)
# %% [markdown]
# ## A number for "even sampling"
#
# Walk along the curve in small even steps, project every point, and take the coefficient of
# variation (standard deviation over mean) of the distances between consecutive images. An even
# projection gives 0 on the curve, and 0.2 beside it as well: whoever walks there stands opposite an
# even step. For I-AE that is no guarantee: its encoder is held to a pseudo-inverse at the data, 16
# points on the curve, and a longer training need not make it more even beside them.

# %% tags=["hide-input"]
columns = {  # shown as -> metric, digits
    "on the curve": ("spacing_variation", 3),
    "0.2 above": ("spacing_variation_above", 3),
    "0.2 below": ("spacing_variation_below", 3),
    "error at the data (RMSE)": ("rmse", 6),
}
named = runs.named(sections.notebook_runs("02_toy_projection", preset, seed), preset)
many = rule.table(named)
published = rule.table(runs.published())
sources = {"published runs": published, f"this build ({preset})": many}
pd.DataFrame(
    {
        title: {
            (source, m): rule.mean_and_deviation(rule.values(table, "toy/curve", m, name), digits)
            for source, table in sources.items()
            for m in methods
        }
        for title, (name, digits) in columns.items()
    }
)

# %% [markdown]
# The published runs are longer: as long as those of preset `paper`.
#
# ## Verdicts
#
# Of this build:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(many, "1"))

# %% [markdown]
# Of the published runs:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(published, "1"))

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "remove-stderr", "nbval-ignore-output"]
tables.provenance(named, "02_toy_projection", preset, seed=seed)

# %% [markdown]
# The published runs:

# %% tags=["hide-input", "nbval-ignore-output"]
tables.published_provenance("toy")
