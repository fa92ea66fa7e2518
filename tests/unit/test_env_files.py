"""Files of variables: Compose's grammar, what wins, and errors without values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.plugin_utils.env_files import parse_file, with_files

TEXT = """\
# a comment
export PLAIN = some words  # a comment
EMPTY=
COLON: value
HASH=a#b
SINGLE='as $it\\'s #written' # a comment
DOUBLE="two\\nlines, \\"quoted\\", ${HASH} \\$5"

LONG="over
two lines"
AGAIN=$PLAIN and ${EMPTY}more
"""


def loader(folder: Path) -> DataLoader:
    made = DataLoader()
    made.set_basedir(str(folder))
    return made


def test_a_file_is_read_as_compose_reads_it() -> None:
    assert parse_file(TEXT, "env_file", {}) == {
        "PLAIN": "some words",
        "EMPTY": "",
        "COLON": "value",
        "HASH": "a#b",
        "SINGLE": "as $it's #written",
        "DOUBLE": 'two\nlines, "quoted", a#b $5',
        "LONG": "over\ntwo lines",
        "AGAIN": "some words and more",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=1\nB", "env_file: line 2 has no value, and no environment is there to take it from"),
        ('A=1\n\nB="hush', "env_file: line 3 is not KEY=value; look at its quotes"),
        ("A=$HOME", "env_file: line 1 refers to HOME, which nothing before it sets"),
        ("=hush", "env_file: line 1 is not KEY=value; look at its quotes"),
    ],
)
def test_what_cannot_be_understood_is_named_by_its_line(text: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        parse_file(text, "env_file", {})
    assert str(caught.value) == message


def test_later_files_win_and_what_the_task_says_wins_over_all(tmp_path: Path) -> None:
    (tmp_path / "one.env").write_text("A=1\nB=1\nC=1\nD=1\n")
    (tmp_path / "two.env").write_text("B='2 $x'\n")
    (tmp_path / "labels").write_text("team=shop\nfrom=file\n")
    params: Dict[str, Any] = {
        "env_file": [
            "one.env",
            {"path": "two.env", "format": "raw"},
            {"path": "three.env", "required": False},
        ],
        "environment": ["C=3"],
        "secret_environment": {"D": "4"},
        "label_file": "labels",
        "labels": {"from": "task"},
    }
    made = with_files(params, loader(tmp_path))
    assert made["secret_environment"] == {"A": "1", "B": "'2 $x'", "D": "4"}
    assert made["labels"] == {"team": "shop", "from": "task"}
    assert made["env_file"] is None
    assert made["label_file"] is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"env_file: there is no file .*/none\.env on the"):
        with_files({"env_file": "none.env"}, loader(tmp_path))


def test_a_home_folder_is_not_expanded(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="label_file: '~/labels': a ~ is not expanded"):
        with_files({"label_file": "~/labels"}, loader(tmp_path))
