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
# decides, and its verdict is printed whatever it is. `isoae claims --json` prints this page for
# programs.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from IPython.display import Markdown

from isoae_lib.book import cards, page
from isoae_lib.paper import claims, sections
from isoae_lib.paper.claims import committed

chapter = page.head("08_claims", preset, seed=seed)
ledger, published = claims.ledger(chapter.here), claims.ledger(chapter.published)

# %% tags=["hide-input", "tally"]
Markdown(claims.tally({"published runs": published, f"this build ({preset})": ledger}))

# %% [markdown]
# ## The rules

# %% tags=["hide-input"]
known = committed.chances()
rules = [(c, committed.warning(c.name, known)) for c in claims.CLAIMS]
Markdown(
    "\n".join(
        f"- **{c.name}** (section {c.section}): {c.rule}" + (f" *{often}.*" if often else "")
        for c, often in rules
    )
)

# %% [markdown]
# "Chance passes" tells how often a rule is met if the names of the methods are dealt at random to
# their runs, on every data set. It stands where that is often: with few methods or data sets, no
# rule can do much better ({ref}`decision J <decision-j>`).
#
# These remarks of the paper have no rule:

# %% tags=["hide-input"]
Markdown("\n".join(f'- "{r.says}" (section {r.section}): {r.why}' for r in claims.WITHOUT_RULE))

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
