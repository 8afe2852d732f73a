"""The built book in a real browser: quiet, offline and accessible, at every width, dark and light.

`make book PRESET=smoke` makes the pages that are opened here. The variable ISOAE_BROWSER names a
browser that must be there; `.ci/run` sets it where it has installed one.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from isoae_lib.book import explorer, site
from isoae_lib.files import ROOT
from isoae_lib.paper import planes

pytestmark = pytest.mark.slow
BOOK = site.html_folder("smoke")
NO_BOOK = "no book is built: run make book PRESET=smoke first"
PAGES = sorted(  # _static has the theme's templates, and index.html only leads to the first page
    str(page.relative_to(BOOK)) for page in BOOK.rglob("*.html")
    if page != BOOK / "index.html" and page.parent.name != "_static"
)  # fmt: skip
HEIGHTS = {1400: 900, 820: 1180, 390: 844}  # of windows, by width

# Axe may not fetch style sheets again: from files a browser refuses. The contrast of colours takes
# most of its time, and does not depend on the width: the middle one goes without, and on the phone
# the many small parts of code do.
LOOK = """
window.found = axe.run(innerWidth < 820 ? {exclude: [".highlight span"]} : document, {
  preload: false, resultTypes: ["violations"],
  rules: {"color-contrast": {enabled: innerWidth !== 820}},
});
"""

# Buttons of the theme take new colours in 150 ms, and have too little contrast meanwhile. What has
# moved in a folded part of a page stays in the list, so "finished" has to do.
SETTLED = """
document.fonts.status === "loaded"
  && document.getAnimations().every(animation => animation.playState === "finished")
"""


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests, without a network."""
    wanted = os.environ.get("ISOAE_BROWSER")
    program = shutil.which(wanted or "chromium")
    if program is None:
        (pytest.fail if wanted else pytest.skip)(f"{wanted or 'chromium'} is not installed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program, args=["--host-resolver-rules=MAP * ~NOTFOUND"]
        )
        yield found
        found.close()


@pytest.fixture
def visit(browser):
    """Return a function that opens a page in a dark window, and says what goes wrong meanwhile."""
    contexts = []

    def visit(page, width=1400, folder=BOOK):
        size = {"width": width, "height": HEIGHTS[width]}
        contexts.append(browser.new_context(viewport=size, color_scheme="dark"))
        contexts[-1].set_default_timeout(180_000)  # milliseconds: a busy machine is slow, not wrong
        window, faults = contexts[-1].new_page(), []
        inside = (folder.as_uri(), "data:", "blob:")

        def ask(request):
            if not request.url.startswith(inside):
                faults.append(f"outside: {request.url}")

        def say(message):
            if message.type == "error":
                faults.append(f"console: {message.text}")

        window.on("request", ask)
        window.on("console", say)
        window.on("requestfailed", lambda request: faults.append(f"failed: {request.url[:200]}"))
        window.on("pageerror", lambda error: faults.append(f"error: {error}"))
        window.goto((folder / page).as_uri())
        window.evaluate("window.MathJax?.startup?.promise")
        return window, faults

    yield visit
    for context in contexts:
        context.close()


def turn(window, theme):
    """Make a window dark or light, and wait until its colours are at rest."""
    window.emulate_media(color_scheme=theme)
    window.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
    window.wait_for_function(SETTLED)


def barriers(windows):
    """What axe-core finds in windows, which look at the same time, and where it is first."""
    for window in windows:
        window.evaluate(Axe().axe_script + LOOK + "0")
    return [
        f"{window.viewport_size['width']}: {fault['id']} at {fault['nodes'][0]['html'][:300]}"
        for window in windows
        for fault in window.evaluate("found")["violations"]
    ]


def test_what_goes_wrong_on_a_page_is_seen(visit, tmp_path):
    (tmp_path / "page.html").write_text(
        "<title>A page</title><img src='missing.png' alt=''><script>console.error('complaint')"
        "</script><script>unknown()</script><img src='http://example.org/picture.png'>",
        encoding="utf-8",
    )
    window, faults = visit("page.html", folder=tmp_path)
    for fault in ("failed: file", "outside: http", "console: complaint", "error: unknown is not"):
        assert any(said.startswith(fault) for said in faults), fault
    assert any("image-alt at <img" in barrier for barrier in barriers([window]))


