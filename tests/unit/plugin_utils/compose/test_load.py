"""What cases cannot say: who reads files, bounds, secrets, the corpus, the slower YAML parser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.values.compose_words import (
    is_relative,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.compose import yaml12
from ansible_collections.dockyard.fleet.plugins.plugin_utils.compose.project import load

from tests.lab.composed import corpus, stand_in

SIMPLE = "services: {web: {image: app}}"


def reading(files: Dict[str, str], asked: List[str]) -> Any:
    def read(path: str) -> bytes:
        asked.append(path)
        if path not in files:
            raise FileNotFoundError(path)
        return files[path].encode()

    return read


def fault(sources: Any, **more: Any) -> str:
    with pytest.raises(InvalidOption) as caught:
        load(sources, name="demo", **more)
    return str(caught.value)


def test_each_file_is_read_once_by_the_given_reader() -> None:
    text = "include: [b.yaml, c.yaml]\nservices: {web: {extends: {service: x, file: b.yaml}}}"
    files = {
        "/p/compose.yaml": text,
        "/p/b.yaml": "services: {x: {image: x, env_file: a.env}}",
        "/p/c.yaml": "services: {y: {image: y, env_file: a.env}}",
        "/p/a.env": "A=1",
    }
    asked: List[str] = []
    project = load(["compose.yaml"], basedir="/p", read=reading(files, asked))
    assert sorted(asked) == sorted([*files, "/p/.env"])
    assert {name: entry["secret_environment"] for name, entry in project.services.items()} == {
        name: {"A": "1"} for name in ("web", "x", "y")
    }


def test_a_file_of_another_folder_has_that_as_the_projects() -> None:
    files = {"/p/shop/compose.yaml": "services: {web: {image: app, build: ctx}}"}
    project = load(["shop/compose.yaml"], basedir="/p", read=reading(files, []))
    assert project.name == "shop"
    assert project.services["web"]["build"]["context"] == "/p/shop/ctx"


def test_files_of_ansible_vault_are_read_by_ansibles_loader(tmp_path: Path) -> None:
    secret = VaultSecret(b"word")
    secret.load = lambda: None
    vault = VaultLib([("default", secret)])
    (tmp_path / "compose.yaml").write_text("services: {web: {image: app, env_file: a.env}}")
    (tmp_path / "a.env").write_bytes(vault.encrypt("A=hush", secret))

    def reader(with_word: bool) -> Any:
        loader = DataLoader()
        loader.set_vault_secrets([("default", secret)] if with_word else [])

        def read(path: str) -> bytes:
            return Path(loader.get_real_file(path)).read_bytes()

        return read

    project = load(["compose.yaml"], basedir=str(tmp_path), read=reader(True))
    assert project.services["web"]["secret_environment"] == {"A": "hush"}
    text = fault(["compose.yaml"], basedir=str(tmp_path), read=reader(False))
    assert "cannot be read: is it encrypted with a password that was not given?" in text


def test_the_controllers_environment_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("A", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"):
        monkeypatch.setenv(name, "outside")
    (tmp_path / "a.env").write_text("A\nB=${A:-none}")
    text = "services:\n  web: {image: 'a:${A-none}', environment: [A], env_file: a.env}\n"
    (tmp_path / "compose.yaml").write_text(f"{text}  x: {{image: x, profiles: [outside]}}")
    project = load(["compose.yaml"], basedir=str(tmp_path), name="demo")
    assert project.services == {
        "web": {
            "image": "a:none",
            "environment": {"A": None},
            "networks": {"default": None},
            "secret_environment": {"B": "none"},
        }
    }


def test_a_project_does_not_print_what_it_holds() -> None:
    files = {
        "/p/compose.yaml": "services: {web: {image: app, secrets: [s], env_file: e}}\n"
        "secrets: {s: {file: s.txt}}",
        "/p/s.txt": "hush",
        "/p/e": "A=hush",
    }
    project = load(["compose.yaml"], basedir="/p", read=reading(files, []))
    assert project.secrets["s"]["content"] == b"hush"
    assert "hush" not in repr(project)


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {image: app, environment: {A: [$S]}}}",
        "services: {web: {image: app, environment: ['=$S']}}",
        "services: {web: {image: app, secrets: [s]}}\nsecrets: {s: {content: $S, file: x}}",
        "services: {web: {image: app, secrets: [s]}}\nsecrets: {s: {file: s, external: true}}",
        "services: {web: {image: app, env_file: s}}",
        "services: {web: {image: app, label_file: s}}",
        "services: {web: {image: app, env_file: [{path: s, format: raw}]}}",
        "services: {web: {image: '${S:+${T:?no}}'}}",
        "services: {web: {image: app, build: {args: {A: {b: $S}}}}}",
    ],
)
def test_secrets_are_in_no_error(text: str) -> None:
    files = {"/p/compose.yaml": text, "/p/s": "hush hush"}
    told = fault(["compose.yaml"], basedir="/p", read=reading(files, []), environment={"S": "hush"})
    assert "hush" not in told


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(SIMPLE + "\n#" + "x" * (4 << 20))
    told = fault(["compose.yaml"], basedir=str(tmp_path))
    assert told == f"files[0]: {tmp_path}/compose.yaml is larger than 4 MiB"


def test_too_many_files_are_refused() -> None:
    files = {f"/p/{n}.yaml": f"services: {{s{n}: {{image: a}}}}" for n in range(250)}
    files["/p/compose.yaml"] = f"include: [{', '.join(f'{n}.yaml' for n in range(250))}]"
    told = fault(["compose.yaml"], basedir="/p", read=reading(files, []))
    assert "more than 200 files belong to it" in told


def test_a_deep_chain_of_includes_is_refused() -> None:
    files = {f"/p/{n}.yaml": f"include: [{n + 1}.yaml]" for n in range(60)}
    told = fault(["0.yaml"], basedir="/p", read=reading(files, []))
    assert "is more than 20 files deep" in told


def test_files_that_include_the_same_ones_again_and_again_are_refused() -> None:
    files = {f"/p/{n}.yaml": f"include: [{n + 1}.yaml, ./{n + 1}.yaml]" for n in range(15)}
    files["/p/15.yaml"] = SIMPLE
    told = fault(["0.yaml"], basedir="/p", read=reading(files, []))
    assert "more than 200 files are included" in told


def test_a_deep_chain_of_services_is_refused() -> None:
    lines = [f"  s{n}: {{extends: s{n + 1}}}" for n in range(200)]
    text = "\n".join(["services:", *lines, "  s200: {image: a}"])
    told = fault(["compose.yaml"], basedir="/p", read=reading({"/p/compose.yaml": text}, []))
    assert "the services extend each other" in told


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "- " * 100_000,
        "{a: " * 3000,
        "services: {web: {image: '" + "${A:-" * 100 + "}" * 100 + "'}}",
        "a: \0",
        "\ud7ff\ufffe: x",
        "? [a]\n: b",
        "services: {web: {<<: 5}}",
        "services: {1: {image: a}, 1.5: }",
        "services: {web: {image: .inf}}",
        "services: {web: {image: a, cpus: .nan, scale: .inf, mem_limit: 1e400}}",
        "services: 5",
        "services: {web: [a]}",
        "services: {web: {image: a, ports: {a: b}, volumes: a, networks: 5, secrets: [5, {}]}}",
        "services: {web: {image: a, depends_on: {db: 5}, env_file: [[a]], build: 5, deploy: []}}",
        "include: {a: b}",
        "include: [[a]]",
        "networks: [a]",
        "networks: {a: [b]}",
    ],
)
def test_what_cannot_be_right_is_an_error_and_no_traceback(text: str) -> None:
    told = fault(["compose.yaml"], basedir="/p", read=reading({"/p/compose.yaml": text}, []))
    assert "compose.yaml" in told


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"services: \xe9"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    told = fault(["compose.yaml"], basedir="/p", read=lambda path: data)
    assert "is not UTF-8 text" in told


def test_the_parser_without_libyaml_makes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "x-a: &a {A: 1, B: yes}\nservices:\n  web:\n    image: a\n    environment: *a\n"
        "    ports: !override [22:22, 80]\n    user: !reset x\n    labels: {<<: *a, c: 0440}\n"
    )
    quick = [(value, notes) for value, _node, notes in yaml12.documents(text, "x")]
    monkeypatch.setitem(sys.modules, "yaml.cyaml", None)
    plain: Dict[str, Any] = {"__name__": yaml12.__name__, "__package__": yaml12.__package__}
    exec(compile(Path(yaml12.__file__).read_text(), yaml12.__file__, "exec"), plain)
    assert plain["_Parser"] is not yaml12._Parser
    slow = [(value, notes) for value, _node, notes in plain["documents"](text, "x")]
    assert slow[0][1] == quick[0][1]
    assert slow[0][0]["services"]["web"]["labels"] == quick[0][0]["services"]["web"]["labels"]
    assert slow[0][0]["services"]["web"]["ports"].value == ["22:22", 80]
    assert slow[0][0]["services"]["web"]["user"] is plain["RESET"]
    with pytest.raises(InvalidOption, match="there twice"):
        list(plain["documents"]("a: 1\na: 2", "x"))
    with pytest.raises(InvalidOption, match="nested too deeply"):
        list(plain["documents"]("[" * 5000, "x"))


def test_sources_are_not_changed() -> None:
    given = {"services": {"web": {"image": "a", "ports": ["1:1"], "labels": {"a": 1}}}}
    before = yaml.safe_dump(given)
    load([given, {"services": {"web": {"labels": {"a": 2}}}}], name="demo")
    assert yaml.safe_dump(given) == before


def test_relative_sources_of_binds_are_known_by_their_point() -> None:
    volumes = ["./a:/a", ".:/b", "../c:/c", "/d:/d"]
    project = load([{"services": {"web": {"image": "a", "volumes": volumes}}}], name="demo")
    sources = [mount["source"] for mount in project.services["web"]["volumes"]]
    assert sources == ["./a", ".", "../c", "/d"]
    assert [is_relative(source) for source in sources] == [True, True, True, False]


@pytest.mark.skipif(not corpus(), reason="no corpus of Compose files; COMPOSE_CORPUS names one")
def test_the_corpus_loads() -> None:
    folders = corpus()
    assert len(folders) >= 20
    for folder in folders:
        project = load(["compose.yaml"], name="demo", basedir=str(folder), read=stand_in)
        assert project.services, folder
