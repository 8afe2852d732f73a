# %% [markdown]
# # Your own data
#
# :::{admonition} What this chapter is about
# :class: important
# The paper ends with surfaces and images. This chapter is for whoever has other points: a table,
# measurements, a cloud. `IsometricAutoencoder` fits them in the manner of scikit-learn. When can
# you trust the result, and when is another map better?
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from isoae_lib import IsometricAutoencoder
from isoae_lib.book import own_data, page
from isoae_lib.core import faithfulness

chapter = page.head("10_your_own_data", preset, seed=seed)
data = {name: make() for name, make in own_data.DATA_SETS.items()}
published = {name: own_data.published(name) for name in data}

# %% [markdown]
# ## The answer
#
# Take points of an S-shaped sheet with a hole in its middle. Unrolled, the sheet is flat, so the
# true distance of any two points is known. Each of four maps draws the points in the plane.

# %% tags=["hide-input"]
#| label: fig-own-distances
#| fig-cap: >-
#|   Distances of pairs of points in the plane, against those on the flat sheet. On the dotted line
#|   they are equal.
#| fig-alt: >-
#|   Four panels. The dots of I-AE lie on the dotted line. Those of PCA, U-MAP and t-SNE spread.
_ = own_data.distances("hole", data["hole"].labels)

# %% [markdown]
# The table has two more data sets: small pictures of digits, and a table of measures of tumours.
# *Neighbours kept* is the trustworthiness of scikit-learn: are neighbours in the plane neighbours
# in the data? *Distances* is Spearman's rank correlation of distances, with those on the flat sheet
# for the sheet, and with those of the data for the others. *Class* is how often the five nearest
# codes name the right class. ¹, ², ³ mark the first three of a data set.

# %% tags=["hide-input"]
own_data.answer()

# %% [markdown]
# The report of a fit says in words whether to trust distances in the plane:

# %% tags=["hide-input"]
own_data.said({title: published[name].report for name, title in own_data.TITLES.items()})

# %% [markdown]
# ## How
#
# Half a cylinder is a sheet that anyone can unroll. These lines fit it in a second, with a network
# that is smaller than the default one.

# %%
points, flat = own_data.half_cylinder()
model = IsometricAutoencoder(
    hidden=(64, 64), steps=400, batch_size=64, learning_rate=5e-3, random_state=0, verbose=False
)
codes = model.fit_transform(points)

# %% [markdown]
# The loss is that of I-AE: the reconstruction error, and the two terms that ask for an isometry.
# Three things differ from the paper, so that points of any kind can be fitted.
#
# - **Points are scaled by one number**, and codes are scaled back. So lengths are in the data's own
#   units. With `scale="columns"` each column is divided by its own deviation. That is right for a
#   table whose columns have different units, and it changes what a distance is.
# - **`weight` is set against a share.** The reconstruction error is the share of the variance that
#   is lost. So the same weight means the same for any data.
# - **Some points are held out.** The weights of the network that are best on them are kept.

# %% [markdown]
# ## In detail
#
# ### A cloud with a hole

# %% tags=["hide-input"]
#| label: fig-own-hole
#| fig-cap: The sheet with a hole, in four maps. The colour is the place along the S.
#| fig-alt: >-
#|   Four clouds. That of I-AE is a slightly bent band with a hole in its middle. PCA shows an S,
#|   U-MAP and t-SNE tear the sheet.
_ = own_data.side_by_side("hole", data["hole"].labels[:, 0], "viridis")

# %% [markdown]
# I-AE unrolls the sheet, and the hole stays a hole of the right size. A report knows no flat sheet,
# only points. So it compares distances of codes with the lengths of *paths along the data*. A path
# leads around the hole, and the straight line between two codes leads across it. So the two agree
# less well, the larger a hole is. `model.diagnose(points)` showed this:

# %% tags=["hide-input"]
published["hole"].report

# %% [markdown]
# ### Digits

# %% tags=["hide-input"]
#| label: fig-own-digits
#| fig-cap: Digits of 8 x 8 pixels, in four maps. The colour is the digit.
#| fig-alt: >-
#|   Four clouds of points in ten colours. U-MAP and t-SNE have separate islands. Those of I-AE
#|   touch, and PCA mixes them.
_ = own_data.side_by_side("digits", data["digits"].labels, "tab10", named=True)

