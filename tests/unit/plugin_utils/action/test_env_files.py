"""Files of variables: Compose's grammar, what wins, and errors without values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.env_files import with_files
from ansible_collections.dockyard.fleet.plugins.plugin_utils.values.env_file import parse_file

ONLY = "only what stands before it in these files is known"
RULES = "NAME, NAME:-WORD, NAME:+WORD and NAME:?WORD"
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
        ("A=$HOME", "env_file: line 1 refers to HOME, which nothing before it sets; " + ONLY),
        ("=hush", "env_file: line 1 is not KEY=value; look at its quotes"),
        ("A=${B:?hush}", f"env_file: line 1 requires B, which nothing before it sets; {ONLY}"),
        ("B=\nA=${B:?hush}", f"env_file: line 2 requires B, which nothing before it sets; {ONLY}"),
        ("A=${B?}", f"env_file: line 1 requires B, which nothing before it sets; {ONLY}"),
        ("A=${B:-${C}}", f"env_file: line 1 refers to C, which nothing before it sets; {ONLY}"),
        ("A=${B", f"env_file: line 1 has a ${{ without its }}; {ONLY}"),
        ("A=${B/hush/x}", f"env_file: line 1 has a ${{…}} that is none of {RULES}; {ONLY}"),
        ("A=${}", f"env_file: line 1 has a ${{…}} that is none of {RULES}; {ONLY}"),
    ],
)
def test_what_cannot_be_understood_is_named_by_its_line(text: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        parse_file(text, "env_file", {})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("${NONE:-x}", "x"),
        ("${NONE-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${SET:-x}", "s"),
        ("${SET:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NONE+x}", ""),
        ("${SET:?gone}", "s"),
        ("${NONE:-${EMPTY:-${SET}y}}z", "syz"),
        ("${NONE:-$SET}", "s"),
        ('"${NONE:-a b}"', "a b"),
        ("$$SET ${SET}", "$SET s"),
        ("5$ $5 $-", "5$ $5 $-"),
        # what is put in is not looked at again, whatever it holds
        ('"$PATH_"', "C:\\new\\table"),
        ("$PASSWORD", "p\\$w"),
        ('"$DOLLAR"', "${SET}"),
        # what is behind a backslash is taken first
        ('"\\\\$SET"', "\\s"),
        ('"\\$SET"', "$SET"),
        ("\\$SET", "$SET"),
    ],
)
def test_variables_are_substituted_as_compose_does(line: str, value: str) -> None:
    before = "SET=s\nEMPTY=\nPATH_='C:\\new\\table'\nPASSWORD='p\\$w'\nDOLLAR='${SET}'\n"
    assert parse_file(f"{before}A={line}", "env_file", {})["A"] == value


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "one.env").write_bytes(b"\xef\xbb\xbfA=1\r\n")
    (tmp_path / "two.env").write_bytes(b"\xef\xbb\xbfB=2\r\n")
    files = ["one.env", {"path": "two.env", "format": "raw"}]
    made = with_files({"env_file": files}, loader(tmp_path))
    assert made["secret_environment"] == {"A": "1", "B": "2"}


def test_a_raw_file_is_cut_at_line_feeds_alone(tmp_path: Path) -> None:
    (tmp_path / "raw.env").write_bytes("A=1\f2\u20283\x0b4\r5 \n  # no\n\n \tB='x\n".encode())
    made = with_files({"env_file": {"path": "raw.env", "format": "raw"}}, loader(tmp_path))
    assert made["secret_environment"] == {"A": "1\f2\u20283\x0b4\r5 ", "B": "'x"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("=x", "line 1 has no usable name; a name holds no blanks, and stands before the ="),
        ("A B=x", "line 1 has no usable name; a name holds no blanks, and stands before the ="),
        ("A", "line 1 has no value, and no environment is there to take it from"),
    ],
)
def test_a_raw_line_without_a_name_or_a_value_is_refused(
    tmp_path: Path, line: str, message: str
) -> None:
    (tmp_path / "raw.env").write_text(line)
    with pytest.raises(InvalidOption) as caught:
        with_files({"env_file": [{"path": "raw.env", "format": "raw"}]}, loader(tmp_path))
    assert str(caught.value) == f"env_file[0]: {message}"


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"A=\xe9")
    for name, text in (("latin", "is not UTF-8 text"), (".", "is not a file")):
        with pytest.raises(InvalidOption) as caught:
            with_files({"env_file": name}, loader(tmp_path))
        assert str(caught.value).endswith(text)


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
