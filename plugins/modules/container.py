#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: container
short_description: Create, change and remove a container
version_added: 0.1.0
description:
  - Keeps one container as declared, with the keys that Compose has for a service.
  - What is declared is compared with what is there, in full. An option that is left out means the
    default of the image or the engine, so an environment key or a port that is taken out of the
    task is taken away from the container.
  - Each change is made at the least cost. What the engine can change while the container runs is
    changed C(live); anything else is a C(replace).
  - A replacement is created before the old container stops. If it does not come up, the old one
    runs again. A run that was killed midway is finished, or undone, by the next one.
  - Without O(image) only the state of an existing container is managed.
  - An option that this engine would drop silently is refused, and the message names the API
    version that has it.
  - 'Keys of a service that are about more than one container are not options: C(build) belongs to
    M(dockyard.fleet.image), C(container_name) is O(name); C(depends_on), C(profiles), C(scale),
    C(extends), C(configs), C(secrets), C(post_start), C(pre_stop), C(develop), C(provider) and
    C(models) need a whole Compose project; M(dockyard.fleet.copy) puts files into a container.
    C(attach) is for whoever watches C(docker compose up).'
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
  - dockyard.fleet.container_service
  - dockyard.fleet.container_runs
  - dockyard.fleet.container_limits
  - dockyard.fleet.container_shares
options:
  name:
    description:
      - The name of the container; two or more letters, digits, V(_), V(.) or V(-).
    type: str
    required: true
  image:
    description:
      - The image, as C([REGISTRY/]NAME[:TAG]), C(NAME@DIGEST) or an image id.
      - The container is compared by image id, so one whose tag has moved is replaced.
      - 'Change: C(replace).'
    type: str
  pull_policy:
    description:
      - When the image is pulled.
      - V(missing) pulls it if it is not on the engine; V(if_not_present) is another word for it.
      - V(always) asks the registry which image it has, and pulls it if it is another.
      - V(daily), V(weekly) and C(every_DURATION), such as V(every_12h), do the same if the image
        was tagged longer ago than that.
      - V(never) fails if it is not on the engine.
    type: str
    default: missing
  state:
    description:
      - V(started), it exists as declared and runs. One that somebody has paused goes on; the plan
        says so.
      - V(stopped), it exists as declared and does not run. A paused one goes on to be stopped, so
        that it can end by itself.
      - V(paused), it exists as declared, was started and came up as O(wait) demands, and its
        processes are frozen.
      - V(present), it exists as declared; whether it runs, or is paused, is left as it is.
      - V(absent), it does not exist. Anonymous volumes stay unless O(remove_volumes=true).
    type: str
    choices: [absent, present, started, stopped, paused]
    default: started
  wait:
    description:
      - What a started container must reach, else the task fails and what was there before runs
        again; a new one is removed.
      - It holds as well where nothing else is to be done, so a container that restarts again and
        again, or is not healthy, fails the task; it is left as it is then. Waiting is no change,
        and check mode says in RV(plan.notes) how the container is.
      - V(started), it runs through O(monitor) without a stop or a restart.
      - V(healthy), its healthcheck succeeds; an error if there is none.
      - V(completed), it does its work and ends with exit code 0. One that has done so is not
        started again.
      - V(none), nothing.
      - A container that exits, is killed, restarts, becomes unhealthy or is removed ends the wait
        at once. The message has the likely cause, what the exit code means, and the last words of
        the container or its probe; secret values are masked in them.
    type: str
    choices: [none, started, healthy, completed]
    default: started
  wait_timeout:
    description:
      - How long O(wait) may take.
    type: str
    default: 5m
  monitor:
    description:
      - How long a container must run to count as started or healthy.
    type: str
    default: 500ms
  recreate:
    description:
      - V(auto) replaces the container if something changed that needs it.
      - V(always) replaces it in every run.
      - V(never) leaves such changes unmade and says so in RV(plan.notes).
    type: str
    choices: [auto, always, never]
    default: auto
  moved_from:
    description:
      - The name that the container had before. If a container of that name is there, it is renamed
        to O(name), which interrupts nothing, before anything else is compared.
      - If there is none, the option does nothing. Leave it in until the container is replaced for
        another reason, since only then its label says the new name; without it a renamed container
        counts as one that somebody else made.
      - If containers of both names are there, the task is refused.
      - 'Change: C(live).'
    type: str
  force_restart:
    description:
      - Restarts the container in every run in which it ran before and goes on without being
        replaced, such as after a configuration file that it mounts has changed.
      - It counts as C(restart) in O(allow), and must come up as O(wait) says. O(stop_grace_period)
        holds for the stop.
      - 'The option O(restart) is another thing: what the engine does when the container ends.'
    type: bool
    default: false
  send_signal:
    description:
      - A signal for the container's first process, such as V(HUP), in every run in which the
        container ran before and goes on without being replaced or started. What the process does
        with it is its own affair, and is not waited for.
      - It counts as C(restart) in O(allow), since a process may end by it. To end a container by
        another signal than C(SIGTERM), declare O(stop_signal); to have it killed, a short
        O(stop_grace_period).
    type: str
  dependents:
    description:
      - What becomes of other containers that use the namespaces of this one, by C(network_mode),
        C(pid) or C(ipc) V(container:NAME), when it is replaced or removed. The engine keeps an id
        there, so they would be left in those of a container that is gone, and could not be started
        again.
      - V(refuse) refuses the replacement or the removal, and names them.
      - V(replace) recreates them after a replacement, each from what the engine says of it, with
        its anonymous volumes; and those that depend on them. The old ones go once all new ones run
        through O(monitor); until then a failure brings all of them back. There is nothing to
        recreate them in after a removal, which is refused as with V(refuse).
      - V(leave) leaves them as they are, for a task that replaces or removes them later.
      - One that the engine removes by itself cannot be recreated, nor one in several networks
        before API 1.44.
      - Containers that took their volumes from this one (C(volumes_from)) keep them, and do not
        count.
    type: str
    choices: [refuse, replace, leave]
    default: refuse
  allow:
    description:
      - The impacts that changes may have. A plan that goes beyond them fails before anything is
        done, with the reasons.
      - A removal counts as C(replace); stopping counts as C(restart); creating and starting are
        always allowed.
    type: list
    elements: str
    choices: [live, restart, replace]
    default: [live, restart, replace]
  protect:
    description:
      - Refuses to replace or to remove the container.
    type: bool
    default: false
  ignore_changes:
    description:
      - Options that are not compared, such as V(labels) or V(healthcheck). They count when the
        container is created or replaced.
    type: list
    elements: str
    default: []
  adopt:
    description:
      - Permits to replace or remove a container that neither this collection nor Compose made.
      - Of such a container only what the task declares is compared.
    type: bool
    default: false
  remove_volumes:
    description:
      - With O(state=absent), removes its anonymous volumes as well. Named volumes always stay, and
        so does what another container uses.
      - This destroys data. Without it the plan notes the anonymous volumes that stay behind.
    type: bool
    default: false
