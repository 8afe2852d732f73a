"""The page of the training library has all of it."""

from __future__ import annotations

import re

from isoae_lib.files import ROOT


def test_every_module_of_the_training_library_is_on_its_page_once():
    page = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
    modules = [f.stem for f in (ROOT / "isoae_lib" / "core").glob("*.py") if f.stem != "__init__"]
    assert sorted(re.findall(r"automodule:: isoae_lib\.core\.(\w+)", page)) == sorted(modules)
    for name in modules:
        assert f"### `isoae_lib.core.{name}`" in page