# %% [markdown]
# Whoever wants to *see* the ten classes should take U-MAP {cite:p}`mcinnes2018umap` or t-SNE
# {cite:p}`maaten2008visualizing`. They pull islands apart. I-AE mixes the classes less than PCA,
# and more than these two. Its distances are not to be trusted, and the report says why: digits have
# more dimensions than two.
#
# What an isometry gives instead is a map with a way back. Each code is a picture:

# %% tags=["hide-input"]
#| label: fig-own-rebuilt
#| fig-cap: Digits, and what two numbers keep of them.
#| fig-alt: Two rows of small pictures of digits. The second row is plainer, and some have changed.
_ = own_data.pictures(own_data.rebuilt(data["digits"].x))

# %% [markdown]
# **Walking from one point to another.** The straight line from the code of a 0 to that of a 6 is a
# walk along the sheet. The straight line between their pixels leaves the digits: it fades one
# picture out and the other one in.

# %% tags=["hide-input"]
#| label: fig-own-walk
#| fig-cap: From a 0 to a 6, in the codes and in the pixels.
#| fig-alt: >-
#|   Two rows of ten pictures. In the upper one a shape changes step by step, in the lower one two
#|   shapes lie over one another.
_ = own_data.pictures(own_data.walk(data["digits"].x))

# %% [markdown]
# **New points.** Every fifth digit was kept out of the fit. The table says how often the five
# nearest fitted digits name the class of a new one. t-SNE as scikit-learn has it places no new
# points at all.

# %% tags=["hide-input"]
own_data.new_points(data["digits"])

# %% [markdown]
# **Outliers.** `distance_to_manifold` is the distance of a point from the place on the sheet where
# it is sent. Points unlike those of the fit are far away. Among the new digits:

# %% tags=["hide-input"]
#| label: fig-own-outliers
#| fig-cap: The new digits that are nearest to the sheet, and those that are furthest from it.
#| fig-alt: Two rows of digits. The upper ones are plain, the lower ones are written unusually.
_ = own_data.pictures(own_data.extremes(data["digits"]))

# %% [markdown]
# ### Which weight, and how many dimensions?
#
# `score` counts what is lost and how far lengths are off, together. A small weight leaves lengths
# wrong. A large one costs reconstruction. So a search over `weight`, such as scikit-learn's
# `GridSearchCV`, finds one in between.
#
# For the number of dimensions look at what is lost, beside what PCA loses. The loss of I-AE stops
# to fall where the data have no more dimensions of their own: the report estimates how many. PCA's
# loss goes on falling. Where it is the lower one, take PCA, which costs nothing.

# %% tags=["hide-input"]
digits = published["digits"]
print(f"Digits, new points, after {digits.numbers['short']:,} steps instead of the default number:")

# %% tags=["hide-input"]
#| label: fig-own-choices
#| fig-cap: The score against the weight, and the variance that is lost against the dimension.
#| fig-alt: >-
#|   Two panels. The score has its best value inside the range of weights. With more dimensions,
#|   the loss of PCA falls steadily, that of I-AE at first only.
_ = own_data.choices(digits.sweep("weight"), digits.sweep("n_components"))

# %% [markdown]
# ### A table
#
# The table has measures of cell nuclei of tumours. Areas are hundreds and smoothness is a fraction,
# so the fit has `scale="columns"`.

# %% tags=["hide-input"]
#| label: fig-own-table
#| fig-cap: Tumours, in four maps. Malignant ones are red, benign ones blue.
#| fig-alt: Four clouds of points in two colours, which lie beside each other with some overlap.
_ = own_data.side_by_side("table", data["table"].labels, "coolwarm_r")

# %% [markdown]
# Outliers again, as one would look for them in practice: fit what is ordinary, and see what is far
# from it. Here the fit saw benign tumours alone. Are the malignant ones among the new tumours
# further away? The number is the area under the ROC curve: 0.5 is chance, 1 is perfect. The last
# row is the measure to pass: the best of all columns, chosen on these very tumours.

