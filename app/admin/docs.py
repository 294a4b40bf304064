"""/docs: the OpenAPI document as a page of ours, read without scripts and with nothing loaded from elsewhere."""

from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get

from app.core.page import Page
from app.core.problems import Problem

OPEN = {"anonymous": True}
METHODS = ("get", "post", "put", "patch", "delete")
REF = "#/components/schemas/{name}"
# The feed is bare ASGI, so Litestar does not describe it.
LIVE = {
    "summary": "Live",
    "description": "The live feed: what changed after the cursor, then each change as it comes, as Server-Sent Events.",
    "operationId": "Live",
    "parameters": [
        {
            "name": "after",
            "in": "query",
            "schema": {"type": "string"},
            "description": "The cursor: 7:353 or 7:353,8:14",
        },
        {"name": "format", "in": "query", "schema": {"type": "string", "enum": ["html", "json"]}},
        {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": "Wins over `after`"},
    ],
    "responses": {
        "200": {"description": "The stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    },
}


@get("/docs", opt=OPEN, include_in_schema=False)
async def docs(request: Request[Any, Any, Any]) -> Page[dict[str, Any]]:
    return Page("admin/docs.html", _summary(_document(request.app)))


@get("/docs/openapi.json", opt=OPEN, include_in_schema=False)
async def openapi(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    return Response(_document(request.app), media_type="application/json")


@lru_cache(maxsize=1)
def _document(app: Litestar) -> dict[str, Any]:
    """The OpenAPI document, with what Litestar cannot know: how one signs in, the feed, and how errors are told."""
    document = app.openapi_schema.to_schema()
    _schemas, components = msgspec.json.schema_components([Problem], ref_template=REF)
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {}).update(components)
    parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT or cau_…"}}
    document["security"] = [{"bearer": []}]
    document["paths"]["/live"] = {"get": LIVE}
    for operations in document["paths"].values():
        for method in operations.keys() & set(METHODS):
            _tell_errors(operations[method]["responses"])
    return document


def _tell_errors(responses: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}}
    responses.pop("400", None)  # Litestar's own form of an error, which is never sent
    responses["default"] = {"description": "What went wrong (RFC 9457)", "content": problem}
    responses.get("204", {}).pop("content", None)


def _summary(schema: dict[str, Any]) -> dict[str, Any]:
    """The document as the page shows it: operations by their first path part, and the named structs."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in sorted(schema["paths"].items()):
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                groups.setdefault(path.split("/")[1] or "home", []).append(
                    {
                        "method": method.upper(),
                        "path": path,
                        "summary": operation.get("description") or operation.get("summary") or "",
                        "parameters": operation.get("parameters", []),
                        "body": _body(operation.get("requestBody", {})),
                        "answers": {status: _body(answer) for status, answer in operation["responses"].items()},
                    }
                )
    structs = {
        name: {field: _type(kind) for field, kind in struct.get("properties", {}).items()}
        for name, struct in sorted(schema.get("components", {}).get("schemas", {}).items())
    }
    return {
        "title": schema["info"]["title"],
        "version": schema["info"]["version"],
        "groups": groups,
        "structs": structs,
    }


def _body(holder: dict[str, Any]) -> str:
    for content in holder.get("content", {}).values():
        return _type(content.get("schema", {}))
    return ""


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words: `Author`, `[MessageView]`, `integer or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(_type(part) for part in schema[union]))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(schema.get("format") or kind)


HANDLERS = [docs, openapi]
