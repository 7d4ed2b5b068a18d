"""Docs are executable: what the code has, the pages name; what the pages show, the code takes."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
from markdown_it import MarkdownIt
from markdown_it.token import Token

from plaudit import config
from plaudit.cli.main import app
from plaudit.collect import app as collect
from plaudit.destinations.base import Answer, Outcome, State
from plaudit.destinations.catalog import destinations
from plaudit.destinations.trustpilot import afs, answers, integration_key, invitations_api, partner
from plaudit.manage.health import create_app
from plaudit.observe import metrics
from plaudit.sandbox.app import create_app as create_sandbox
from plaudit.sandbox.faults import KINDS
from plaudit.spec import dispositions
from plaudit.store.meeting import INTERRUPTED
from support import Process, until

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "plaudit"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS: Any = typer.main.get_command(app)  # a group: `commands` by name
MARKDOWN = MarkdownIt("commonmark").enable("table")


class Example(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str


def name(value: Any) -> str:
    if isinstance(value, Example):
        return f"{value.page.relative_to(ROOT)}:{value.line}"
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def page(path: str) -> str:
    return (ROOT / path).read_text()


def unnamed(words: set[str], text: str) -> list[str]:
    """Those that the text does not have as whole words."""
    return sorted(w for w in words if not re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", text))


def without_row(words: Collection[str], text: str) -> list[str]:
    """Those that begin no row of a table."""
    return sorted(word for word in words if f"| `{word}` |" not in text)


def section(text: str, heading: str) -> str:
    """From a heading to the next one of its level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section '## {heading}'"
    return found.group(1)


def tokens(path: Path) -> Iterator[Token]:
    for token in MARKDOWN.parse(path.read_text()):
        yield token
        yield from token.children or []


EXAMPLES = [
    Example(path, (token.map or [0])[0] + 1, token.info, token.content)
    for path in PAGES
    for token in tokens(path)
    if token.type == "fence"
]


def examples(language: str) -> list[Example]:
    return [example for example in EXAMPLES if example.language == language]


