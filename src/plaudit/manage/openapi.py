"""The OpenAPI document of the operations. docs/openapi.json is what this says; a test compares them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from plaudit import __version__
from plaudit.manage.api import Operation

_REF = "#/components/schemas/{name}"
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable: docs/api.md has a row for each"},
        "detail": {"type": "string", "description": "one sentence that says what to do"},
        "errors": {"type": "array", "items": {"type": "string"}},
    },
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "for a day, the same key has the same answer, and nothing is done twice",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1."""
    kinds = [each.takes for each in operations] + [each.gives for each in operations if each.gives]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    takes = dict(zip([each.takes for each in operations], schemas, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        schema = components[takes[each.takes]["$ref"].rpartition("/")[2]]
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schema)
    used = _used(paths, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plaudit",
            "version": __version__,
            "description": "Everything that the console does. docs/api.md is for people.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {name: components[name] for name in sorted(used)} | {"Problem": _PROBLEM},
        },
    }


def _operation(operation: Operation, schema: dict[str, Any]) -> dict[str, Any]:
    in_path = re.findall(r"{(\w+)}", operation.path)
    fields: dict[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", []))
    parameters = [{"name": name, "in": "path", "required": True, "schema": fields[name]} for name in in_path]
    rest = {name: field for name, field in fields.items() if name not in in_path}
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Takes the role {operation.role}.",
        "tags": [operation.path.split("/")[2]],
    }
    if operation.method in ("GET", "DELETE"):
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": _in_query(field)}
            for name, field in rest.items()
        ]
    elif rest:
        body = {
            "type": "object",
            "properties": rest,
            "required": sorted(required - set(in_path)),
            "additionalProperties": False,
        }
        found["requestBody"] = {
            "required": bool(required - set(in_path)),
            "content": {"application/json": {"schema": body}},
        }
    if operation.method == "POST":
        parameters.append(_KEY)
    if parameters:
        found["parameters"] = parameters
    found["responses"] = _responses(operation)
    return found


def _in_query(field: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what is not given is left out."""
    kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
    rest = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    default = {"default": field["default"]} if field.get("default") is not None else {}
    return (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {}) | rest | default


def _responses(operation: Operation) -> dict[str, Any]:
    problem = {"content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}}}
    if operation.gives is None:
        good: dict[str, Any] = {"204": {"description": "done"}}
    else:
        schema = {"$ref": _REF.format(name=operation.gives.__name__)}
        answer = {"description": "done", "content": {"application/json": {"schema": schema}}}
        good = {"201" if operation.created else "200": answer}
    bad = {
        "4XX": {"description": "why it is not done"} | problem,
        "5XX": {"description": "not now"} | problem,
    }
    return good | bad


def _used(value: Any, components: dict[str, Any]) -> set[str]:
    """The schemas that something refers to, and those that these refer to."""
    found: set[str] = set()
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            name = str(each.get("$ref", "")).rpartition("/")[2]
            if name in components and name not in found:
                found.add(name)
                left.append(components[name])
            left += each.values()
        elif isinstance(each, list):
            left += each
    return found


if __name__ == "__main__":
    from plaudit.manage.api import OPERATIONS

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document(OPERATIONS)), indent=1).decode() + "\n")