SLOW_COLOURS = """<!doctype html><html lang="en"><title>A page</title><style>
body { background: black; } button { background: black; color: white; transition: color 1s; }
:root[data-theme=light] :is(body, button) { background: white; color: black; }
</style><main><h1>A page</h1><button>Search</button>
<details><summary>more</summary><button>Copy</button></details></main><script>
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.onchange = () => { document.documentElement.dataset.theme = dark.matches ? "dark" : "light"; };
dark.onchange();</script>"""


def test_colours_are_looked_at_when_they_are_at_rest(visit, tmp_path):
    (tmp_path / "page.html").write_text(SLOW_COLOURS, encoding="utf-8")
    window, _ = visit("page.html", folder=tmp_path)
    for theme in ("light", "dark"):
        turn(window, theme)
        assert [theme, *barriers([window])] == [theme]


@pytest.mark.parametrize("page", PAGES or [pytest.param("", marks=pytest.mark.skip(NO_BOOK))])
def test_a_page_is_quiet_offline_and_accessible_at_every_width_dark_and_light(page, visit):
    opened = [visit(page, width) for width in HEIGHTS]
    windows = [window for window, _ in opened]
    for theme in ("dark", "light"):
        for window in windows:
            turn(window, theme)
            wide = window.evaluate("document.documentElement.scrollWidth")
            assert wide <= window.viewport_size["width"], "the page itself goes on sideways"
        found = barriers(windows)
        assert [theme, *(fault for _, faults in opened for fault in faults), *found] == [theme]


# What answers a reader: a test for each, which finds a page that has it, and it by an attribute.


def page_with(text):
    """Return the first page of the book whose source has a text."""
    if not PAGES:
        pytest.skip(NO_BOOK)
    return next(page for page in PAGES if text in (BOOK / page).read_text(encoding="utf-8"))


def test_a_reference_shows_what_it_leads_to_when_the_keyboard_or_the_pointer_reaches_it(visit):
    window, _ = visit(page_with("/references.html#"))
    link = window.locator("article a[data-bs-toggle=tooltip][href*='references.html#']").first
    address = link.get_attribute("href").split("#")[1]
    for reach in (link.focus, link.hover):
        reach()
        shown = window.locator(".preview").inner_text()
        window.locator("body").click(position={"x": 5, "y": 5})
        window.mouse.move(5, 5)
        window.locator(".preview").wait_for(state="detached")
    window.goto((BOOK / "book" / "references.html").as_uri())
    assert shown == window.locator(f"#{address} p").inner_text()


TABLE = """<!doctype html><title>Heights</title><script src="book.js"></script>
<div class="bd-sidebar-primary"></div><section><h2>Of trees<a>#</a></h2><div class="cell_output">
<table><tr><th><th>mean<th>said</tr><tr><th rowspan="2">oak<td>1 ± 2<td>"old", big</tr>
<tr><td colspan="2">3<details><summary>why</summary>so</details></td></tr></table></div></section>
"""


def test_the_link_below_a_table_saves_its_cells_by_keyboard(visit, tmp_path):
    shutil.copy(ROOT / "book" / "static" / "book.js", tmp_path)
    (tmp_path / "trees.html").write_text(TABLE, encoding="utf-8")
    window, faults = visit("trees.html", folder=tmp_path)
    for _ in ("what folds the reason", "the link"):
        window.keyboard.press("Tab")
    with window.expect_download() as saved:
        window.keyboard.press("Enter")
    assert faults == [] and saved.value.suggested_filename == "trees-table-1.csv"
    assert window.get_by_role("link", name="CSV of table 1 on this page: Of trees").is_visible()
    with open(saved.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["", "mean", "said"], ["oak", "1 ± 2", '"old", big'], ["oak", "3 why so", "3 why so"]
    ]  # fmt: skip


DECODED = "document.querySelector('.explorer .found canvas').toDataURL()"


