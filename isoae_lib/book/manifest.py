"""The release manifest: every published file with its size and checksum, as an RO-Crate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from isoae_lib.book.links import git
from isoae_lib.files import ROOT, write_whole
from isoae_lib.paper.provenance import commit

NAME = "ro-crate-metadata.json"  # RO-Crate asks for this name, at the root of what is released
SPECIFICATION = "https://w3id.org/ro/crate/1.2"
SINGLE = (
    "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md", "_config.yml",
    "_toc.yml",
)  # fmt: skip


def write() -> Path:
    """Write the manifest to `build`, and return its path; the same files give the same bytes.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    target = ROOT / "build" / NAME
    write_whole(target, json.dumps(_crate(), indent=1) + "\n")
    return target


def _crate() -> dict[str, object]:
    """Return the sources of the book, the notebooks and the data, as RO-Crate describes them."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    files = [_file(path) for path in sorted(_published())]
    about = {"@id": NAME, "@type": "CreativeWork", "conformsTo": {"@id": SPECIFICATION},
             "about": {"@id": "./"}}  # fmt: skip
    root = {
        "@id": "./", "@type": "Dataset", "name": cited["title"], "description": cited["abstract"],
        "license": {"@id": "LICENSE"}, "version": commit(),
        "datePublished": git("log", "-1", "--format=%cs"),
        "hasPart": [{"@id": file["@id"]} for file in files],
    }  # fmt: skip
    return {"@context": f"{SPECIFICATION}/context", "@graph": [about, root, *files]}


def _published() -> Iterator[Path]:
    """Yield the published files: not the raw images, and nothing hidden, as caches are."""
    yield from (ROOT / name for name in SINGLE)
    for folder in ("book", "data", "notebooks"):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT)
            hidden = any(part.startswith((".", "__")) for part in inside.parts)
            if path.is_file() and not hidden and inside.parts[:2] != ("data", "raw"):
                yield path


def _file(path: Path) -> dict[str, str]:
    content = path.read_bytes()
    return {
        "@id": path.relative_to(ROOT).as_posix(), "@type": "File",
        "contentSize": str(len(content)), "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