# %% tags=["hide-input"]
own_data.malignant(data["table"])

# %% [markdown]
# The distances tell a good deal, though the fit never saw a malignant tumour. But the sheet tells
# no more than the plane of PCA, and one good column tells more than both.
#
# ### Beside U-MAP and t-SNE
#
# This is one run, of all maps at their defaults, each with a seed. The patch of a flat torus is a
# sheet whose true distances are known. t-SNE is openTSNE, which places new points.
#
# A fit of I-AE takes the same number of steps for any number of points. So it is the slowest of all
# on few points. A new point only goes through the encoder, and the others search its neighbours.

# %% tags=["hide-input"]
print(own_data.beside_where())
own_data.beside()

# %% [markdown]
# ### Is the sheet found each time?
#
# The defaults, on four sheets that can be laid flat: the side of a cone, a wave, a piece of a
# cylinder and a patch of a flat torus, the last two turned into ten dimensions. A seed is *right*
# where distances of codes correlate with those on the sheet at 0.999 or better, and their scale is
# right within 2 %. The least correlation is that of the worst seed.

# %% tags=["hide-input"]
own_data.seeds()

# %% [markdown]
# A sphere's cap cannot be laid flat. The floor is the least spread of edge ratios that an uncut map
# can have. A map may fall a little below it, since the floor is that of points everywhere, and the
# number is taken on a grid.

# %% tags=["hide-input"]
print(own_data.on_a_cap())

# %% [markdown]
# ### More points than memory
#
# A file that is opened with `np.load(..., mmap_mode="r")` is read a few rows at a time.

# %% tags=["hide-input"]
own_data.memory()

# %% [markdown]
# ## How to choose
#
# An isometry is the right prior when lengths along the data mean something, and you want to measure
# in the plane, place new points, find outliers, or walk between points. It is the wrong one
#
# - **to see clusters**: look at {numref}`fig-own-digits`. Take U-MAP or t-SNE;
# - **when the data have many more dimensions than the codes**: neighbours cannot all be neighbours
#   in the plane. Take more dimensions, PCA or U-MAP;
# - **when a flat sheet is good enough**: PCA is exact, and takes no time. Compare the two losses of
#   the report;
# - **when the data fall into pieces**: nothing says how far apart these lie along the data;
# - **when the data are closed or twisted**, like a ring: no plane holds them whole.
#
# `diagnose` says which of these it meets. The same second of fitting as above, on a whole cylinder
# instead of a half:

# %% tags=["nbval-ignore-output"]
ring = own_data.half_cylinder(turns=1)[0]
wrong = IsometricAutoencoder(**model.get_params()).fit(ring).diagnose(ring)
own_data.said({"a whole cylinder": wrong})

# %% [markdown]
# ## Try it
#
# :::{admonition} Exercise
# :class: tip
# 1. One column of a table was in metres, and is now in millimetres. With which `scale` is the map
#    still the same?
# 2. All points are turned by a rotation of the space, and moved. May the distances of codes change?
# 3. Why can no report tell that a hole is a hole, and not a part of the data that nobody has
#    measured?
# :::
#
# :::{dropdown} Answers
# 1. With `"columns"`: the column is divided by its deviation, which has grown as much as the column
#    has. With `"global"` this column now counts a thousand times more in each distance.
# 2. With `"global"` the lengths of all curves on the sheet stay the same. So an isometry of the one
#    is an isometry of the other, up to a motion of the plane. What training finds can still differ
#    a little. With `"columns"` a rotation mixes columns, so the deviations change, and distances
#    too.
# 3. A report sees points alone. Where there are none, nothing is known: the same points come from
#    both.
# :::

# %% [markdown]
# ## This machine
#
# The fit of half a cylinder, above, is made anew in each build. The correlation of its distances
# with those on the flat sheet must be above the margin, or this page is not made.

# %% tags=["nbval-ignore-output"]
correlation = faithfulness.kept(codes, flat).pearson
print(f"correlation {correlation:.4f}, margin {own_data.MARGIN}")
assert correlation > own_data.MARGIN

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input"]
own_data.provenance()