seealso:
  - module: dockyard.fleet.container_info
  - module: dockyard.fleet.image
"""

EXAMPLES = r"""
- name: Run a web server
  dockyard.fleet.container:
    name: web
    image: demo/web:1
    ports: ["127.0.0.1:8080:80"]
    restart: unless-stopped

- name: The same with limits, settings and a secret, and wait until it is healthy
  dockyard.fleet.container:
    name: web
    image: demo/web:1
    ports: ["127.0.0.1:8080:80"]
    restart: unless-stopped
    environment:
      LOG: info
    secret_environment:
      TOKEN: "{{ web_token }}"
    volumes:
      - web-data:/data
      - /srv/web/config:/config:ro
    mem_limit: 64m
    cpus: 0.5
    pids_limit: 100
    healthcheck:
      test: wget -q -O /dev/null http://127.0.0.1/ || exit 1
      interval: 1s
      timeout: 3s
    wait: healthy

- name: Raise the memory limit, and refuse anything that would interrupt the service
  dockyard.fleet.container:
    name: web
    image: demo/web:1
    ports: ["127.0.0.1:8080:80"]
    restart: unless-stopped
    environment:
      LOG: info
    secret_environment:
      TOKEN: "{{ web_token }}"
    volumes:
      - web-data:/data
      - /srv/web/config:/config:ro
    mem_limit: 128m
    cpus: 0.5
    pids_limit: 100
    healthcheck:
      test: wget -q -O /dev/null http://127.0.0.1/ || exit 1
      interval: 1s
      timeout: 3s
    allow: [live]

- name: Run a locked-down worker with limits of its own
  dockyard.fleet.container:
    name: locked
    image: demo/web:1
    command: [sleep, 1d]
    stop_signal: SIGKILL
    read_only: true
    tmpfs: /tmp:size=16m
    cap_drop: [ALL]
    security_opt: [no-new-privileges]
    sysctls: {net.core.somaxconn: 256}
    ulimits:
      nofile: {soft: 1024, hard: 4096}
    cpu_shares: 512
    mem_reservation: 16m
    extra_hosts: ["db=10.0.0.5"]
    logging:
      driver: json-file
      options: {max-size: 1m, max-file: 3}
    devices: ["/dev/null:/dev/empty:r"]

- name: Run a job in two networks, under another name in one of them
  dockyard.fleet.container:
    name: worker
    image: demo/web:1
    command: [sleep, 1d]
    networks:
      front:
      back:
        aliases: [jobs]
    stop_grace_period: 1s

- name: Change the command of a container that somebody made by hand
  dockyard.fleet.container:
    name: by-hand
    image: demo/web:1
    command: [sleep, 2d]
    stop_grace_period: 1s
    adopt: true

- name: Give a container another name without interrupting it
  dockyard.fleet.container:
    name: jobs
    moved_from: worker
    image: demo/web:1
    command: [sleep, 1d]
    networks:
      front:
      back:
        aliases: [jobs]
    stop_grace_period: 1s

