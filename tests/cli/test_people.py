"""`user` and `token`: who may use the console and the API, by commands alone and with a server that runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cli.run import plaudit
from cli.seeded import seed
from conftest import Processes
from plaudit.installation import open_store
from plaudit.store.access import Entry
from support import http

PASSWORD = "correct horse battery\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return seed(tmp_path / "data")


def test_people_come_change_and_go(data: Path) -> None:
    at = ("--data", data)
    assert plaudit("user", "list", *at).out == "nobody yet: plaudit user add NAME --role admin\n"
    added = plaudit("user", "add", "Amy", "--role", "admin", *at, stdin=PASSWORD)
    assert (added.code, added.out) == (0, "amy may sign in, as admin\n")
    assert plaudit("user", "add", "bob", *at, stdin=PASSWORD).out == "bob may sign in, as viewer\n"
    people = plaudit("user", "list", "--json", *at).objects
    assert [(p["name"], p["role"]) for p in people] == [("amy", "admin"), ("bob", "viewer")]
    assert plaudit("user", "role", "bob", "operator", *at).out == "bob is now operator\n"
    assert plaudit("user", "password", "bob", *at, stdin="another password\n").code == 0
    assert plaudit("user", "remove", "bob", *at).out == "bob may not sign in any more\n"
    assert "amy" in plaudit("user", "list", *at).out


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("add", "amy"), PASSWORD, "there is a person amy already"),
        (("add", "bob"), "short\n", "choose a password of 10 to 200 characters"),
        (("add", "bob"), "", "choose a password of 10 to 200 characters"),
        (("add", "b ob"), PASSWORD, "a name has 1 to 100 characters and no spaces"),
        (("add", "bob", "--role", "king"), PASSWORD, "a role is one of viewer, operator, admin, not 'king'"),
        (("remove", "bob"), "", "nobody is called 'bob'; there is amy"),
        (("remove", "amy"), "", "an admin must be left"),
        (("role", "amy", "viewer"), "", "an admin must be left"),
        (("password", "bob"), PASSWORD, "nobody is called 'bob'"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(data: Path, words: tuple[str, ...], stdin: str, said: str) -> None:
    plaudit("user", "add", "amy", "--role", "admin", "--data", data, stdin=PASSWORD)
    ran = plaudit("user", *words, "--data", data, stdin=stdin)
    assert ran.code in (1, 2) and said in ran.err and len(ran.err.splitlines()) == 1


def test_tokens_come_and_go(data: Path) -> None:
    at = ("--data", data)
    made = plaudit("token", "add", "backup", "--role", "operator", *at)
    assert made.out.startswith("plaudit_") and len(made.out.split()) == 1
    (listed,) = plaudit("token", "list", "--json", *at).objects
    assert (listed["name"], listed["role"], listed["used_at"]) == ("backup", "operator", None)
    assert plaudit("token", "remove", str(listed["id"]), *at).code == 0
    assert "there is no token" in plaudit("token", "remove", str(listed["id"]), *at).err
    assert plaudit("token", "list", *at).out == "no tokens: plaudit token add NAME\n"


def test_a_running_server_knows_them_at_once(processes: Processes) -> None:
    made = plaudit("token", "add", "program", "--data", processes.data, "--json").objects[0]
    asked = {"authorization": f"Bearer {made['token']}"}
    assert http(f"{processes.url}/api/me", headers=asked).body["name"] == "program"
    plaudit("token", "remove", str(made["id"]), "--data", processes.data)
    assert http(f"{processes.url}/api/me", headers=asked).status == 401


def test_what_commands_do_is_in_the_audit_log(data: Path, tmp_path: Path) -> None:
    at = ("--data", data)
    plaudit("user", "add", "amy", "--role", "admin", *at, stdin=PASSWORD)
    (tmp_path / "p.toml").write_text('[sources.shop]\nwrite_key = "someWriteKey"\n')
    assert plaudit("apply", tmp_path / "p.toml", *at).code == 0
    assert "someWriteKey" in plaudit("export", "--secrets", *at).out
    assert plaudit("export", *at).code == 0
    assert plaudit("retry", "--email", "customer1@example.com", "--yes", *at).code == 0
    assert plaudit("replay", "--order", "1", "--yes", *at).code == 0
    assert plaudit("forget", "customer2@example.com", "--yes", *at).code == 0
    entries = asyncio.run(audit(data))
    assert [(e.action, e.about) for e in entries] == [
        ("add", "person amy"),
        ("apply", "configuration"),
        ("export_secrets", "configuration"),
        ("retry", "invitations email of one customer"),
        ("replay", "order 1"),
        ("forget", "a person"),
    ]
    assert {(e.via, e.who) for e in entries} == {("command", None)}


async def audit(data: Path) -> list[Entry]:
    store = open_store(data)
    found = await store.access.audit()
    await store.close()
    return found[::-1]
