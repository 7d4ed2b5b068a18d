"""`plaudit undo`: what it takes back, what it leaves, and what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.run import plaudit
from cli.seeded import ledger, seed, states
from cli.test_act import BEFORE, on_a_terminal


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return seed(tmp_path / "data")


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (("retry", "--all"), "retry"),
        (("cancel", "--all"), "cancel"),
        (("resolve", "--sent", "--all"), "resolve --sent"),
        (("resolve", "--not-sent", "--all"), "resolve --not-sent"),
        (("resolve", "--drop", "--all"), "resolve --drop"),
    ],
)
def test_each_decision_says_how_to_undo_it(data: Path, words: tuple[str, ...], called: str) -> None:
    before = [(row.state, row.reason, row.message, row.due_at) for row in ledger(data)]
    ran = plaudit(*words, "--yes", "--data", data)
    way = re.search(r"to take this back: plaudit (undo \d+)$", ran.out, re.MULTILINE)
    assert way is not None and states(data) != BEFORE
    dry = plaudit(*way.group(1).split(), "--dry-run", "--data", data)
    assert dry.code == 0 and f": {called}, at 20" in dry.out and states(data) != BEFORE
    ran = plaudit(*way.group(1).split(), "--yes", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert "as they were before" in ran.out or "as it was before" in ran.out
    assert [(row.state, row.reason, row.message, row.due_at) for row in ledger(data)] == before
    again = plaudit(*way.group(1).split(), "--yes", "--data", data)
    assert (again.code, again.err) == (1, "plaudit: decision 1 is undone already\n")


def test_what_stays_is_counted_with_why(data: Path) -> None:
    plaudit("cancel", "--all", "--yes", "--data", data)
    plaudit("forget", "customer1@example.com", "--yes", "--data", data)
    ran = plaudit("undo", "1", "--yes", "--data", data)
    assert "its customer was forgotten" in ran.out and "2 invitations are as they were before" in ran.out
    assert states(data) == BEFORE | {"1": "cancelled"}
    ran = plaudit("undo", "1", "--yes", "--data", data)
    assert ran.code == 0 and "there is nothing to undo" in ran.out and "2 are undone already" in ran.out
    (none,) = plaudit("undo", "1", "--json", "--data", data).objects
    assert (none["dry_run"], none["done"], none["left"]) == (False, 0, 1)


def test_a_summary_for_scripts(data: Path) -> None:
    plaudit("retry", "--all", "--yes", "--data", data)
    expected = {"decision": 1, "action": "retry", "dry_run": True, "done": 2, "states": {"failed": 1, "refused": 1}, "left": 0, "stayed": [], "ids": [1, 2]}  # fmt: skip
    (dry,) = plaudit("undo", "1", "--dry-run", "--json", "--data", data).objects
    assert dry == expected
    (done,) = plaudit("undo", "1", "--yes", "--json", "--data", data).objects
    assert done == expected | {"dry_run": False} and states(data) == BEFORE


def test_it_is_asked_on_a_terminal(data: Path) -> None:
    plaudit("retry", "--order", "1", "--yes", "--data", data)
    for answer, code, after in (("n", 1, BEFORE | {"1": "queued"}), ("y", 0, BEFORE)):
        shown, exited = on_a_terminal(f"{answer}\n", "undo", "1", "--data", str(data))
        assert exited == code and "Undo this? [y/N]" in shown and states(data) == after


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (("1",), 1, "say --yes, or look with --dry-run"),
        (("7", "--yes"), 1, "there is no decision 7 that could be undone"),
        (("0",), 2, "greater than or equal to 1"),
        (("last",), 2, "a valid integer"),
        ((), 2, "Missing argument"),
    ],
)
def test_wrong_use_changes_nothing(data: Path, words: tuple[str, ...], code: int, fault: str) -> None:
    plaudit("retry", "--all", "--yes", "--data", data)
    before = states(data)
    ran = plaudit("undo", *words, "--data", data)
    assert ran.code == code and fault in ran.err and ran.err.count("\n") == 1
    assert states(data) == before


def test_many_come_back_in_portions(tmp_path: Path) -> None:
    data = seed(tmp_path / "data", times=800)
    before = states(data)
    (done,) = plaudit("cancel", "--all", "--yes", "--json", "--data", data).objects
    (undone,) = plaudit("undo", done["decision"], "--yes", "--json", "--data", data).objects
    assert (undone["done"], undone["states"]) == (2400, {"failed": 800, "refused": 800, "queued": 800})
    assert states(data) == before