def calls(*folders: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call in these folders and modules of the source, with the called one's own name."""
    for folder in folders:
        for path in (SRC / folder).rglob("*.py") if (SRC / folder).is_dir() else [SRC / folder]:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    called = node.func
                    yield getattr(called, "attr", getattr(called, "id", "")), node


def literals(called: str, place: int, *folders: str) -> set[str]:
    """The string literals that stand at this place in calls of that name."""
    found = set()
    for this, call in calls(*folders):
        if this == called and len(call.args) > place:
            argument = call.args[place]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.add(argument.value)
    return found


# What the code has, the pages name.


def test_the_readme_names_every_page() -> None:
    linked = {token.attrs.get("href") for token in tokens(ROOT / "README.md") if token.type == "link_open"}
    for path in (ROOT / "docs").glob("*.md"):
        assert f"docs/{path.name}" in linked


@pytest.mark.parametrize("command", sorted(COMMANDS.commands))
def test_every_command_and_option(command: str) -> None:
    group = COMMANDS.commands[command]
    each = getattr(group, "commands", {"": group})
    options = {o for one in each.values() for p in one.params for o in p.opts if o.startswith("-")}
    words = options | {f"{command} {name}" for name in each if name}
    assert unnamed(words, section(page("docs/commands.md"), f"plaudit {command}")) == []


def test_no_command_that_is_not_there() -> None:
    told = re.findall(r"^## plaudit (\w+)$", page("docs/commands.md"), re.MULTILINE)
    assert sorted(told) == sorted(COMMANDS.commands)


def test_every_environment_variable() -> None:
    source = "\n".join(path.read_text() for path in SRC.rglob("*.py"))
    variables = set(re.findall(r"""["'](PLAUDIT_[A-Z_]+)["']""", source))
    assert len(variables) > 5
    assert without_row(variables, page("docs/configuration.md")) == []


@pytest.mark.parametrize("kind", destinations().values(), ids=lambda kind: kind.type)
def test_every_setting_with_its_choices(kind: Any) -> None:
    text = page("docs/configuration.md")
    for setting in kind.settings:
        found = re.search(rf"^\| `{setting.key}` \|.*$", text, re.MULTILINE)
        assert found, f"the setting {setting.key} has no row"
        default = [] if setting.default is None else [json.dumps(setting.default)]
        wanted = [*setting.choices, *default, *(["required"] if setting.required else [])]
        assert [word for word in wanted if word not in found.group()] == [], setting.key


def test_every_metric() -> None:
    """By the names under which they are scraped."""
    families = list(metrics.registry.collect())
    assert len(families) > 5
    names = {f.name + ("_total" if f.type == "counter" else "") for f in families}
    assert without_row(names, page("docs/operations.md")) == []


def test_every_log_line() -> None:
    lines = set[str]().union(
        *(literals(level, 0, "observe/happenings.py") for level in ("debug", "info", "warning", "error"))
    )
    assert len(lines) > 5
    assert without_row(lines, page("docs/operations.md")) == []


def test_every_refusal() -> None:
    codes = literals("RefusedError", 0, "collect", "spec") | literals("refusal", 2, "collect")
    strings = {
        n.value
        for n in ast.walk(ast.parse((SRC / "spec/wire.py").read_text()))
        if isinstance(n, ast.Constant)
    }
    codes |= {code for code in dispositions.SENTENCES if code in strings}
    assert {"unknown_source", "unavailable", "no_user_anon_id"} <= codes
    rows = section(page("docs/tracking-api.md"), "Refusals")
    assert without_row(codes, rows) == []


def test_every_disposition() -> None:
    assert without_row(set(dispositions.SENTENCES), page("docs/dispositions.md")) == []


def test_every_reason_state_and_outcome() -> None:
    tables = (integration_key.WORDS, invitations_api.WORDS, invitations_api.TOKEN_WORDS, partner.WORDS)
    reasons = {answers.verdict(Answer(status), each).reason for status in range(100, 1000) for each in tables}
    reasons |= literals("Verdict", 1, "deliver", "destinations") | {INTERRUPTED}
    for error in ("NotSentError", "NoAnswerError", "UnusableError"):
        reasons |= literals(error, 0, "deliver")
    reasons |= literals("_blocked", 1, "destinations") | {reason for reason, _ in afs.SETTINGS.values()}
    assert {"accepted", "dns", "forbidden_address", "blocked_252"} <= reasons
    text = page("docs/invitations.md")
    words = section(text, "Reasons"), section(text, "States"), section(text, "Outcomes of an attempt")
    assert [r for r in sorted(reasons) if f"`{r}`" not in words[0]] == []
    assert without_row(set(State), words[1]) == []
    assert without_row(set(Outcome), words[2]) == []


def test_every_route() -> None:
    tracking = {
        *collect._SINGLE,
        *collect._BATCH,
        *collect._PIXEL,
        collect._METRICS,
        f"{collect._PROJECTS}WRITE_KEY/settings",
    }
    assert [path for path in sorted(tracking) if f"`{path}`" not in page("docs/tracking-api.md")] == []

    async def ready() -> list[str]:
        return []

    async def measure() -> None: ...

    health = {route.path for route in create_app(ready, measure).routes if hasattr(route, "path")}
    assert [path for path in sorted(health) if f"`{path}`" not in page("docs/operations.md")] == []


def test_everything_of_the_sandbox() -> None:
    text = page("docs/sandbox.md")
    assert [fault for fault in KINDS if f"`{fault}`" not in text] == []
    sandbox = create_sandbox()
    for route in sandbox._rest.routes:
        methods = sorted((getattr(route, "methods", None) or {"GET"}) - {"HEAD"})
        path = str(getattr(route, "path", ""))
        own = path in ("/", "/static") or path.startswith("/sandbox/page")
        assert all((f"`{path}`" if own else f"`{method} {path}`") in text for method in methods), path
    for endpoint in sandbox._channel._endpoints:
        assert f"`POST /api/KEY/{endpoint}`" in text
    assert unnamed(literals("RefusedError", 0, "sandbox"), text) == []


# What the pages show, the code takes.


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    for token in tokens(path):
        link = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not link or link.startswith(("https://", "mailto:")):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_page_names_a_machine(path: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|home|root|Users)/\S*", path.read_text()) == []


def test_examples_say_what_they_are() -> None:
    known = {"toml", "json", "sh", "python", "js", "ini", "text"}
    assert [name(e) for e in EXAMPLES if e.language not in known] == []


@pytest.mark.parametrize("example", examples("toml"), ids=name)
def test_configurations_are_good(example: Example, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in re.findall(r'"env:(\w+)"', example.text):
        monkeypatch.setenv(variable, f"placeholder-{variable}")
    for path in re.findall(r'"file:([^"]+)"', example.text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("placeholderKey")
    assert config.parse(example.text, destinations(), folder=tmp_path).sources


@pytest.mark.parametrize("example", examples("json"), ids=name)
def test_json_is_json(example: Example) -> None:
    assert isinstance(json.loads(example.text), dict)


@pytest.mark.parametrize("example", examples("python"), ids=name)
def test_python_is_python(example: Example) -> None:
    compile(example.text, name(example), "exec")


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell example, each as its words."""
    open_ = ""
    for line in text.splitlines():
        open_ += line
        if open_.endswith("\\"):
            open_ = open_[:-1]
            continue
        try:
            words = shlex.split(open_, comments=True)
        except ValueError:  # a quotation goes on in the next line
            open_ += "\n"
            continue
        open_ = ""
        if words:
            yield words
    assert not open_, "the last command does not end"


@pytest.mark.parametrize("example", examples("sh"), ids=name)
def test_commands_are_what_they_take(example: Example) -> None:
    for program, *words in commands(example.text):
        if Path(program).name == "plaudit":
            command, given = COMMANDS.commands[words[0]], words[1:]
            if hasattr(command, "commands"):
                command, given = command.commands[given[0]], given[1:]
            command.make_context(words[0], given)
        elif program == "curl":
            data = [words[place + 1] for place, word in enumerate(words) if word == "-d"]
            assert data, "curl sends nothing"
            assert all(isinstance(json.loads(each), dict) for each in data)
        elif program == "make":
            assert re.search(rf"^{words[0]}:", page("Makefile"), re.MULTILINE)
        else:
            assert Path(program).name in ("pip", "python", "python3.11"), program


async def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    """But for ports, the temporary directory, the one-time link and the time it took."""
    log = tmp_path / "demo.log"
    demo = Process("demo", "--port", "0", "--sandbox-port", "0", log=log)
    try:
        await until(lambda: "Ctrl-C stops" in log.read_text())
    finally:
        assert demo.stop() == 0
    shown = next(e.text for e in examples("text") if e.page.name == "README.md")
    assert the_same_each_time(shown) == the_same_each_time(log.read_text())


def the_same_each_time(text: str) -> str:
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"link=\S+", "link=LINK", text)
    text = re.sub(r"\S*python -m plaudit|\S*bin/plaudit", "plaudit", text)  # as it was called
    return re.sub(r"after \d+ ms", "after N ms", re.sub(r"\S*plaudit-demo-\w+", "DIRECTORY", text)).strip()
