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
# decides, and its verdict is printed whatever it is. Only published runs are judged: they are kept
# in the repository. Under each claim unfold its numbers, its
# rule and its runs, with their scale.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from IPython.display import Markdown, display

from isoae_lib.book import page, verdicts
from isoae_lib.paper import claims, sections

chapter = page.head("08_claims", preset, seed=seed)

# %% [markdown]
# ## The claims

# %% tags=["hide-input"]
judged = {stem: claims.ledger(chapter.published, stem) for stem in claims.CHAPTERS}
display(verdicts.ledger(judged), raw=True)

# %% [markdown]
# "Chance passes" tells how often a rule is met if the names of the methods are dealt at random to
# their runs, on every data set. It stands where that is often: with few methods or data sets, no
# rule can do much better ({ref}`decision J <decision-j>`). {doc}`The introduction <../book/intro>`
# says what each verdict means. `isoae claims --json` prints this page for programs.
#
# ## Without a rule
#
# These remarks of the paper have no rule:

# %% tags=["hide-input"]
Markdown("\n".join(f'- "{r.says}" (section {r.section}): {r.why}' for r in claims.WITHOUT_RULE))

# %% [markdown]
# ## This machine
#
# A build trains the short runs below anew, and compares them with published records. The chapters
# say what the runs are.

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.this_machine()

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.provenance(*sections.SECTIONS)
