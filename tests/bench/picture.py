"""Draw docs/stacks.svg from what `make bench-stacks` has measured: `make bench-picture`.

The library is in the bench's own virtual environment, where this runs itself again.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.bench.timing import CACHE, ROOT, install

MEASURED = CACHE / "stacks.json"
PICTURE = ROOT / "docs" / "stacks.svg"
ACTIONS = ("nothing to do", "one changed", "remove", "create")  # the last one is at the top
COLOURS = {
    "dockyard.fleet": "#0b5cad",
    "docker compose": "#d9731a",
    "community.docker": "#3c9a5f",
    "raw API calls": "#a3a9b2",
}


# Values stand behind the ends of their bars, and the library has them across.
NAME = "stacks"
BEHIND = f"inline:#chart-{NAME} .text-overlay text.value{{text-anchor:start}}"


def draw(measured: dict[str, Any]) -> bytes:
    """Return the picture: a group of bars for each action, a bar for each way, in seconds.

    It brings its own background, so that it looks the same on a light page and on a dark one.
    """
    import pygal

    medians = {
        action: {way: statistics.median(times) for way, times in ways.items()}
        for action, ways in measured["seconds"].items()
    }
    chart = pygal.HorizontalBar(
        style=style(),
        css=["file://style.css", "file://graph.css", BEHIND],
        js=[],
        title=f"{measured['about']['containers']} containers: seconds of the whole command",
        width=860,
        height=560,
        # Room for the value behind the longest bar.
        range=(0, 1.1 * max(max(ways.values()) for ways in medians.values())),
        legend_at_bottom=True,
        legend_at_bottom_columns=len(COLOURS),
        print_values=True,
        print_values_position="top",
        formatter=seconds_text,
        value_formatter=lambda seconds: f"{seconds:.0f} s",
    )
    chart.uuid = NAME  # else one that is new each time
    chart.x_labels = ACTIONS
    for way in COLOURS:
        chart.add(way, [medians[action][way] for action in ACTIONS])
    chart.add_xml_filter(bare)
    picture: bytes = chart.render()
    return picture


def style() -> Any:
    """Return the colours and letters of the picture."""
    from pygal.style import Style

    text, line, page = "#24292f", "#d0d7de", "#ffffff"
    return Style(
        background=page,
        plot_background=page,
        foreground=text,
        foreground_strong=text,
        foreground_subtle=text,
        colors=tuple(COLOURS.values()),
        opacity="1",
        font_family="sans-serif",
        title_font_size=19,
        label_font_size=15,
        major_label_font_size=15,
        legend_font_size=15,
        value_font_size=14,
        value_colors=(text,) * len(COLOURS),
        guide_stroke_color=line,
        major_guide_stroke_color=line,
    )


def seconds_text(seconds: float) -> str:
    """Return seconds with as many places as mean something, and a gap before them."""
    places = 1 if seconds >= 0.95 else 2
    return f"\u00a0{seconds:.{places}f} s"


def bare(root: ET.Element) -> ET.Element:
    """Take out scripts, which an image needs none of, and comments, in which today's date is."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag is ET.Comment or str(child.tag).endswith("script"):
                parent.remove(child)
    return root


def main() -> int:
    """Draw the picture, in the environment that has the library."""
    if Path(sys.prefix).resolve() != (CACHE / "venv").resolve():
        install()
        command = [str(CACHE / "venv/bin/python"), "-m", "tests.bench.picture"]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    measured = json.loads(MEASURED.read_text()) if MEASURED.exists() else {"seconds": {}}
    if not measured["seconds"].keys() >= set(ACTIONS):
        sys.exit("run make bench-stacks first, all of it")
    PICTURE.write_bytes(draw(measured))
    print(PICTURE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
