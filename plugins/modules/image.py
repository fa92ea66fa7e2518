#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Build, pull, load, distribute, tag, push, save and remove container images
version_added: 0.1.0
description:
  - Builds an image from a folder on the controller, and builds it anew when and only when
    something that decides has changed. The plan says what that was.
  - Or pulls an image, loads it from an archive, imports a root file system, or removes one.
    Gives an image further tags, pushes it, and saves it into an archive.
  - Or takes an image from the engine of another host, without a registry. Only layers that are
    missing travel, over the SSH connections that Ansible has to both hosts.
  - What decides about a rebuild are the context (paths, the owner's mode bits, contents and link
    targets, as far as C(.dockerignore) lets them in, or C(NAME.dockerignore) beside the Dockerfile
    C(NAME); neither owner nor times), the images behind C(FROM), C(COPY --from) and
    C(RUN --mount) as the engine has them, and the options under O(build), except those that only
    say how a build is made - O(build.no_cache), O(build.pull), O(build.cache_from),
    O(build.cache_to), O(build.builder) - and O(build.tags).
  - All of it is recorded in one label of the image, C(dockyard.fleet.image). Values of build
    arguments are not stored in it.
  - A failed build or pull leaves the image that was there as it is.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
options:
  name:
    description:
      - The reference of the image, C([REGISTRY/]NAME[:TAG]); without a tag it is C(latest).
      - Where an image is only pulled or removed, C(NAME@DIGEST) is possible as well.
      - An image that is on the engine can be called by its whole id, C(sha256:…), to give it
        O(tags), to O(save) it, or to remove it. Nothing is pulled by an id.
      - Required, but for O(load) and O(names).
    type: str
  build:
    description:
      - How the image is built, with the keys of the Compose Specification. Without it the image
        is pulled.
      - BuildKit is used where Docker's plugin C(docker buildx) is, on the controller as a rule
        (on the host with O(engine_via=target)), else the engine's classic builder. An option that
        needs BuildKit is an error without the plugin. Neither is in the record of the build.
    type: dict
    suboptions:
      context:
        description:
          - The folder on the controller that is sent to the builder; a relative path is relative
            to the playbook. A V(~) is not expanded. With O(remote_src=true) it is a folder of the
            host, which is sent nowhere.
        type: str
        required: true
      dockerfile:
        description:
          - The path of the Dockerfile, relative to O(build.context) or a whole one. The default is
            C(Dockerfile).
          - One outside of the context is sent as if it were O(build.dockerfile_inline), and plans
            call it so. It may have no C(.dockerignore) of its own beside it.
          - What the classic builder would leave out without a word is refused where there is no
            BuildKit - here-documents, C(COPY --link), C(COPY --exclude), C(ADD --checksum),
            C(ADD --keep-git-dir), and C(ADD) of a Git repository.
          - It, and C(.dockerignore), may be links within the context, not out of it.
        type: str
      dockerfile_inline:
        description:
          - The text of the Dockerfile, instead of O(build.dockerfile). C(COPY . /) does not copy
            it.
        type: str
      args:
        description:
          - Values of the Dockerfile's C(ARG) lines, as a mapping or a list of C(KEY=VALUE).
          - They can be read in the history of the image, and where O(engine_via=target) runs the
            module on the host, in the host's journal. They are no place for secrets; use
            O(build.secrets). In the output of a failed build, and in the arguments that C(-vvv)
            shows, they are masked.
        type: raw
      target:
        description: The stage to build, when it is not the last.
        type: str
      labels:
        description:
          - Labels of the image, as a mapping or a list of C(KEY=VALUE).
          - Names that begin with C(dockyard.fleet.) are kept by the collection.
        type: raw
      network:
        description: The network of C(RUN) lines, V(none), V(host) or the name of a network.
        type: str
      no_cache:
        description:
          - Builds without the engine's cache when the image is built. It is no reason to build.
        type: bool
        default: false
      pull:
        description:
          - Asks the registry whether it has newer base images, pulls those, and builds on them.
          - Without it a base image is pulled only if a build needs it and it is not there.
        type: bool
        default: false
      shm_size:
        description: The size of C(/dev/shm) for C(RUN) lines, such as V(64m).
        type: str
      extra_hosts:
        description:
          - Names for C(RUN) lines, as a mapping of names to addresses, or a list of
            C(NAME=ADDRESS).
        type: raw
      ulimits:
        description: Limits of C(RUN) lines by name, one number, or C(soft) and C(hard).
        type: dict
      isolation:
        description: How C(RUN) lines are isolated, on Windows. The classic builder alone knows it.
        type: str
      cache_from:
        description:
          - Images that the cache may be taken from. Entries like V(type=registry,ref=NAME) need
            BuildKit.
        type: list
        elements: str
      cache_to:
        description: Where BuildKit puts its cache, such as V(type=registry,ref=NAME).
        type: list
        elements: str
      platforms:
        description:
          - The platforms to build for, such as V(linux/arm64). More than one need BuildKit, and
            an engine (or O(build.builder)) that can keep such images.
        type: list
        elements: str
      secrets:
        description:
          - Secrets for C(RUN --mount=type=secret), each a name under O(build_secrets), or a
            mapping with that as C(source) and the Dockerfile's id as C(target). Needs BuildKit.
          - A new name leads to a build, a new value does not, as for every builder.
        type: list
        elements: raw
      ssh:
        description:
          - SSH agents or keys for C(RUN --mount=type=ssh), V(default), a list of C(ID) or
            C(ID=PATH), or a mapping. They are those of who runs the build. Needs BuildKit.
        type: raw
      privileged:
        description: Allows C(RUN --security=insecure), if the engine does. Needs BuildKit.
        type: bool
        default: false
      entitlements:
        description: What C(RUN) lines may have, such as V(network.host). Needs BuildKit.
        type: list
        elements: str
      additional_contexts:
        description:
          - Further contexts by name, as a mapping or a list of C(NAME=VALUE), each a folder like
            O(build.context), C(docker-image://REFERENCE) or another address that BuildKit knows.
          - The content of folders decides about a rebuild, of addresses only their text. Needs
            BuildKit, and Docker 23 or later.
        type: raw
      provenance:
        description: The provenance attestation, V(true), V(false) or C(mode=max). Needs BuildKit.
        type: raw
      sbom:
        description: The attestation of what is in the image, V(true), V(false) or a generator.
          Needs BuildKit.
        type: raw
      outputs:
        description:
          - What to make beside the image, each with its place where the build runs, such as
            V(type=local,dest=/srv/out). Needs BuildKit.
        type: list
        elements: str
      tags:
        description: Further references of the image, as O(tags).
        type: list
        elements: str
      builder:
        description:
          - V(auto) takes C(docker buildx) where it is, V(classic) the engine's own builder.
          - Any other word is the name of a builder that C(docker buildx create) has made where
            the task runs.
        type: str
        default: auto
  build_secrets:
    description:
      - Values of O(build.secrets) by name. The builder gets them in its environment; they are in
        no argument, no layer, no label, no log and no result.
    type: dict
  load:
    description:
      - An archive on the controller, as C(docker save) or a tool for OCI images writes it, that
        has the image. It is sent if the engine has another image by this name, or none.
      - If it holds one image, that gets the O(name), whatever it was saved by. Of several the one
        of this name counts; the engine takes the others too.
      - Without O(name) all images of the archive are wanted, under the names that they have in it;
        RV(images) lists them.
      - It may be packed by gzip, bzip2, xz or zstd. For zstd, Python 3.14 or the program C(zstd) is
        needed where the archive is; it is sent unpacked, since Docker 20.10 cannot do that.
    type: str
  import:
    description: A root file system on the controller to make an image of.
    type: dict
    suboptions:
      path:
        description: The archive, which the engine may unpack. Its content decides.
        type: str
        required: true
      changes:
        description: Instructions of a Dockerfile to apply, such as C(CMD ["/bin/sh"]).
        type: list
        elements: str
  from_host:
    description:
      - A host of the inventory, or V(localhost) for the controller, whose engine has the image
        under O(name). The image goes from there over the controller to the host of the task, which
        has the same image afterwards.
      - It is taken if the engine has another image by this name, or none. Layers that the engine
        has already, in images that it lists, are not sent; if the engine cannot do without them,
        all are.
      - The other host is reached as a task that is delegated to it would reach it. Where it has
        python3, it sends the layers that are asked for; else its whole image comes to the
        controller. Within a run each layer comes from there once, for all hosts.
      - The image is loaded without a name, verified, and then given its name. A transfer that was
        cut moves no name, and the next run makes it whole.
      - Needs a way from the controller to both engines, so it cannot be used with
        O(engine_via=target) or C(async).
    type: str
  from_engine_host:
    description:
      - The engine of O(from_host), if it is not the usual one, as O(engine_host) has that of the
        task's host.
    type: str
  names:
    description:
      - Several images to take from O(from_host), in place of O(name), one after another. Layers
        that they share are sent once. RV(images) lists them.
    type: list
    elements: str
  save:
    description:
      - An archive on the controller to have the image in. It is written beside the old one, and
        takes its place when it is whole. With O(engine_via=target) it must be one of the host,
        with O(remote_src=true).
    type: str
  remote_src:
    description:
      - The folders and archives that the task names are on the host, not on the controller. The
        task runs there as a module, whatever O(engine_via) says.
    type: bool
    default: false
  pull_policy:
    description:
      - When an image that is neither built nor loaded is pulled; the default is V(missing).
      - V(missing) pulls it if it is not on the engine; V(if_not_present) is another word for it.
      - V(always) asks the registry which image it has, and pulls it if it is another. If the
        registry does not say, the pull is made, and is a change only if it brought something.
      - V(daily), V(weekly) and C(every_DURATION), such as V(every_12h), do the same if the image
        was tagged longer ago than that.
      - V(never) fails if it is not on the engine.
    type: str
  platform:
    description:
      - The platform to pull, such as V(linux/arm64). An image of another one is pulled anew.
      - Without it the engine takes its own.
    type: str
  tags:
    description:
      - Further references of the image, C([REGISTRY/]NAME[:TAG]). One that means another image
        is moved.
      - A word alone, such as V(latest), is an error, since it would name another image, but for
        the last part of O(name).
    type: list
    elements: str
  push:
    description:
      - Pushes the image under O(name) and all of O(tags), each only if its registry has another
        image or none.
      - Of an image that is neither built nor loaded, the O(tags) alone are pushed if there are
        any, so that an image can be taken from one registry to another. It is pushed under O(name)
        without O(tags), or if these name it as well.
      - What O(pull_policy) asks the registry for is not pushed back there.
    type: bool
    default: false
  registry:
    description:
      - The registry, as C(HOST[:PORT]), that O(registry_username) is for. The default is that of
        O(name).
    type: str
  registry_username:
    description:
      - The account for O(registry), for this task alone; it is kept nowhere.
      - For every other registry, and without this option, the accounts are taken that Docker's
        client has where the task runs, on the controller as a rule, on the host with
        O(engine_via=target). That is C(config.json) in E(DOCKER_CONFIG) or C(~/.docker), and the
        credential helpers that it names.
    type: str
  registry_password:
    description: The password or token of O(registry_username).
    type: str
  state:
    description:
      - V(present) builds or pulls the image where needed.
      - V(absent) removes it. If the image has other tags, only this one is removed, also from an
        image that containers were made from. By its id an image is removed with all of its tags.
      - An image that containers were made from is not removed unless O(force=true).
    type: str
    choices: [absent, present]
    default: present
  force:
    description: Removes an image even if containers were made from it.
    type: bool
    default: false
  protect:
    description: Refuses to remove the image.
    type: bool
    default: false
  allow:
    description:
      - The impacts that changes may have. Building and pulling have none, since containers keep
        the image that they were made from.
    type: list
    elements: str
    choices: [live, restart, replace]
    default: [live, restart, replace]
  _source:
    description:
      - What is in the archive, as the controller has read it.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: raw
  _origin:
    description:
      - The way to the engine of another host, as the controller has opened it.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: raw
  _context:
    description:
      - The build context as the controller has read it.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: raw
seealso:
  - module: dockyard.fleet.container
"""

EXAMPLES = r"""
- name: Build an image from a folder beside the playbook
  dockyard.fleet.image:
    name: demo/web:1
    build:
      context: web
      args:
        VERSION: "1.4"
      labels:
        org.opencontainers.image.title: web

- name: Build one stage, on the newest base image that the registry has
  dockyard.fleet.image:
    name: demo/web:dev
    build:
      context: web
      dockerfile: Dockerfile.dev
      target: tools
      pull: true

- name: Build from a folder of the host, by a Dockerfile in the task
  dockyard.fleet.image:
    name: demo/page:1
    build:
      context: /srv/page
      dockerfile_inline: |
        FROM demo/web:1
        COPY . /srv/
      shm_size: 64m
      extra_hosts:
        - mirror=10.0.0.7
    remote_src: true

- name: Have an image on the engine
  dockyard.fleet.image:
    name: registry.example.com/team/app:2.1
    pull_policy: missing

- name: Build an image, and have it in a registry under two tags
  dockyard.fleet.image:
    name: "{{ registry }}/shop/web:1.4"
    build:
      context: web
    tags:
      - "{{ registry }}/shop/web:latest"
    push: true
    registry_username: "{{ registry_user }}"
    registry_password: "{{ registry_password }}"

- name: Save an image into an archive on the host
  dockyard.fleet.image:
    name: demo/web:1
    save: /var/tmp/web.tar
    remote_src: true

- name: Have an image that an archive holds, under another name
  dockyard.fleet.image:
    name: shop/web:1.5
    load: /var/tmp/web.tar
    remote_src: true

- name: Have all images that an archive holds, whatever they are called
  dockyard.fleet.image:
    load: /var/tmp/web.tar
    remote_src: true
  register: loaded

- name: Have the image that another host has built, without a registry
  dockyard.fleet.image:
    name: demo/web:1
    from_host: "{{ build_host }}"
    engine_via: channel

- name: Have several images of another host, and one further name
  dockyard.fleet.image:
    names:
      - demo/web:1
      - shop/web:2
    from_host: "{{ build_host }}"
    from_engine_host: unix:///var/run/docker.sock
    engine_via: channel

- name: Make an image of a root file system
  dockyard.fleet.image:
    name: shop/base:1
    import:
      path: /usr/local/share/lab/busybox.tar
      changes:
        - ENV LANG=C.UTF-8
        - CMD ["/bin/sh"]
    remote_src: true

- name: Ask the registry once a day whether it has a newer image
  dockyard.fleet.image:
    name: "{{ registry }}/shop/web:latest"
    pull_policy: daily

- name: Push an image that is on the engine, by its own name
  dockyard.fleet.image:
    name: "{{ registry }}/shop/web:1.4"
    pull_policy: never
    push: true
    registry_username: "{{ registry_user }}"
    registry_password: "{{ registry_password }}"

- name: Remove an image that no container was made from
  dockyard.fleet.image:
    name: demo/web:dev
    state: absent
"""

RETURN = r"""
image:
  description:
    - The image as the engine describes it afterwards, such as C(Id), C(Config) and C(RootFS); null
      if it is not there. Beside these, in short, what most tasks want, C(id), C(tags) in their
      short form, C(digests), C(labels) without our own, C(size) in bytes, C(created),
      C(architecture) and C(os).
    - Of C(Container) and C(ContainerConfig), by which older engines tell of the last step of a
      build, nothing is said.
  returned: success
  type: dict
  sample:
    id: sha256:fdfc10cd2e340a6b1f6b7d4e3a2c1908f7e6d5c4b3a291807f6e5d4c3b2a1908
    tags: ["demo/web:1"]
    digests: []
    labels: {org.opencontainers.image.title: web}
    size: 1985472
    created: "2026-03-01T12:00:00.000000000Z"
    architecture: amd64
    os: linux
    Id: sha256:fdfc10cd2e340a6b1f6b7d4e3a2c1908f7e6d5c4b3a291807f6e5d4c3b2a1908
    RepoTags: ["demo/web:1"]
    Config: {Cmd: [serve], Env: ["LANG=C.UTF-8"]}
images:
  description:
    - All images of the archive, each with its C(id), the engine's if it has the image, and the
      C(tags) that it has in the archive. With O(names), those of the list that the engine has.
  returned: with O(names), and with O(load) without O(name)
  type: list
  elements: dict
  sample:
    - id: sha256:fdfc10cd2e340a6b1f6b7d4e3a2c1908f7e6d5c4b3a291807f6e5d4c3b2a1908
      tags: ["demo/web:1", "demo/web:latest"]
transfers:
  description:
    - What was taken from another host, by C(name), C(from) where, of how many C(layers) the image
      is, and how many bytes of layers were C(sent) to the engine.
  returned: when O(from_host) has brought something
  type: list
  elements: dict
  sample:
    - {name: "demo/web:1", from: build1, layers: 9, sent: 1050112}
plan:
  description:
    - What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      image/demo/web:1
        context: app.conf changed [none]
          build demo/web:1
    steps:
      - id: image/demo/web:1#build:demo/web:1
        address: image/demo/web:1
        verb: build
        cause: "context: app.conf changed"
        impact: none
        maybe: false
        needs: []
        args: {"on": demo/web:1}
    notes: []
    pending: []
    refused: []
    fingerprint: 8c6976e5b5410415
    declared: {}
created:
  description: Whether an image was built, pulled, loaded, imported or taken from another host.
  returned: success
  type: bool
  sample: true
updated:
  description: Always false for images.
  returned: success
  type: bool
  sample: false
replaced:
  description: Always false for images.
  returned: success
  type: bool
  sample: false
restarted:
  description: Always false for images.
  returned: success
  type: bool
  sample: false
log:
  description: The last lines of the builder's output.
  returned: when a build failed
  type: list
  elements: str
  sample: ["Step 2/3 : RUN make", "make: *** No targets specified and no makefile found."]
engine_way:
  description: The way to the engine, its address, why not an earlier way, and what is locked.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, address: "unix:///var/run/docker.sock", tried: [], lock: controller}
"""

from ..module_utils._engine.frontend.module import main
from ..module_utils._engine.image.resource import IMAGE

if __name__ == "__main__":
    main(IMAGE)
