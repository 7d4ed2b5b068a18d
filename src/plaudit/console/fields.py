"""A destination's settings as the fields of a form, and a form as settings. Pure: all of it comes from the declaration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Kind, Setting, Settings
from plaudit.manage.destinations import MASK
from plaudit.manage.forms import Form
from plaudit.manage.given import number

ROWS = 40  # of a list of tables that a form may have


class Field(NamedTuple):
    """One field. `value`: text, or a list of rows (fields each) for `TABLES`. `errors`: sentences."""

    name: str
    setting: Setting
    value: Any
    needed: bool
    errors: list[str]

    @property
    def kept(self) -> bool:
        """A secret that is there, and that nobody is shown."""
        return self.setting.secret and self.value == MASK

    @property
    def shape(self) -> str:
        """How it is drawn."""
        if self.setting.choices:
            return "choice"
        return {
            Kind.TEXT: "secret" if self.setting.secret else "text",
            Kind.FLAG: "flag",
            Kind.NUMBER: "number",
            Kind.DURATION: "text",
            Kind.LIST: "lines",
            Kind.TABLE: "lines",
            Kind.TABLES: "tables",
        }[self.setting.kind]

    @property
    def placeholder(self) -> str:
        if self.setting.kind is Kind.DURATION:
            return str(self.setting.default or "such as 2 days")
        if self.setting.kind is Kind.LIST:
            return "one a line"
        if self.setting.kind is Kind.TABLE:
            return "name = value, one a line"
        return str(self.setting.default) if self.setting.default not in (None, True, False) else ""


class Group(NamedTuple):
    """Fields under one head. `open`: shown without being asked for."""

    title: str
    fields: list[Field]
    open: bool


def groups(kind: Destination, settings: Settings, faults: Iterable[str] = ()) -> list[Group]:
    """The form for the channel that the settings choose: what it needs first, then what was set, then the rest.

    Secrets that are set come masked, as `DestinationView` has them; one that was just typed comes back to who typed it.
    """
    channel = settings.get("channel") or kind.channels[0].name
    found = [
        _field(setting, setting.key, settings.get(setting.key), channel, faults)
        for setting in kind.settings
        if not setting.channels or channel in setting.channels
    ]
    first = [field for field in found if field.needed or field.setting.key == "channel"]
    rest = [field for field in found if field not in first]
    used = [field for field in rest if field.errors or _is_set(field)]
    others = [field for field in rest if field not in used]
    named = [
        Group("To connect", first, True),
        Group("What you set", used, True),
        Group("More settings", others, False),
    ]
    return [group for group in named if group.fields]


def in_words(setting: Setting | None, fault: str) -> str:
    """A fault of a setting with the name that the form has for it."""
    return fault if setting is None else f"{setting.label} {fault.partition(' ')[2]}"


def settings_of(kind: Destination, given: Form) -> dict[str, Any]:
    """What a form says; what the chosen channel does not know is left out. What cannot be read stays text, for
    `validate` to say so.
    """
    channel = given.get("channel") or kind.channels[0].name
    found = {
        setting.key: _value(setting, setting.key, given)
        for setting in kind.settings
        if not setting.channels or channel in setting.channels
    }
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def _field(setting: Setting, name: str, value: Any, channel: str, faults: Iterable[str]) -> Field:
    its = [fault for fault in faults if fault.split(" ", 1)[0] == setting.key]
    # What is missing is described below the field.
    errors = [in_words(setting, fault).removesuffix(f": {setting.description}") for fault in its]
    needed = setting.required or channel in setting.needed
    return Field(name, setting, _shown(setting, name, value, channel), needed, errors)


def _shown(setting: Setting, name: str, value: Any, channel: str) -> Any:
    match setting.kind:
        case Kind.FLAG:
            return setting.default if value is None else value
        case Kind.TABLES:
            rows = [*(value if isinstance(value, list) else []), {}]
            return [_row(setting.fields, f"{name}.{n}", row, channel) for n, row in enumerate(rows)]
        case Kind.LIST if isinstance(value, list):
            return "\n".join(value)
        case Kind.TABLE if isinstance(value, dict):
            return "\n".join(f"{key} = {each}" for key, each in value.items())
    if value is None:
        return (setting.default or "") if setting.choices else ""
    return str(value)


def _row(fields: Sequence[Setting], name: str, row: dict[str, Any], channel: str) -> list[Field]:
    return [
        _field(each, f"{name}.{each.key}", row.get(each.key), channel, ())
        for each in fields
        if not each.channels or channel in each.channels
    ]


def _is_set(field: Field) -> bool:
    if field.shape == "tables":
        return len(field.value) > 1
    default = field.setting.default
    return field.value not in ("", None, default) and field.value != str(default)


def _value(setting: Setting, name: str, given: Form) -> Any:
    if setting.kind is Kind.FLAG:
        return given.get(name) == "on"
    if setting.kind is Kind.TABLES:
        rows = [_table(setting.fields, f"{name}.{n}", given) for n in range(ROWS)]
        return [row for row in rows if row]
    text = given.get(name, "").strip()
    match setting.kind:
        case Kind.NUMBER:
            return text if (found := number(text)) is None else found
        case Kind.LIST:
            return [line.strip() for line in text.splitlines() if line.strip()]
        case Kind.TABLE:
            pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
            return {key.strip(): value.strip() for key, _, value in pairs}
    return text


def _table(fields: Sequence[Setting], name: str, given: Form) -> dict[str, Any]:
    found = {each.key: _value(each, f"{name}.{each.key}", given) for each in fields}
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}
