"""Whatever interrupts a write, a file or folder is whole: as before, or as it shall be."""

from __future__ import annotations

import os

import pytest

from isoae_lib import files
from isoae_lib.errors import InputError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def events(monkeypatch):
    """What is flushed to the disk and what is renamed, in order."""
    seen = []
    sync = os.fsync

    def noted(handle):
        seen.append(("flush", os.readlink(f"/proc/self/fd/{handle}")))
        sync(handle)

    monkeypatch.setattr(files.os, "fsync", noted)
    for name in ("rename", "replace"):
        move = getattr(files.Path, name)

        def moved(path, target, move=move):
            seen.append(("move", str(target)))
            return move(path, target)

        monkeypatch.setattr(files.Path, name, moved)
    return seen


linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="reads Linux's /proc")


@linux
def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path, events):
    files.write_whole(tmp_path / "deep" / "file", "ü ± é")
    assert (tmp_path / "deep" / "file").read_bytes() == "ü ± é".encode()
    kinds = [kind for kind, _ in events]
    assert kinds == ["flush", "move", "flush"] and events[-1][1] == str(tmp_path / "deep")
    assert names(tmp_path / "deep") == ["file"]


@linux
def test_every_file_of_a_folder_is_on_the_disk_before_it_takes_its_name(tmp_path, events):
    with files.whole_folder(tmp_path / "folder") as aside:
        (aside / "inner").mkdir()
        for name in ("a", "inner/b"):
            (aside / name).write_text(name, encoding="utf-8")
    moved = events.index(("move", str(tmp_path / "folder")))
    flushed = {path for kind, path in events[:moved] if kind == "flush"}
    assert {str(aside / name) for name in ("a", "inner", "inner/b")} | {str(aside)} <= flushed
    assert events[moved + 1] == ("flush", str(tmp_path))


@pytest.mark.parametrize("content", ["new", b"new"])
def test_a_full_disk_leaves_the_file_before(tmp_path, monkeypatch, content):
    file = tmp_path / "file"
    file.write_text("old", encoding="utf-8")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match=r"file cannot be written: No space left on device\."):
        files.write_whole(file, content)
    assert file.read_text(encoding="utf-8") == "old" and names(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "full"), ValueError])
def test_a_folder_that_is_not_filled_changes_nothing(tmp_path, error):
    folder = tmp_path / "folder"
    with files.whole_folder(folder) as aside:
        (aside / "file").write_text("old", encoding="utf-8")
    expected = pytest.raises((InputError, KeyboardInterrupt, ValueError))
    with expected, files.whole_folder(folder) as aside:
        (aside / "file").write_text("half", encoding="utf-8")
        raise error
    assert (folder / "file").read_text(encoding="utf-8") == "old" and names(tmp_path) == ["folder"]


def test_what_a_killed_process_left_is_not_taken_over(tmp_path):
    (tmp_path / ".folder.writing").mkdir()
    (tmp_path / ".folder.writing" / "left").write_text("over", encoding="utf-8")
    with files.whole_folder(tmp_path / "folder") as aside:
        (aside / "file").write_text("whole", encoding="utf-8")
    assert names(tmp_path / "folder") == ["file"] and names(tmp_path) == ["folder"]


def test_what_was_there_before_goes_or_stays(tmp_path):
    for keep, text in ((False, "1"), (False, "2"), (True, "3"), (True, "4")):
        with files.whole_folder(tmp_path / "folder", keep) as aside:
            (aside / "file").write_text(text, encoding="utf-8")
    assert names(tmp_path) == [".folder.replaced", ".folder.replaced-1", "folder"]
    kept = [(tmp_path / name / "file").read_text(encoding="utf-8") for name in names(tmp_path)]
    assert kept == ["2", "3", "4"]


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        with files.whole_folder(tmp_path / "folder") as aside:
            (aside / "file").write_text("", encoding="utf-8")
        files.write_whole(tmp_path / "file", "")
    finally:
        os.umask(before)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("folder", "file")}
    assert modes == {"folder": 0o755, "file": 0o644}
