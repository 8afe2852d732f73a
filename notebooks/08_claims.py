# %% [markdown]
# # The ledger of claims
#
# :::{admonition} What the paper says
# :class: important
# This page gathers the claims of sections 1, 3, 4 and A.2.1 {cite:p}`gropp2020isometric`, each with
# the paper's own number where it prints one.
# :::
#
# Each claim has a rule. It was written down and committed before the runs that it judges. The rule
# decides, and its verdict is printed whatever it is.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from IPython.display import Markdown

from isoae_lib.book import cards, page
from isoae_lib.paper import claims, sections

chapter = page.head("08_claims", preset, seed=seed)
ledger, published = claims.ledger(chapter.here), claims.ledger(chapter.published)

# %% tags=["hide-input", "tally"]
Markdown(claims.tally({"published runs": published, f"this build ({preset})": ledger}))

# %% [markdown]
# ## The rules

# %% tags=["hide-input"]
Markdown("\n".join(f"- **{c.name}** (section {c.section}): {c.rule}\n" for c in claims.CLAIMS))

# %% [markdown]
# Some remarks of the paper have no rule. They are about pictures and name nothing that could be
# counted, or they are about methods of which this project has no run:
#
# - U-MAP and t-SNE produce better separated clusters, and U-MAP maps three objects of COIL-20 onto
#   each other (section 4.2): {doc}`04_visualization` shows both, with numbers;
# - a significant change to the embedding is noticeable at $\lambda_{iso}=0.75$, and on MNIST
#   $L_{rec}$ becomes rockier there (section 4.4): see Figure 6 in {doc}`06_sensitivity`.

# %% [markdown]
# ## The verdicts of this build

# %% tags=["hide-input"]
_ = cards.verdict_bars(ledger)
# %% tags=["hide-input"]
cards.verdict_table(ledger)

# %% [markdown]
# ## The verdicts of the published runs
#
# Published runs are kept in the repository and are longer than those of a build. Where none is
# published, the verdict is "not attempted at this scale".

# %% tags=["hide-input"]
cards.verdict_table(published)

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.provenance(*sections.SECTIONS)
