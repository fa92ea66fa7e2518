"""Which word a hint takes for what was meant."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.values import nearest

FEW = ("entrypoint", "hostname", "mem_limit", "ports")
MANY = (*FEW, *(f"{number}-{number}" for number in range(30)))


@pytest.mark.parametrize(
    ("word", "meant"),
    [("prots", "ports"), ("Hostnam", "hostname"), ("memory_lim", "mem_limit"), ("entry", FEW[0])],
)
def test_a_near_miss_is_answered_with_what_was_meant(word: str, meant: str) -> None:
    assert nearest(word, MANY) == f"did you mean {meant}?"


@pytest.mark.parametrize("word", ["host-entry", "limits", "build"])
def test_a_far_word_is_answered_with_no_guess(word: str) -> None:
    assert nearest(word, FEW) == f"use one of {', '.join(FEW)}"
    assert nearest(word, MANY) == "its documentation lists all"
