"""Archives: the forms that they come in, what is made of their events, and what is no archive."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from plaudit.collect.archive import Archive, envelope
from plaudit.errors import PlauditError
from plaudit.spec import timestamps

# As Segment's AWS S3 destination writes one.
EVENT: dict[str, Any] = {
    "anonymousId": "a1",
    "channel": "server",
    "context": {"ip": "203.0.113.9"},
    "event": "Order Completed",
    "integrations": {},
    "messageId": "m1",
    "originalTimestamp": "2024-03-01T10:00:00.000Z",
    "projectId": "p1",
    "properties": {"order_id": "1", "email": "ann@example.com"},
    "receivedAt": "2024-03-01T12:00:01.500Z",
    "sentAt": "2024-03-01T10:00:01.000Z",
    "timestamp": "2024-03-01T12:00:00.500Z",
    "type": "track",
    "userId": None,
    "version": 2,
}
NOW = 1_790_000_000_000
LINE = json.dumps(EVENT).encode()


def read(path: Path) -> list[tuple[int, bytes]]:
    archive = Archive(str(path))
    found = list(archive.lines())
    assert archive.fault == "" and found == list(archive.lines()), "a file can be read once more"
    return found


@pytest.mark.parametrize(
    "text",
    [
        LINE + b"\n" + LINE + b"\n",
        LINE + b"\r\n" + LINE,
        b"\xef\xbb\xbf" + LINE + b"\n" + LINE,
        b"[" + LINE + b",\n" + LINE + b"]\n",
        b" \n[" + LINE + b"," + LINE + b"]",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_forms(tmp_path: Path, text: bytes, packed: bool) -> None:
    path = tmp_path / "archive"
    path.write_bytes(gzip.compress(text) if packed else text)
    assert [(number, json.loads(line)) for number, line in read(path)] == [(1, EVENT), (2, EVENT)]


def test_large_files_and_several_gzip_members(tmp_path: Path) -> None:
    lines = [json.dumps({**EVENT, "messageId": f"m{n}"}).encode() for n in range(9000)]
    path = tmp_path / "archive.gz"
    path.write_bytes(
        b"".join(gzip.compress(b"\n".join(lines[at : at + 3000]) + b"\n") for at in (0, 3000, 6000))
    )
    assert [line for _, line in read(path)] == lines
    assert Archive(str(path)).size == path.stat().st_size


def test_empty_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"\n" + LINE + b"\n  \n" + LINE)
    assert [number for number, _ in read(path)] == [2, 4]
    path.write_bytes(b"")
    assert read(path) == []


def test_a_file_is_known_again_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(LINE)
    known = Archive(str(path)).fingerprint()
    assert Archive(str(path.rename(tmp_path / "moved"))).fingerprint() == known
    path.write_bytes(LINE + b"\n")
    assert Archive(str(path)).fingerprint() != known


@pytest.mark.parametrize(
    ("content", "before", "fault"),
    [
        (gzip.compress(b"\n".join([LINE] * 5000))[:-20], 1, "is damaged or cut off after line"),
        (b"[" + LINE, 0, "is no JSON array"),
        (b"x" * (17 << 20), 0, "is longer than 16 MB"),
    ],
)
def test_what_ends_too_early_is_told_after_what_was_good(
    tmp_path: Path, content: bytes, before: int, fault: str
) -> None:
    path = tmp_path / "archive"
    path.write_bytes(content)
    archive = Archive(str(path))
    assert len(list(archive.lines())) >= before and fault in archive.fault


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(PlauditError, match="there is no file"):
        Archive(str(tmp_path / "nowhere"))
    with pytest.raises(PlauditError, match="cannot read"):
        Archive(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "when"),
    [
        ({}, "2024-03-01T12:00:00.500Z"),
        ({"timestamp": None}, "2024-03-01T10:00:00.000Z"),
        ({"timestamp": None, "originalTimestamp": None}, "2024-03-01T12:00:01.500Z"),
    ],
)
def test_times_are_taken_as_they_are(changes: dict[str, Any], when: str) -> None:
    event = {key: value for key, value in (EVENT | changes).items() if value is not None}
    found = envelope(json.dumps(event).encode(), NOW)
    assert (found.refused, found.message_id, found.timestamp) == ("", "m1", timestamps.parse(when))


def test_without_any_time_it_is_now() -> None:
    found = envelope(b'{"type":"page","userId":"u"}', NOW)
    assert found.timestamp == NOW


def test_a_line_without_message_id_has_the_same_one_each_time() -> None:
    lines = [b'{"type":"page","userId":"u%d"}' % n for n in (1, 1, 2)]
    first, again, other = (envelope(line + b"\r", NOW + n).message_id for n, line in enumerate(lines))
    assert first == again != other and first.startswith("plaudit-import-")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"not json", "bad_request"),
        (b"7", "bad_request"),
        (b'{"type":"track","userId":"u"}', "event_not_defined"),
        (b'{"type":"page"}', "no_user_anon_id"),
        (json.dumps({**EVENT, "x": "x" * 50_000}).encode(), "event_too_large"),
    ],
)
def test_what_is_no_event_says_why(line: bytes, code: str) -> None:
    assert envelope(line, NOW).refused == code


def test_an_event_without_type_is_a_track_call() -> None:
    found = envelope(b'{"event":"Order Completed","userId":"u"}', NOW)
    assert (found.refused, found.type) == ("", "track")
