# %% [markdown]
# # The ledger of claims
#
# :::{admonition} What the paper says
# :class: important
# This page gathers what sections 1, 3, 4 and A.2.1 claim {cite:p}`gropp2020isometric`, each with
# the paper's own figure where it prints one.
# :::
#
# A claim has a rule that was written down, and committed, before the runs that it judges. The rule
# decides; the verdict is printed whatever it is.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from IPython.display import Markdown

from isoae_lib.book import figures, tables
from isoae_lib.paper import claims, runs, sections
from isoae_lib.paper.claims import rule

figures.style()
here = runs.named(sections.notebook_runs("08_claims", preset, seed), preset)
ledger = claims.ledger(rule.table(here))
published = claims.ledger(rule.table(runs.published()))

# %% tags=["hide-input", "tally"]
Markdown(claims.tally({"published runs": published, f"this build ({preset})": ledger}))

# %% [markdown]
# ## The rules

# %% tags=["hide-input"]
Markdown("\n".join(f"- **{c.name}** (section {c.section}): {c.rule}\n" for c in claims.CLAIMS))

# %% [markdown]
# Some remarks of the paper have no rule, for they are on pictures and name nothing that could be
# counted, or on methods that no run of this project stands for:
#
# - U-MAP and t-SNE produce better separated clusters, and U-MAP maps three objects of COIL-20 onto
#   each other (section 4.2): {doc}`04_visualization` shows both, with numbers;
# - a significant change to the embedding is noticeable at $\lambda_{iso}=0.75$, and on MNIST
#   $L_{rec}$ becomes rockier there (section 4.4): Figure 6 in {doc}`06_sensitivity`.

# %% [markdown]
# ## The verdicts of this build

# %% tags=["hide-input"]
_ = figures.verdict_bars(ledger)
# %% tags=["hide-input"]
tables.verdict_table(ledger)

# %% [markdown]
# ## The verdicts of the published runs
#
# Published runs lie in the repository and are longer than those of a build. Where none is
# published, the verdict is that the claim was not attempted.

# %% tags=["hide-input"]
tables.verdict_table(published)

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
tables.provenance(here, "08_claims", preset, seed=seed)
