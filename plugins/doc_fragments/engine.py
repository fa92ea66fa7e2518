# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all modules about a container engine share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection, and the attributes of what changes or only reads."""

    DOCUMENTATION = r"""
options:
  engine_host:
    description:
      - Where the engine listens, as the host that the task is about sees it.
      - C(unix:///PATH) is a socket of the host.
      - C(tcp://HOST:PORT) is a port that the host reaches, O(engine_tls) says how it is secured.
      - C(ssh://[USER@]HOST[:PORT][/PATH]) goes from the controller by the user's own ssh, whatever
        the task's connection; it must work without a question.
      - Without it, O(engine_context) counts, then E(DOCKER_HOST) and E(DOCKER_CONTEXT) in the
        task's C(environment), with a C(local) connection also in the controller's, then there the
        current docker context, then the first of these that the user may use -
        V(unix:///var/run/docker.sock), C(docker.sock) and C(podman/podman.sock) in
        E(XDG_RUNTIME_DIR), V(unix:///run/podman/podman.sock).
    type: str
    aliases: [docker_host]
  engine_context:
    description:
      - The name of a docker context, in place of O(engine_host).
      - Contexts are files of the user on the host. Without a C(local) connection they are read
        by the module there.
    type: str
    aliases: [cli_context]
  engine_tls:
    description:
      - Whether a C(tcp://) engine speaks TLS. At least TLS 1.2 is spoken, and the engine's
        certificate is checked, always.
      - The default is V(true) if one of the options about certificates is given, if the environment
        or the docker context asks for it as for docker's client (E(DOCKER_TLS_VERIFY),
        E(DOCKER_CERT_PATH)), or if the port is 2376.
      - A port without TLS makes whoever reaches it root on its host; without V(false) only one on
        loopback is accepted.
    type: bool
    aliases: [tls]
  engine_ca:
    description:
      - The file with the authorities (PEM) that may have signed the engine's certificate.
      - It is a file where the work is done, like the next two - on the controller, with
        O(engine_via=target) on the host.
      - Without it, those of the docker context or of E(DOCKER_CERT_PATH), else the system's.
    type: path
    aliases: [ca_path, cacert_path, tls_ca_cert]
  engine_cert:
    description: The file with the client's own certificate (PEM), beside O(engine_key).
    type: path
    aliases: [client_cert, cert_path, tls_client_cert]
  engine_key:
    description: The file with the certificate's key (PEM), which must not need a password.
    type: path
    aliases: [client_key, key_path, tls_client_key]
  engine_tls_hostname:
    description: The name that the engine's certificate must be for, if not that of O(engine_host).
    type: str
    aliases: [tls_hostname]
  engine_via:
    description:
      - Where the work is done. Results are equal.
      - V(channel) works from the controller, over a stream to the engine's socket through
        Ansible's own connection; nothing but the engine is needed on the host.
      - V(target) runs as a module on the host, which needs Python there.
      - V(auto) takes the channel, and the module if no channel opens.
    type: str
    choices: [auto, channel, target]
    default: auto
  engine_timeout:
    description:
      - Seconds that the engine may take for one answer. One that drips has to be whole within five
        times that.
      - Stopping and waiting have their own time on top; builds and pulls are bounded by silence.
    type: int
    default: 60
    aliases: [timeout]
  pending:
    description:
      - What earlier tasks of a run in check mode would do, by address, each with C(kind), C(causes)
        and C(keeps). A text stands for a change with that cause.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: dict
    default: {}
notes:
  - Docker 20.10 and later and Podman's compatible API are spoken to; the API version is
    negotiated.
"""

    # For modules that change something.
    CHANGING = r"""
attributes:
  check_mode:
    description: Runs in check mode and shows what would be done, without changing anything.
    support: full
  diff_mode:
    description: Shows the plan, a line for each cause, under C(--diff).
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
"""

    # What networks and volumes have in common.
    KEPT = r"""
options:
  state:
    description: Whether it has to be there or must not be.
    type: str
    choices: [absent, present]
    default: present
  external:
    description:
      - Somebody else keeps it. It must be there, is never changed, and takes no other settings.
    type: bool
    default: false
  allow:
    description: The impacts that changes may have.
    type: list
    elements: str
    choices: [live, restart, replace]
    default: [live, restart, replace]
  protect:
    description: Refuses to replace and to remove it.
    type: bool
    default: false
  ignore_changes:
    description: Names of options whose differences are left as they are.
    type: list
    elements: str
    default: []
  adopt:
    description: Permits to replace or remove one that neither this collection nor Compose made.
    type: bool
    default: false
"""

    # For modules that list things of one kind.
    LISTING = r"""
options:
  names:
    description:
      - Names or whole ids. What does not exist is returned with C(exists) false, and is no failure.
    type: list
    elements: str
  filters:
    description: What must hold of it; all of the given ones.
    type: dict
    suboptions:
      label:
        description: Labels, as C(KEY) or C(KEY=VALUE); all of them must be there.
        type: list
        elements: str
      name:
        description: Regular expressions; one of them must match a part of the name.
        type: list
        elements: str
      owned:
        description: Whether this collection made it (V(true)) or did not (V(false)).
        type: bool
      engine:
        description:
          - The engine's own filters, by their names in its API, each with one value or a list.
        type: dict
"""

    # For modules about an account at a registry.
    ACCOUNT = r"""
options:
  registry:
    description: The registry, as C(HOST[:PORT]); the default is Docker Hub.
    type: str
    default: docker.io
  store:
    description:
      - On which machine the account is kept, for the user that the task runs as there.
      - V(host) is the host of the task. It is what C(docker) and Compose use there, and what
        M(dockyard.fleet.image) uses with C(engine_via=target). Python is needed on the host.
      - V(controller) is the machine that runs Ansible. It is what M(dockyard.fleet.image) uses
        whenever it reaches the engine by a channel, which it does by default.
      - The work is done there, whatever O(engine_via) says.
    type: str
    choices: [controller, host]
    default: host
  config_path:
    description:
      - The absolute path of the client's C(config.json) on that machine. The default is in the
        folder that E(DOCKER_CONFIG) names, else in C(.docker) of the user's home.
    type: str
"""

    # For modules that only look.
    READING = r"""
attributes:
  check_mode:
    description: Runs in check mode as always, since nothing is changed.
    support: full
  diff_mode:
    description: Has nothing to show, since nothing is changed.
    support: N/A
  idempotent:
    description: A second run changes nothing either.
    support: full
"""