def test_the_explorer_answers_a_pointer_and_a_key(visit):
    window, faults = visit(page_with('id="explorer"'))
    window.locator(".explorer.alive").wait_for()
    plane, said = (window.locator(f".explorer {part}").first for part in (".plane", ".found span"))
    first, words = window.evaluate(DECODED), said.inner_text()
    plane.hover(position={"x": 15, "y": 15})
    pointed = window.evaluate(DECODED)
    assert pointed != first and said.inner_text() != words
    window.locator(".explorer button.place").focus()
    window.keyboard.press("Shift+ArrowRight")
    assert window.evaluate(DECODED) != pointed
    assert said.inner_text() in window.locator(".explorer [role=status]").text_content()
    strip, line = window.locator(".explorer .strip svg").first, "el => el.innerHTML"
    bars = strip.evaluate(line)
    window.locator(".explorer button.end").press("ArrowUp")
    pressed = strip.evaluate(line)
    window.locator(".explorer button.end").drag_to(plane, target_position={"x": 30, "y": 90})
    assert len({bars, pressed, strip.evaluate(line)}) == 3 and faults == []
    window.emulate_media(media="print")
    assert window.locator(".explorer .still").is_visible() and not plane.is_visible()


@pytest.mark.parametrize("name", ["figure-1-slider", "figure-6-slider", "surface-and-plane"])
def test_a_figure_with_controls_answers_a_key(name, visit):
    window, faults = visit(page_with(f'id="{name}"'))
    window.locator(f"#{name}[data-shown]").wait_for()
    plot = f"document.getElementById('{name}')"
    drawn = f"JSON.stringify({plot}.data.map(trace => Array.from(trace.x ?? [])))"
    before, shown = window.evaluate(drawn), window.evaluate(f"{plot}.dataset.shown")
    control = window.locator(f".stepped:has(+ #{name}) :is(input, select)").first
    said = window.locator(f".stepped:has(+ #{name}) [role=status]")
    words = said.inner_text()
    is_list = control.evaluate("control => control.tagName") == "SELECT"
    control.focus()
    window.keyboard.press("ArrowDown" if is_list else "ArrowUp")  # the next, or more
    window.wait_for_function(f"{plot}.dataset.shown !== '{shown}'")
    assert window.evaluate(drawn) != before and said.inner_text() != words and faults == []


def test_the_explorer_draws_what_the_plane_says(visit, tmp_path, monkeypatch):
    """A browser does the same arithmetic as `Plane`, which is compared with the decoder."""
    low, high, rng = np.array([-1.0, 2.0]), np.array([3.0, 9.0]), np.random.default_rng(0)
    images = rng.random((25, 36))
    metric = np.einsum("nij,nkj->nik", *[rng.normal(size=(49, 2, 2))] * 2)
    plane = planes.compressed(low, high, images, metric)
    monkeypatch.setattr(explorer, "of_run", lambda run: plane)
    runs = dict.fromkeys(
        ("I-AE", "AE"), SimpleNamespace(codes=rng.uniform(low, high, (9, 2)), labels=np.arange(9))
    )
    html = explorer.explorer("a test", runs, tuple("abcdefghi")).data
    (tmp_path / "page.html").write_text(f"<title>x</title>{html}", encoding="utf-8")
    window, faults = visit("page.html", folder=tmp_path)
    window.locator(".explorer.alive").wait_for()
    shades = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 6, 6).data]"
    for key in (None, "ArrowRight", "Shift+ArrowUp", "ArrowDown"):
        if key:
            window.locator(".explorer button.place").press(key)
        mark = window.locator(".explorer button.place")
        left, top = mark.evaluate("mark => [mark.style.left, mark.style.top].map(parseFloat)")
        share = np.array([left, 100 - top]) / 100
        pixels = window.locator(".explorer .found canvas").first.evaluate(shades)[::4]
        true = 255 * (1 - plane.at((low + share * (high - low))[None]))[0]
        assert np.abs(pixels - true).max() <= 0.51
    said = window.locator(".explorer .strip span").first.inner_text()
    stops = low + np.linspace((0.25, 0.35), (0.75, 0.65), 9) * (high - low)
    lengths = plane.lengths(stops)
    numbers = [float(word) for word in re.findall(r"[\d.]+", said)]
    assert numbers == pytest.approx([lengths.mean(), lengths.max() / lengths.min()], rel=0.05)
    assert faults == []
