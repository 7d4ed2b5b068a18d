"""`validate`, `apply`, `export`: faults that name what is wrong and what exists; files that come back as they were."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cli.run import plaudit

GOOD = """
[sources.shop]
write_key = "env:SHOP_KEY"
[sources.app]
[destinations.trustpilot]
type = "trustpilot"
sources = ["shop", "app"]
[destinations.trustpilot.settings]
api_key = "file:key.txt"
uncertain = "resend"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "key.txt").write_text("fileIntegrationKey\n")
    (tmp_path / "plaudit.toml").write_text(GOOD)
    return tmp_path / "plaudit.toml"


def test_a_good_file_is_told_so(file: Path) -> None:
    ran = plaudit("validate", file, env={"SHOP_KEY": "shopKey"})
    assert (ran.code, ran.err) == (0, "")
    assert "is good: 2 sources, 1 destination" in ran.out


FAULTS = [
    ("[sources.shop", "is not TOML"),
    ("x = 1", "unknown section [x]: there are [sources.NAME], [destinations.NAME], [audiences.NAME] and [traits.NAME]"),
    ("[source.shop]", "unknown section [source]"),
    ("[audiences.recent]\nname='x'", "[audiences.recent]: query is missing"),
    ("[audiences.recent]\nquery='event(\"x\")'", "line 1, column 1: event(…) is many events, no value yet"),
    ("[audiences.recent]\nquery='event(\"x\").count() >= 1'\ndestinations=['t']", "no destination is called 't'; there is none: add [destinations.NAME]"),
    ("[audiences.recent]\nquery='event(\"x\").count() >= 1'\nschedule='often'", 'schedule must be "realtime"'),
    ("[audiences.recent]\nquery='event(\"x\").count() >= 1'\nsend='page'", "send must be one of identify, track"),
    ("[audiences.recent]\nquery='event(\"x\").count() >= 1'\nenabled='no'", "enabled must be true or false"),
    ("[traits.spent]\nquery='event(\"x\").count() >= 1'", "a computed trait must end in a value"),
    ("[audiences.a]\nquery='trait(\"b\") = true'\n[audiences.b]\nquery='trait(\"a\") = true'", "these depend on each other in a circle: a"),
    ("[sources.shop]\nwritekey = 'abcd'", "[sources.shop]: unknown key 'writekey'; did you mean 'write_key'?"),
    ("[sources.shop]\nwrite_key = 5", "write_key must be a string"),
    ("[sources.shop]\nwrite_key = 'env:NOT_SET_ANYWHERE'", "wants the environment variable NOT_SET_ANYWHERE, which is not set"),
    ("[sources.shop]\nwrite_key = 'file:nowhere'", "No such file"),
    ("[sources.a]\nwrite_key='same'\n[sources.b]\nwrite_key='same'", "the same write_key as [sources.a]"),
    ("[sources.'a b']", "a name has letters, digits, - and _ only"),
    ("[destinations.t]", "[destinations.t]: type is missing; there is trustpilot"),
    ("[destinations.t]\ntype = 'trustpolit'", "unknown type 'trustpolit'; there is trustpilot"),
    ("[destinations.t]\ntype = 'trustpilot'", "api_key is missing: the Integration Key"),
    ("[destinations.t]\ntype='trustpilot'\nsources=['shpo']\n[sources.shop]", "no source is called 'shpo'; did you mean 'shop'?"),
    ("[destinations.t]\ntype='trustpilot'\nsettings={api_key='abcdef', apikey='x'}", "unknown setting 'apikey': a trustpilot destination has api_key, channel"),
    ("[destinations.t]\ntype='trustpilot'\nsettings={api_key='a b'}", "api_key is no Integration Key"),
    ("[destinations.t]\ntype='trustpilot'\nsettings={api_key='abcdef', channel='pigeon'}", "channel is 'pigeon', but must be one of integration_key"),
    ("[destinations.t]\ntype='trustpilot'\nsettings={api_key='abcdef', allow_private='yes'}", "allow_private must be true or false"),
    ("[destinations.t]\ntype='trustpilot'\nsettings={api_key='abcdef', base_url='ftp://x'}", "base_url must look like https://"),
    ("[destinations.t]\ntype='trustpilot'\nsettings={api_key='abcdef', base_url='https://p.example', channel='partner', products='none'}", "products means nothing to the channel 'partner': take it out, or choose the channel integration_key or"),
    ("[destinations.t]\ntype='trustpilot'\nsettings={api_key='abcdef', base_url='https://p.example', channel='partner', rules=[{affiliation='x', template_params=['1']}]}", "rules means nothing to the channel 'partner'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_a_fault_is_named_with_its_place_and_what_exists(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "plaudit.toml"
    file.write_text(text)
    for command in (
        ("validate", file),
        ("apply", file, "--data", tmp_path / "data"),
        ("serve", "--config", file, "--data", tmp_path / "data"),
    ):
        ran = plaudit(*command)
        assert ran.code == 1 and fault in ran.err
        assert all(line.startswith("plaudit: ") for line in ran.err.splitlines())
    assert not (tmp_path / "data").exists()


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "plaudit.toml"
    file.write_text("[sources.s]\nx = 1\ny = 2\n[destinations.t]\ntype = 'trustpilot'\nsources = ['z']")
    assert len(plaudit("validate", file).err.splitlines()) == 4


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    ran = plaudit("validate", tmp_path / "nothing.toml")
    assert (ran.code, ran.err) == (1, f"plaudit: there is no file {tmp_path}/nothing.toml\n")


def test_what_was_applied_is_exported_without_and_with_secrets(file: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    ran = plaudit("apply", file, "--data", data, env={"SHOP_KEY": "shopKey"})
    assert ran.code == 0, ran.err
    made = next(
        line.split()[-1] for line in ran.out.splitlines() if line.startswith("  source app, write key")
    )
    assert "shopKey" not in ran.out and "fileIntegrationKey" not in ran.out

    shown = plaudit("export", "--data", data).out
    assert tomllib.loads(shown)["sources"]["shop"]["write_key"] == "env:SHOP_WRITE_KEY"
    assert "shopKey" not in shown and made not in shown and "fileIntegrationKey" not in shown

    whole = plaudit("export", "--data", data, "--secrets").out
    assert tomllib.loads(whole) == {
        "sources": {"app": {"write_key": made}, "shop": {"write_key": "shopKey"}},
        "destinations": {
            "trustpilot": {
                "type": "trustpilot",
                "sources": ["app", "shop"],
                "settings": {"api_key": "fileIntegrationKey", "uncertain": "resend"},
            }
        },
    }
    (tmp_path / "again.toml").write_text(whole)
    assert plaudit("apply", tmp_path / "again.toml", "--data", data).code == 0
    assert plaudit("export", "--data", data, "--secrets").out == whole


def test_a_write_key_that_was_made_stays(file: Path, tmp_path: Path) -> None:
    keys = [
        plaudit("apply", file, "--data", tmp_path / "data", env={"SHOP_KEY": "shopKey"}).out for _ in range(2)
    ]
    assert keys[0] == keys[1]


def test_a_lost_key_is_got_over_by_applying_again(file: Path, tmp_path: Path) -> None:
    data, env = tmp_path / "data", {"SHOP_KEY": "shopKey"}
    assert plaudit("apply", file, "--data", data, env=env).code == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in data.iterdir())
    (data / "secret.key").unlink()
    lost = plaudit("export", "--data", data)
    assert (
        lost.code == 1
        and "cannot open the sealed" in lost.err
        and "apply the configuration again" in lost.err
    )
    assert plaudit("apply", file, "--data", data, env=env).code == 0
    assert "shopKey" in plaudit("export", "--data", data, "--secrets").out


def test_two_destinations_that_would_invite_twice_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "plaudit.toml"
    one = "[destinations.{}]\ntype='trustpilot'\nsources=['shop']\nsettings={{api_key='sameKey1'}}\n"
    file.write_text("[sources.shop]\n" + one.format("a") + one.format("b"))
    ran = plaudit("validate", file)
    assert ran.code == 1 and "has the api_key of [destinations.a] and the same source 'shop'" in ran.err


def test_what_is_taken_out_and_what_is_new_is_told(file: Path, tmp_path: Path) -> None:
    data, env = tmp_path / "data", {"SHOP_KEY": "shopKey"}
    plaudit("apply", file, "--data", data, env=env)
    file.write_text(GOOD.replace("destinations.trustpilot", "destinations.renamed"))
    said = plaudit("apply", file, "--data", data, env=env).out
    assert "destination trustpilot is taken out; its 0 invitations stay in the ledger" in said
    assert "destination renamed (trustpilot), new: its ledger is its own" in said
