# %% [markdown]
# # Evaluation on surfaces in space
#
# :::{admonition} What the paper says (section 4.1, Figure 3, Table 1, Figure 4)
# :class: important
# On points drawn uniformly from surfaces whose parameterization is known, I-AE learns an isometric
# embedding: density and distances survive in the plane. The lengths of decoded grid edges over
# their lengths in the plane spread far less than for any other autoencoder (Table 1). $L_{piso}$
# helps to find a simpler surface (Figure 4) {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import pandas as pd
from IPython.display import display

from isoae_lib.book import figures, tables
from isoae_lib.paper import claims, runs, sections
from isoae_lib.paper.claims import rule
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.metrics import surfaces

figures.style()
section = sections.SECTIONS["3d"]
seeds = section.seeds[preset]
named = runs.named(sections.notebook_runs("03_evaluation_3d", preset, seed), preset)
every, published = rule.table(named), rule.table(runs.published())
sources = {"published run": published, f"this build ({preset})": every}
shown = {data: {m: every[f"3d/{data}", m][0] for m in section.methods} for data in SURFACES}
table_1 = {data: {m: shown[data][m] for m in section.compared} for data in SURFACES}

# %% [markdown]
# ## The experiment
#
# Three surfaces, six autoencoders with the same networks and the same training, and I-AE once more
# without $L_{piso}$. What differs from the paper's settings stands on the page of decisions.

# %%
spec = shown["s-shape"]["I-AE"].spec
print(
    f"preset {preset}: {spec.points} points, {spec.depth} x FC {spec.width}, then LIN {spec.latent}"
)
print(f"{spec.steps} steps of {spec.batch} points, largest learning rate {spec.rate}")
print(f"lambda_iso = {spec.weight}, {len(seeds)} seeds")

# %% [markdown]
# ## Figure 3: the embeddings
#
# A point has the colour of its place on the surface. A faithful embedding is an evenly filled
# rectangle (S shape, Swiss roll) or disc (open sphere), whose colours do not mix. U-MAP, t-SNE and
# LLE are run as the paper says: 30 neighbours, perplexity 50; LLE's 12 neighbours are our choice.

# %% tags=["hide-input"]
from isoae_lib.paper import baseline_records

for name, surface in SURFACES.items():
    run = shown[name]["I-AE"]
    codes = {m: r.codes for m, r in table_1[name].items()}
    codes |= baseline_records.embeddings(name, preset)
    figures.embeddings(surface, run.points, run.chart, codes)

# %% [markdown]
# ## Table 1: the standard deviation of edge ratios
#
# The codes' region is covered by a regular grid, triangulated; for each edge the ratio
# $l_{ij} = \|f(z_i) - f(z_j)\| / \|z_i - z_j\|$ is taken and scaled so that the mean is 1.

# %%
import inspect

print(inspect.getsource(surfaces.edge_ratios))

# %% tags=["hide-input"]
tables.edge_ratio_comparison(published, every, preset)

# %% [markdown]
# The number says how even the ratios are, not how faithful the picture is: codes that have
# collapsed to a line, as TCAE's do in short runs, can have even ratios along it.
#
# Only I-AE's weight is printed. What weaker and stronger settings do for its rivals on the S shape,
# in the published runs that there are ({ref}`decision 14 <decision-14>`):

# %% tags=["hide-input"]
tables.rivals_otherwise(published, "s-shape")

# %% [markdown]
# How much does the grid matter? The same number for I-AE on a finer and a coarser grid, and over
# the codes' convex hull instead of their outline, which asks the decoder about places where there
# is no data:

# %% tags=["hide-input"]
grids = {"as above": "", "half the spacing": "_fine", "twice the spacing": "_coarse",
         "convex hull": "_convex"}  # fmt: skip
pd.DataFrame(
    {
        title: {
            SURFACES[data].title: rule.mean_and_deviation(
                rule.values(every, f"3d/{data}", "I-AE", f"edge_ratio_std{suffix}"), 3
            )
            for data in SURFACES
        }
        for title, suffix in grids.items()
    }
)

# %% [markdown]
# The whole distribution of edge ratios:

# %% tags=["hide-input"]
by_title = {SURFACES[data].title: row for data, row in table_1.items()}
_ = figures.edge_histograms(by_title)
# %% [markdown]
# ## Singular values of the differentials
#
# For an isometry all singular values of $df(z)$ are 1 (eq. 3). Boxes hold half of them, whiskers
# 90 %. The scale is logarithmic: a regularizer that only shrinks or stretches everything evenly
# moves its box, one that distorts makes it tall.

# %% tags=["hide-input"]
_ = figures.singular_values(by_title)
# %% [markdown]
# Theorem 1 asks three things of the differentials $A = df(z)$ and $B = dg(f(z))$; medians over the
# data of the Frobenius norms, which are 0 for an isometric autoencoder, and the correlation of
# distances in the plane with distances along the surface:

# %% tags=["hide-input"]
asked = {
    "|A'A - I|": "ATA_error",
    "|BB' - I|": "BBT_error",
    "|BA - I|": "BA_error",
    "|B - A'|": "pinv_error",
    "correlation of distances": "distance_correlation",
}
for source, table in sources.items():
    print(source)
    display(tables.on_surfaces(table, asked))

# %% [markdown]
# ## Figure 4: the decoder's surface with and without $L_{piso}$
#
# The decoder is evaluated over the whole bounding box of the codes. Orange: parts further from the
# true surface than a tenth of its size, which no data ask for.

# %% tags=["hide-input"]
pair = {m: shown["s-shape"][m] for m in ("I-AE-without-L_piso", "I-AE")}
_ = figures.decoder_surfaces(pair)
# %% [markdown]
# The same, to turn with the mouse or a finger:

# %% tags=["hide-input", "nbval-ignore-output"]
display(figures.turning_surfaces(pair), raw=True)

# %% [markdown]
# The area of the extra parts, in units of the surface's own area:

# %% tags=["hide-input"]
pd.DataFrame(
    {
        (source, tables.plain(m)): {
            SURFACES[data].title: rule.mean_and_deviation(
                rule.values(table, f"3d/{data}", m, "extra_area"), 3
            )
            for data in SURFACES
        }
        for source, table in sources.items()
        for m in pair
    }
)

# %% [markdown]
# ## The published runs
#
# They are longer:

# %% tags=["hide-input"]
scale = published["3d/s-shape", "I-AE"][0]
print(f"{scale.spec.steps:,} steps of {scale.spec.batch} points, on {scale.record['device']}")

# %% [markdown]
# Their embeddings, first seed:

# %% tags=["hide-input"]
for name, surface in SURFACES.items():
    every_seed = {m: published.get((f"3d/{name}", m)) for m in section.methods}
    row = {m: group[0] for m, group in every_seed.items() if group}
    first = next(iter(row.values()))
    figures.embeddings(surface, first.points, first.chart, {m: r.codes for m, r in row.items()})

# %% [markdown]
# ## Verdicts
#
# Of this build:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(every, "3", "4.1"))

# %% [markdown]
# Of the published runs:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(published, "3", "4.1"))

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
tables.provenance(named, "03_evaluation_3d", preset, seed=seed)

# %% [markdown]
# The published runs:

# %% tags=["hide-input", "nbval-ignore-output"]
tables.published_provenance("3d")
