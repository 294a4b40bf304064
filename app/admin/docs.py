"""/docs: the OpenAPI document as a page of ours, read without scripts and with nothing loaded from elsewhere."""

from typing import Any

from litestar import Request, Response, get

from app.core.page import Page

OPEN = {"anonymous": True}
METHODS = ("get", "post", "put", "patch", "delete")


@get("/docs", opt=OPEN, include_in_schema=False)
async def docs(request: Request[Any, Any, Any]) -> Page[dict[str, Any]]:
    return Page("admin/docs.html", _summary(request.app.openapi_schema.to_schema()))


@get("/docs/openapi.json", opt=OPEN, include_in_schema=False)
async def openapi(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    return Response(request.app.openapi_schema.to_schema(), media_type="application/json")


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
