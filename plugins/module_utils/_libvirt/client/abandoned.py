# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the result of a module is still waited for.

Ansible ends a task whose timeout is over, and the module that it sent goes on: with a download of
hours, and with the lock that the next task wants.
"""

from __future__ import annotations

import select

from ..._desired.errors import FleetError

_OUTPUT = 1


class GivenUp(FleetError):
    """The work was left where it is, and the next run goes on with it."""

    outcome_unknown = True


def go_on() -> None:
    """Raise GivenUp if the result will not be read: the other end of the output is closed.

    Called between pieces of long work that the next run goes on with, and nowhere else: a machine
    that was shut down is started again, whoever waits for it.
    """
    poll = select.poll()
    poll.register(_OUTPUT, 0)
    if any(event & (select.POLLERR | select.POLLHUP) for _number, event in poll.poll(0)):
        raise GivenUp("the task was abandoned, and nothing waits for it now")
