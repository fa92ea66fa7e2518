# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: one snapshot of a container, its leftovers, its image and what it refers to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, FrozenSet, Mapping, Optional, Tuple

from ..._desired.values import dig
from .inspected import Inspect

if TYPE_CHECKING:
    from .dependent import Dependent

Bases = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, repr=False, eq=False)
class Observed:
    """One look at the engine. Containers and images are what its inspect answers.

    `current` has the container's name; `fresh` is a replacement under its temporary name; `old`
    was set aside by a replacement; `apart` is called so too, but nothing says that it is ours, or
    that we did it. `image` is the wanted one, None if it is not on the engine;
    `bases` maps image ids to the configurations of the containers' images. `networks`
    and `peers` map the names that the task refers to, to ids, `nets` networks to their inspect,
    without the containers that an earlier task of this run changes; `others` are all containers as
    listed, looked at only if one is to be created; `dependents` use
    the namespaces of one that is to be replaced, `next_dependents` those of the current one while
    its own replacement is unfinished. `unknown` maps "engine", "image", network names and
    "container NAME" (its own without a name) to what an earlier task of this run would do to them,
    `lent` the options that name such a container, and not by its name alone.
    `hidden` are the environment keys that the task declares secret, `new_volumes` named volumes
    that are not there, and would be made with a container.
    """

    current: Optional[Inspect] = None
    fresh: Optional[Inspect] = None
    old: Optional[Inspect] = None
    apart: Optional[Inspect] = None
    image: Optional[Inspect] = None
    bases: Bases = field(default_factory=dict)
    remote: Any = None
    networks: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, str] = field(default_factory=dict)
    nets: Mapping[str, Inspect] = field(default_factory=dict)
    others: Tuple[Mapping[str, Any], ...] = ()
    dependents: Tuple[Dependent, ...] = ()
    next_dependents: Tuple[Dependent, ...] = ()
    api: Tuple[int, int] = (0, 0)
    kind: str = ""
    unknown: Mapping[str, str] = field(default_factory=dict)
    lent: Mapping[str, str] = field(default_factory=dict)
    hidden: FrozenSet[str] = frozenset()
    new_volumes: Tuple[str, ...] = ()
    settled: bool = False

    @property
    def base(self) -> Optional[Mapping[str, Any]]:
        """The configuration of the current container's image, None if that is gone."""
        return self.bases.get(str(dig(self.current, "Image")))
