"""How a machine of the built-in driver runs, where that driver cannot play it; see hostwork.py."""

from __future__ import annotations

from typing import Any, Dict, List

from tests.lab.hostworld import World

# VIR_DOMAIN_XML_INACTIVE.
_INACTIVE = 2


def leave(keeper: Any, world: World, case: Dict[str, Any]) -> None:
    """Let machines be as a case says that others left them."""
    for name in case.get("saved", ()):
        domain = keeper.lookupByName(name)
        world.saved[name] = domain.XMLDesc(0)
        domain.destroy()
    for name, words in case.get("edited", {}).items():
        text = keeper.lookupByName(name).XMLDesc(_INACTIVE)
        for old, new in words.items():
            assert old in text, (old, text)
            text = text.replace(old, new)
        keeper.defineXML(text)
    world.states.update(case.get("states", {}))
    world.transient.update(case.get("transient", ()))


class Runs:
    """Calls about a machine's run: paused by somebody, asleep, saved, not defined."""

    world: World

    def _play_state(self, domain: Any, function: Any, flags: int) -> List[int]:
        return self.world.states.get(domain.name()) or function(flags)

    def _play_resume(self, domain: Any, function: Any) -> None:
        if self.world.states.pop(domain.name(), None) is None:
            function()

    def _play_pMWakeup(self, domain: Any, function: Any, flags: int) -> None:
        self.world.states.pop(domain.name())

    def _play_destroy(self, domain: Any, function: Any) -> None:
        self._ended(domain.name())
        function()

    def _play_shutdown(self, domain: Any, function: Any) -> None:
        self._ended(domain.name())
        function()

    def _ended(self, name: str) -> None:
        self.world.states.pop(name, None)
        self.world.restored.pop(name, None)

    def _play_create(self, target: Any, function: Any, *args: Any) -> Any:
        name = target.name()
        self.world.plugged.pop(name, None)
        self.world.states.pop(name, None)
        if name in self.world.saved:
            self.world.restored[name] = self.world.saved.pop(name)
        return function(*args)

    def _play_isPersistent(self, domain: Any, function: Any) -> bool:
        return domain.name() not in self.world.transient

    def _play_defineXMLFlags(self, connection: Any, function: Any, *args: Any) -> Any:
        made = function(*args)
        self.world.transient.discard(made.name())
        return made

    def _play_hasManagedSaveImage(self, domain: Any, function: Any, flags: int) -> bool:
        return domain.name() in self.world.saved

    def _play_managedSaveGetXMLDesc(self, domain: Any, function: Any, flags: int) -> str:
        return self.world.saved[domain.name()]
