"""`plaudit link`: the links are the vendor's to the byte, keys come from where they may, errors say what to do."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from cli.run import Ran, plaudit
from plaudit.destinations.trustpilot.link import Customer, Keys, LinkError, encrypted, keys, link
from support import track

# The public example keys of the vendor's own library, and the vector of the reference (trustpilot.md 3.1).
ENCRYPT = "g9hH6MkVnlKlGa5IG+5R/uKgyrCJxOsh5fXlwK0mjH0="
AUTH = "oGmd/bHHkd+N6P6lZQxyfikjU7c5P/mhWO/noCsERyY="
IV = bytes(range(16))
VECTOR = (
    "AAECAwQFBgcICQoLDA0OD/kzQWcVWoPMUzuuagP/4+mWRAQUj2Y6OFyEazzHAej6ByaZHEPjM6afHH53roHZhHOCe5kAzhxZGLa6FxQ+"
    "EbSPCGdwenqYFjBv/c2/bDodfHHFN/iFrhNfISLc1fIw6A=="
)
KEYS = keys(ENCRYPT, AUTH)
ENV = {"PLAUDIT_LINK_ENCRYPT_KEY": ENCRYPT, "PLAUDIT_LINK_AUTH_KEY": AUTH}


def opened(url: str, using: Keys = KEYS) -> dict[str, object]:
    """What the form will read from a link, after the MAC was checked."""
    (told,) = parse_qs(urlsplit(url).query)["p"]
    sealed = b64decode(told)
    assert hmac.compare_digest(hmac.digest(using.auth, sealed[:-32], "sha256"), sealed[-32:])
    decryptor = Cipher(algorithms.AES(using.encrypt), modes.CBC(sealed[:16])).decryptor()
    padded = decryptor.update(sealed[16:-32]) + decryptor.finalize()
    found: dict[str, object] = json.loads(padded[: -padded[-1]])
    return found


def test_the_vector() -> None:
    url = link(Customer("a@example.com", "A B", "1234"), "shop.example.com", KEYS, IV)
    base, _, told = url.partition("?p=")
    assert base == "https://www.trustpilot.com/evaluate-bgl/shop.example.com"
    assert parse_qs("p=" + told) == {"p": [VECTOR]}
    assert not set(told) & set("+/=")  # as a query wants them


def test_26_bytes_become_108_characters() -> None:
    assert len(encrypted(b"x" * 26, KEYS, IV)) == 108


@given(st.text(min_size=1), st.text(min_size=1), st.lists(st.text()), st.binary(min_size=16, max_size=16))
def test_what_goes_in_comes_out(name: str, ref: str, skus: list[str], iv: bytes) -> None:
    found = opened(link(Customer("a@example.com", name, ref, skus), "d.example", KEYS, iv, "fr-be"))
    assert found == {"email": "a@example.com", "name": name, "ref": ref, **({"skus": skus} if skus else {})}


@pytest.mark.parametrize("wrong", ["", "c2hvcnQ=", "no base64!", ENCRYPT[:-2] + "é="])
def test_keys_that_are_none_are_not_shown(wrong: str) -> None:
    with pytest.raises(LinkError, match="encrypt key is not 32 bytes") as caught:
        keys(wrong, AUTH)
    assert not wrong or wrong not in str(caught.value)
    with pytest.raises(LinkError, match="authentication key"):
        keys(ENCRYPT, wrong)


@pytest.mark.parametrize(
    ("customer", "domain", "country", "words"),
    [
        (Customer("", "A", "1"), "d.example", "", "the email is empty"),
        (Customer("a@b.example", "", "1"), "d.example", "", "the name is empty"),
        (Customer("a@b.example", "A", ""), "d.example", "", "the order id is empty"),
        (Customer("a@b.example", "A", "1"), "https://d.example/", "", "is no domain"),
        (Customer("a@b.example", "A", "1"), "d.example", "evil.example/", "is no country"),
        (Customer("a@b.example", "A", "1", tags=["a b"]), "d.example", "", "has a space"),
    ],
)
def test_what_makes_no_link_is_told(customer: Customer, domain: str, country: str, words: str) -> None:
    with pytest.raises(LinkError, match=words):
        link(customer, domain, KEYS, IV, country)


# The command.

ONE = ("--order", "1001", "--email", "a@example.com", "--name", "A B")


def run(tmp_path: Path, *arguments: str | Path, env: dict[str, str] | None = None, stdin: str = "") -> Ran:
    return plaudit("link", "--data", tmp_path / "none", *arguments, env=env, stdin=stdin)


def destination(name: str, *settings: str) -> str:
    lines = "\n".join(settings)
    return (
        f'[destinations.{name}]\ntype = "trustpilot"\nsources = ["shop"]\n[destinations.{name}.settings]\n'
        f'api_key = "key{name}1234"\n{lines}\n'
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plaudit.toml"
    keyed = (f'link_encrypt_key = "{ENCRYPT}"', f'link_auth_key = "{AUTH}"', 'link_domain = "shop.example"')
    path.write_text("[sources.shop]\n" + destination("plain") + destination("linked", *keyed))
    return path


def test_one_order_by_keys_of_the_environment(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        *ONE,
        "--domain",
        "d.example",
        "--locale",
        "de",
        "--sku",
        "s1",
        "--sku",
        "s2",
        "--tag",
        "t",
        env=ENV,
    )
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("https://de.trustpilot.com/evaluate-bgl/d.example?p=")
    assert opened(ran.out.strip()) == {
        "email": "a@example.com",
        "name": "A B",
        "ref": "1001",
        "skus": ["s1", "s2"],
        "tags": ["t"],
    }
    again = (
        run(tmp_path, *ONE, "--domain", "d.example", env=ENV).out,
        run(tmp_path, *ONE, "--domain", "d.example", env=ENV).out,
    )
    assert again[0] != again[1]  # a new initialisation vector each time


def test_keys_and_domain_of_a_file(tmp_path: Path, file: Path) -> None:
    (found,) = run(tmp_path, *ONE, "--config", file, "--json").objects
    assert found["order_id"] == "1001"
    assert "/evaluate-bgl/shop.example?p=" in found["link"] and opened(found["link"])["ref"] == "1001"
    ran = run(tmp_path, *ONE, "--config", file, "--destination", "plain")
    assert ran.code == 1 and "link_encrypt_key" in ran.err and "PLAUDIT_LINK_ENCRYPT_KEY" in ran.err


def test_a_link_for_each_completed_order_of_a_file(tmp_path: Path, file: Path) -> None:
    events = [
        track(),
        {"type": "page"},
        track({"order_id": "2"}),
        track({"order_id": "3", "email": "b@c.example"}),
    ]
    ran = run(tmp_path, "--config", file, "--events", "-", stdin=json.dumps(events))
    assert ran.code == 1  # one of them has no link
    found = ran.objects
    assert [(each["event"], each["order_id"]) for each in found] == [
        (1, found[0]["order_id"]),
        (3, "2"),
        (4, "3"),
    ]
    assert opened(found[0]["link"])["skus"] == ["45790-32", "46493-32"]
    assert found[1]["link"] is None and "email" in found[1]["message"]
    assert opened(found[2]["link"]) == {"email": "b@c.example", "name": "b", "ref": "3"}


@pytest.mark.parametrize(
    ("arguments", "env", "code", "words"),
    [
        (ONE, {}, 1, "there are no keys for links: set link_encrypt_key"),
        (ONE, ENV, 2, "for which domain? Name it with --domain"),
        (("--order", "1"), ENV | {"x": "domain"}, 2, "--order, --email and --name"),
        (("--order", "1", "--events", "-"), ENV | {"x": "domain"}, 2, "leave out --order"),
        (("--events", "-"), ENV | {"x": "domain"}, 1, "holds no event"),
        ((*ONE, "--destination", "none"), ENV, 2, "no destination is called 'none'; there is none"),
        ((*ONE[:3], "nobody", *ONE[4:]), ENV | {"x": "domain"}, 2, "'nobody' is no e-mail address"),
        (
            ONE,
            ENV | {"PLAUDIT_LINK_AUTH_KEY": "short", "x": "domain"},
            1,
            "authentication key is not 32 bytes",
        ),
    ],
)
def test_errors_say_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], env: dict[str, str], code: int, words: str
) -> None:
    more = ("--domain", "d.example") if "x" in env else ()
    ran = run(tmp_path, *arguments, *more, env=env)
    assert (ran.code, ran.out) == (code, "") and words in ran.err and ran.err.count("\n") == 1


def test_of_several_with_keys_one_is_named(tmp_path: Path, file: Path) -> None:
    keyed = (f'link_encrypt_key = "{ENCRYPT}"', f'link_auth_key = "{AUTH}"', 'link_domain = "two.example"')
    file.write_text(
        file.read_text().replace('sources = ["shop"]', "sources = []") + destination("two", *keyed)
    )
    ran = run(tmp_path, *ONE, "--config", file)
    assert ran.code == 2 and "Name one with --destination: linked, two" in ran.err
    assert "two.example" in run(tmp_path, *ONE, "--config", file, "--destination", "two").out
