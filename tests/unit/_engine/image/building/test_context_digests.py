"""Which files changed: exact for small contexts, by folder for large ones, never a wrong name."""

from __future__ import annotations

from typing import Dict

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import (
    context_digests,
)


def tree(folders: int, files: int) -> Dict[str, str]:
    made = {f"many/{n}/{m}": f"{n}{m}" for n in range(folders) for m in range(files)}
    made.update({f"many/{n}/": "755" for n in range(folders)})
    return {**made, "app.conf": "x"}


def test_single_files_are_named() -> None:
    then = {"a": "1", "b": "1", "d/": "1", "d/x": "1", "old/": "1", "old/y": "1"}
    now = {"a": "2", "c": "1", "d/": "1", "d/x": "2", "new/": "1", "new/y": "1"}
    assert context_digests.compare(then, now) == [
        ("a", "changed"),
        ("b", "removed"),
        ("c", "added"),
        ("d/x", "changed"),
        ("new/", "added"),
        ("old/", "removed"),
    ]


def test_large_contexts_are_folded_by_level() -> None:
    files = tree(30, 10)
    folded = context_digests.merge_folders(files)
    assert len(folded) == 31
    assert folded["app.conf"] == "x"
    changed = context_digests.merge_folders({**files, "many/3/4": "other", "many/4/new": "1"})
    assert context_digests.compare(folded, changed) == [
        ("many/3/", "changed"),
        ("many/4/", "changed"),
    ]
    assert context_digests.compare(
        folded, context_digests.merge_folders({**files, "many/3/": "700"})
    ) == [("many/3/", "changed")]


def test_a_context_that_outgrows_the_limit_names_only_what_differs() -> None:
    small = tree(18, 10)
    large = {**small, **{f"many/7/n{n}": "1" for n in range(30)}}
    assert len(small) <= context_digests.MAX_FILES < len(large)
    assert context_digests.compare(
        context_digests.merge_folders(small), context_digests.merge_folders(large)
    ) == [("many/7/", "changed")]
    assert context_digests.compare(
        context_digests.merge_folders(large), context_digests.merge_folders(small)
    ) == [("many/7/", "changed")]


def test_deep_and_flat_extremes() -> None:
    flat = {f"f{n}": "1" for n in range(500)}
    assert len(context_digests.merge_folders(flat)) == 1
    assert context_digests.compare(
        context_digests.merge_folders(flat), context_digests.merge_folders({**flat, "f1": "2"})
    ) == [("", "changed")]
    deep = {"/".join("d" * n) + "/f": str(n) for n in range(1, 300)}
    assert len(context_digests.merge_folders(deep)) <= context_digests.MAX_FILES
    assert context_digests.compare(
        context_digests.merge_folders(deep), context_digests.merge_folders({**deep, "d/f": "other"})
    ) == [("d/f", "changed")]
