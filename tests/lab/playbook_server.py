"""The process behind tests.lab.playbook: loads ansible-playbook, then runs each request in a fork.

It is run by its path with the number of a socket, on which every request is one message: a JSON
list of arguments, folder and environment, with two files for what is printed. The answer is the
exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import sys
import traceback
from types import ModuleType

# What every playbook needs, beside what ansible.cli.playbook loads by itself.
MODULES = (
    "ansible.executor.module_common",
    "ansible.executor.process.worker",
    "ansible.executor.task_executor",
    "ansible.module_utils.common.json",
    "ansible.plugins.action.normal",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.local",
    "ansible.plugins.connection.ssh",
    "ansible.plugins.filter.core",
    "ansible.plugins.inventory.yaml",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.test.core",
    "ansible.template",
)


def serve(link: socket.socket) -> None:
    """Run what is asked for, one after the other, until nobody asks any more."""
    playbook = importlib.import_module("ansible.cli.playbook")
    for name in MODULES:
        importlib.import_module(name)
    gc.freeze()
    while True:
        message, files, _flags, _sender = socket.recv_fds(link, 1 << 20, 2)
        if not message:
            return
        child = os.fork()
        if not child:
            link.close()
            play(playbook, *json.loads(message), files)
        for file in files:
            os.close(file)
        _child, status = os.waitpid(child, 0)
        link.send(str(os.waitstatus_to_exitcode(status)).encode())


def play(
    playbook: ModuleType,
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    files: list[int],
) -> None:
    """Be ansible-playbook, as the shell would start it, and end."""
    code = 250
    try:
        for number, file in enumerate(files, 1):
            os.dup2(file, number)
            os.close(file)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = arguments
        playbook.main(arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing that the parent has registered for its own end.
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
