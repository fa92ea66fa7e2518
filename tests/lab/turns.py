"""Several controllers at one fake engine, in turns: who does how many calls before whom.

    with Turns(fake, "AB") as turns:
        told = turns.play([("A", 5), ("B", None), ("A", None)], {"A": run_a, "B": run_b})

Each has a socket of its own, `turns.sockets["A"]`, and so a lock of its own: locks reach one
controller only.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .fake_engine import FakeEngine
from .serving import Request, Response, Server

# Who, and how many calls; None for all that are left.
Turn = Tuple[str, Optional[int]]


class _Door(FakeEngine):
    """One more socket of an engine, at which each request waits for its turn."""

    def __init__(self, engine: FakeEngine, turns: Turns, who: str) -> None:
        super().__init__(engine.api, counted="all")
        self.state = engine.state
        self.turns, self.who = turns, who

    def answer(self, request: Request) -> Response:
        self.turns.wait(self.who)
        return super().answer(request)

    def __exit__(self, *exc: object) -> None:
        Server.__exit__(self, *exc)  # the engine goes on


class Turns:
    """Doors to one engine, and whose turn it is."""

    def __init__(self, engine: FakeEngine, names: str) -> None:
        self.doors = {who: _Door(engine, self, who) for who in names}
        self._changed = threading.Condition()
        self._left: List[List[Any]] = []

    def __enter__(self) -> Turns:
        for door in self.doors.values():
            door.__enter__()
        self.sockets = {who: door.socket_path for who, door in self.doors.items()}
        return self

    def __exit__(self, *exc: object) -> None:
        for door in self.doors.values():
            door.__exit__(*exc)

    def play(
        self, turns: Sequence[Turn], runs: Dict[str, Callable[[], Any]]
    ) -> Dict[str, Dict[str, Any]]:
        """Let all run at once, their calls in these turns; return what each returned."""
        self._left = [list(turn) for turn in turns]

        def run(who: str) -> Any:
            try:
                return runs[who]()
            finally:
                self._ended(who)

        with ThreadPoolExecutor(len(runs)) as pool:
            begun = {who: pool.submit(run, who) for who in runs}
        return {who: one.result() for who, one in begun.items()}

    def wait(self, who: str) -> None:
        """Return once a call of `who` may be answered."""
        with self._changed:
            self._use_up(who)
            self._changed.wait_for(lambda: not self._left or self._left[0][0] == who)
            if self._left and self._left[0][1] is not None:
                self._left[0][1] -= 1

    def _use_up(self, who: str) -> None:
        """End the turn of one who asks for more than it has."""
        while self._left and self._left[0] == [who, 0]:
            del self._left[0]
            self._changed.notify_all()

    def _ended(self, who: str) -> None:
        with self._changed:
            self._left = [turn for turn in self._left if turn[0] != who]
            self._changed.notify_all()