- name: And change that name back
  dockyard.fleet.container:
    name: worker
    moved_from: jobs
    state: started

- name: Let it read its configuration again
  dockyard.fleet.container:
    name: worker
    state: started
    force_restart: "{{ config is defined and config is changed }}"

- name: Let it read its configuration again without ending
  dockyard.fleet.container:
    name: worker
    state: started
    send_signal: "{{ (config is defined and config is changed) | ternary('HUP', omit) }}"

- name: Stop a container, whatever it looks like
  dockyard.fleet.container:
    name: worker
    state: stopped

- name: Remove it with its anonymous volumes
  dockyard.fleet.container:
    name: worker
    state: absent
    remove_volumes: true
"""

RETURN = r"""
container:
  description:
    - The container afterwards, as the engine describes it (C(GET /containers/NAME/json)), with
      the values of secret environment variables masked; null if it is not there.
  returned: success
  type: dict
  sample:
    Id: 4f1b3c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
    Name: /web
    State: {Status: running, Running: true, ExitCode: 0}
    Config: {Image: "demo/web:1", Env: ["LOG=info", "TOKEN=********"]}
plan:
  description:
    - What was done, or in check mode would be done. Of a plan that was refused or failed there is
      RV(plan.text) alone, since Ansible prints all that a failed task returns.
  returned: success, or when the plan was refused or failed
  type: dict
  contains:
    text:
      description: The plan in print, which is what C(--diff) shows.
      type: str
      sample: |
        container/web
          mem_limit: 64MiB → 128MiB [live]
          memswap_limit: 128MiB → 256MiB [live]
            update web
    steps:
      description: One entry for each mutation, in order.
      type: list
      elements: dict
      contains:
        id:
          description: The step's name in RV(plan.steps[].needs).
          type: str
          sample: container/web#1
        address:
          description: What is changed.
          type: str
          sample: container/web
        verb:
          description: What is done to it.
          type: str
          sample: update
        cause:
          description: Why, in words.
          type: str
          sample: "mem_limit: 64MiB → 128MiB; memswap_limit: 128MiB → 256MiB"
        impact:
          description: What it costs, V(none), V(live), V(restart), V(replace) or V(destroy).
          type: str
          sample: live
        maybe:
          description: Whether an earlier step may turn out to make it needless.
          type: bool
          sample: false
        needs:
          description: The steps that must be done before.
          type: list
          elements: str
          sample: []
        args:
          description: The ids and names that it acts on.
          type: dict
          sample: {"on": web, id: 4f1b3c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c}
    notes:
      description: What else should be known.
      type: list
      elements: str
      sample: []
    pending:
      description: Changes that wait for a restart.
      type: list
      elements: str
      sample: []
    refused:
      description: Why the plan may not be run.
      type: list
      elements: str
      sample: []
    fingerprint:
      description: A digest of what the plan rests on.
      type: str
      sample: 8c6976e5b5410415
    declared:
      description:
        - What is declared for a container that is not there yet, in lines by its address. Secrets
          are masked, long values cut.
      type: dict
      sample: {container/web: ["image: demo/web:1", "ports.80/tcp: 8080"]}
created:
  description: Whether a container was created where there was none, or only an image was pulled.
  returned: success
  type: bool
  sample: false
updated:
  description: Whether something was changed while it ran.
  returned: success
  type: bool
  sample: true
replaced:
  description: Whether another container took its place.
  returned: success
  type: bool
  sample: false
restarted:
  description: Whether it was stopped, or stopped and started.
  returned: success
  type: bool
  sample: false
engine_way:
  description: The way to the engine, its address, why not an earlier way, and what is locked.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, address: "unix:///var/run/docker.sock", tried: [], lock: controller}
done:
  description: The steps that were done, in words.
  returned: when a step failed
  type: list
  elements: str
  sample: ["create web", "start web"]
failed_step:
  description: The step that failed, in words.
  returned: when a step failed
  type: str
  sample: wait web
not_begun:
  description: The steps that were not begun, in words.
  returned: when a step failed
  type: list
  elements: str
  sample: []
exit_code:
  description:
    - The exit code of the container. V(126) and V(127) are those of a command that cannot be
      executed or is not there; above V(128) it is 128 and the number of the signal that ended it.
  returned: when the container did not come up
  type: int
  sample: 1
oom_killed:
  description: Whether it, or a process in it, was killed because it ran out of memory.
  returned: when the container did not come up
  type: bool
  sample: false
health_output:
  description: What the last probe of its healthcheck said.
  returned: when the container did not come up
  type: str
  sample: ""
health_exit_code:
  description: The exit code of that probe; null if there was none.
  returned: when the container did not come up
  type: int
  sample: 1
log:
  description: The last lines of its log.
  returned: when the container did not come up
  type: list
  elements: str
  sample: ["cannot open /config/app.conf"]
"""

from ..module_utils._engine.container.resource import CONTAINER
from ..module_utils._engine.frontend.module import main

if __name__ == "__main__":
    main(CONTAINER)
