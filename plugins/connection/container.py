# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tasks inside a container, through the engine of its host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: container
short_description: Run tasks inside a container of a managed host
description:
  - Runs any task inside a container, by the API of the engine on the container's host.
  - The engine is reached as by the modules of this collection - its socket, or the socket forwarded
    by Ansible's own ssh to the host, or a relay there. Nothing is needed on the host but the
    engine, and no client of it on the controller.
  - C(raw) and C(script) need no Python in the container. The plugin's own transfer of files needs
    nothing in it at all; M(ansible.builtin.copy) and M(ansible.builtin.fetch) run modules beside
    that, which need Python as everywhere. M(dockyard.fleet.copy) does without.
  - Where the controller has no OpenSSH client, Paramiko is used, with the user's ssh_config and
    known hosts.
  - A forward is left to later tasks for as long as ssh keeps its shared connection
    (C(ControlPersist)).
author: dockyard.fleet contributors (@dockyard)
notes:
  - The variable C(ansible_user) is the user inside the container. Where C(group_vars/all) sets it
    for logins, set C(ansible_container_user).
  - Containers seldom have sudo. In place of C(become), say which user the commands run as.
options:
  container:
    description: The name or whole id (64 digits) of the container.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_container_name
  remote_user:
    description: The user inside the container, by name or number. The default is the container's.
    type: str
    vars:
      - name: ansible_user
      - name: ansible_container_user
    keyword:
      - name: remote_user
  working_dir:
    description: The folder that commands start in. The default is the container's.
    type: str
    vars:
      - name: ansible_container_working_dir
  container_environment:
    description: Environment variables of every command, beside the container's.
    type: dict
    default: {}
    vars:
      - name: ansible_container_environment
  privileged:
    description: Whether commands have every capability.
    type: bool
    default: false
    vars:
      - name: ansible_container_privileged
  pipelining:
    description: Whether modules go to Python's standard input, in place of a file.
    type: bool
    default: true
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
    vars:
      - name: ansible_pipelining
      - name: ansible_container_pipelining
  host:
    description:
      - The name or address of the container's host, for ssh.
      - Without it, the container is one of this machine.
    type: str
    vars:
      - name: ansible_container_host
  host_port:
    description: The port of the host's ssh server.
    type: int
    vars:
      - name: ansible_container_host_port
  host_user:
    description: The user to log in as on the host.
    type: str
    vars:
      - name: ansible_container_host_user
  host_password:
    description: The password of O(host_user), for ssh.
    type: str
    vars:
      - name: ansible_container_host_password
  host_private_key_file:
    description: The file with the key of O(host_user), for ssh.
    type: path
    vars:
      - name: ansible_container_host_private_key_file
  host_become:
    description: Whether the engine is used as another user of the host than O(host_user).
    type: bool
    default: false
    vars:
      - name: ansible_container_host_become
  host_become_method:
    description: How to become that user.
    type: str
    default: sudo
    vars:
      - name: ansible_container_host_become_method
  host_become_user:
    description: The user of the host that may use the engine.
    type: str
    default: root
    vars:
      - name: ansible_container_host_become_user
  host_become_password:
    description: The password for O(host_become_method).
    type: str
    vars:
      - name: ansible_container_host_become_password
  ssh_args:
    description: As of the connection plugin P(ansible.builtin.ssh#connection), like the next five.
    type: str
    vars:
      - name: ansible_ssh_args
  ssh_common_args:
    description: Arguments of ssh, such as a jump host.
    type: str
    vars:
      - name: ansible_ssh_common_args
  ssh_extra_args:
    description: Further arguments of ssh.
    type: str
    vars:
      - name: ansible_ssh_extra_args
  ssh_executable:
    description: The program.
    type: str
    vars:
      - name: ansible_ssh_executable
  control_path:
    description: The path of the shared connection's socket.
    type: str
    vars:
      - name: ansible_control_path
  control_path_dir:
    description: The folder for such sockets, also for the forward that is kept.
    type: str
    default: '{{ ANSIBLE_HOME ~ "/cp" }}'
    env:
      - name: ANSIBLE_SSH_CONTROL_PATH_DIR
    ini:
      - section: ssh_connection
        key: control_path_dir
    vars:
      - name: ansible_control_path_dir
  engine_host:
    description:
      - The address of the engine, as its host sees it. The modules of this collection describe this
        option and the next six under the same names.
    type: str
    vars:
      - name: ansible_container_engine_host
  engine_context:
    description: The name of a docker context of this machine, without O(host).
    type: str
    vars:
      - name: ansible_container_engine_context
  engine_tls:
    description: Whether the engine's port speaks TLS.
    type: bool
    vars:
      - name: ansible_container_engine_tls
  engine_ca:
    description: The file with the authorities that may have signed the engine's certificate.
    type: path
    vars:
      - name: ansible_container_engine_ca
  engine_cert:
    description: The file with the client's certificate.
    type: path
    vars:
      - name: ansible_container_engine_cert
  engine_key:
    description: The file with its key.
    type: path
    vars:
      - name: ansible_container_engine_key
  engine_tls_hostname:
    description: The name that the engine's certificate must be for.
    type: str
    vars:
      - name: ansible_container_engine_tls_hostname
  engine_timeout:
    description: Seconds that the engine may take for one answer. Commands are not bounded by it.
    type: int
    default: 60
    vars:
      - name: ansible_container_engine_timeout
"""

from typing import Any, Optional, Tuple

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.engine import Link
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.errors import Unreachable
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.exec import execute


def _open(link: Link) -> Any:
    # A command over a kept forward does not need it.
    from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.open import open_link

    return open_link(link)


class Connection(ConnectionBase):
    """Commands by the engine's exec, files by `cat` or, where there is none, by archives."""

    transport = "dockyard.fleet.container"
    has_pipelining = True
    has_tty = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._link: Optional[Link] = None

    def _connect(self) -> Connection:
        """Prepare the way to the engine; the first command opens it."""
        if self._link is None:
            self._link = Link(self, self._play_context, _open)
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: Optional[bytes] = None, sudoable: bool = True
    ) -> Tuple[int, bytes, bytes]:
        """Run a command line of the shell; return its status, output and error output."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        asks = sudoable and self.become is not None and self.become.expect_prompt()
        words = [self._play_context.executable or "/bin/sh", "-c", cmd]
        done = self._guarded(execute, words, in_data, become=self.become if asks else None)
        return done.status, done.out, done.err

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the controller into the container."""
        super().put_file(in_path, out_path)
        from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.files import put

        self._guarded(put, in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the container to the controller."""
        super().fetch_file(in_path, out_path)
        from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.files import fetch

        self._guarded(fetch, in_path, out_path)

    def close(self) -> None:
        """Close what this task opened; a kept forward stays."""
        if self._link is not None:
            self._link.close()
            self._link = None
        self._connected = False

    def reset(self) -> None:
        """Close and begin anew."""
        self.close()
        self._connect()

    # core would add the messages of the causes to ours.
    def _guarded(self, work: Any, *given: Any, **named: Any) -> Any:
        """Do work in the container; a way that is not there means that it is unreachable."""
        if self._link is None:
            self._connect()
        try:
            return work(self._link, *given, **named)
        except Unreachable as error:
            raise AnsibleConnectionFailure(str(error)) from None
        except FileNotFoundError as error:
            raise AnsibleFileNotFound(f"there is no file {error.filename}") from None
        except (FleetError, OSError) as error:
            raise AnsibleError(str(error)) from None
