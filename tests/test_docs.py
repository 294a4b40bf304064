"""The documents say what is so."""

import dataclasses
import re
from typing import Any

from app.core.settings import Settings, load
from app.core.templates import ROOT
from tests.conftest import Server
from tests.pages import says

README = (ROOT / "README.md").read_text()
# Fields that are another setting's name, or none of their own.
VARIABLES = {field.name: field.name.upper() for field in dataclasses.fields(Settings)}


def table() -> dict[str, str]:
    """The settings that the README lists, each with its default."""
    return dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) ?\|", README, re.MULTILINE))


def test_every_setting_is_in_the_table_of_the_readme() -> None:
    assert set(table()) == set(VARIABLES.values())


def test_the_defaults_of_the_table_are_those_of_the_code() -> None:
    found = load({"SECRET_KEY": "k" * 64})
    for field, variable in VARIABLES.items():
        told, value = table()[variable], getattr(found, field)
        if variable in ("DATA_DIR", "BASE_URL", "MAIL_FROM", "SECRET_KEY"):
            continue  # they depend on the machine, or on other settings
        value = ",".join(value) if isinstance(value, tuple) else value
        expected = (
            {True: "on", False: "off", None: ""}[value] if value is None or isinstance(value, bool) else str(value)
        )
        assert told == expected.removesuffix(".0"), variable


def test_every_setting_is_really_read_from_that_variable() -> None:
    """Each with a value of its own, to see that it arrives."""
    given = {
        "ENV": "production",
        "PORT": "8123",
        "DATA_DIR": "/tmp/causerie-elsewhere",
        "DATABASE_URL": "postgresql://x/y",
        "DATABASE_POOL_SIZE": "5",
        "CHANNELS_URL": "redis://x",
        "SECRET_KEY": "s" * 40,
        "BASE_URL": "https://chat.example.org",
        "SMTP_URL": "smtp://mail",
        "MAIL_FROM": "x@example.org",
        "WEB_CONCURRENCY": "3",
        "ROLE_POLICY": "school",
        "MAX_MESSAGE_LENGTH": "99",
        "MAX_CONNECTIONS_PER_USER": "9",
        "MESSAGE_RETENTION_DAYS": "30",
        "HEARTBEAT_SECONDS": "7",
        "ACCESS_TOKEN_MINUTES": "6",
        "RATE_LIMITS": "off",
        "TRUSTED_PROXIES": "2",
        "TIME_ZONE": "Europe/Paris",
        "CORS_ORIGINS": "https://app.example.org",
        "LOG_LEVEL": "debug",
        "WEBHOOK_ALLOWED_NETWORKS": "10.1.0.0/16, fd00::/8",
        "EXPORT_STORAGE_MB": "500",
    }
    assert set(given) == set(VARIABLES.values())
    plain = load({"SECRET_KEY": "k" * 64})
    for field, variable in VARIABLES.items():
        needed = {"SECRET_KEY": "k" * 64, "BASE_URL": "https://here.example.org"}
        more = {name: value for name, value in needed.items() if name != variable}
        assert getattr(load({variable: given[variable]} | more), field) != getattr(plain, field), variable


CONTRACT = """
POST /auth/signup · POST /auth/login · POST /auth/refresh · POST /auth/logout · POST /auth/forgot-password
POST /auth/reset-password · GET /me · PATCH /me · DELETE /me
GET /me/tokens · POST /me/tokens · DELETE /me/tokens/{} · GET /me/sessions · DELETE /me/sessions/{}
GET /notifications · PUT /notifications/{}/read · DELETE /notifications/{} · GET /me/notification-settings
PUT /me/notification-settings
GET /people · GET /people/{} · GET /conversations · POST /conversations · GET /conversations/general
GET /conversations/{} · PATCH /conversations/{} · DELETE /conversations/{} · PUT /direct/{}
GET /conversations/{}/members · POST /conversations/{}/members · DELETE /conversations/{}/members/{}
GET /conversations/{}/messages · POST /conversations/{}/messages · PATCH /messages/{} · DELETE /messages/{}
GET /messages · PUT /conversations/{}/read · GET /live · GET /health · GET /info
POST /conversations/{}/webhooks · POST /hooks/{}/{}
GET /exports · POST /exports · GET /exports/{} · GET /exports/{}/download · POST /exports/{}/cancel
DELETE /exports/{}
"""


async def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = (await server.nobody().api.get("/docs/openapi.json")).json()
    return found


async def test_the_openapi_document_has_every_call_of_the_contract(server: Server) -> None:
    schema = await document(server)
    described = {
        f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path)}"
        for path, operations in schema["paths"].items()
        for method in operations
    }
    wanted = {call.strip() for line in CONTRACT.strip().splitlines() for call in line.split("·")}
    assert wanted - described == set()


def answer(schema: dict[str, Any], method: str, path: str, status: str) -> dict[str, Any]:
    """The properties of the JSON that a call answers."""
    content = schema["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    name = next(part["$ref"] for part in content.get("oneOf", [content]) if "$ref" in part).rsplit("/", 1)[-1]
    properties: dict[str, Any] = schema["components"]["schemas"][name]["properties"]
    return properties


async def test_the_openapi_document_tells_how_to_sign_in_and_how_errors_look(server: Server) -> None:
    schema = await document(server)
    assert schema["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    refused = (await server.nobody().api.post("/auth/signup", json={})).json()
    assert set(refused) <= set(schema["components"]["schemas"]["Problem"]["properties"])
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            told = operation["responses"]["default"]["content"]
            assert list(told) == ["application/problem+json"], (method, path)


async def test_every_reference_in_the_openapi_document_leads_somewhere(server: Server) -> None:
    schema = await document(server)
    for name in re.findall(r"#/components/schemas/([^'\"]+)", str(schema)):
        assert name in schema["components"]["schemas"], name


async def test_the_openapi_document_describes_the_json_of_the_contract(server: Server) -> None:
    schema = await document(server)
    signed_in = {"person", "access_token", "refresh_token", "token_type", "expires_in"}
    assert set(answer(schema, "post", "/auth/signup", "201")) == signed_in
    assert set(answer(schema, "post", "/auth/login", "200")) == signed_in
    messages = "/conversations/{conversation_id}/messages"
    assert set(answer(schema, "get", messages, "200")) == {"messages", "next", "change"}
    sent = {"id", "conversation_id", "position", "change", "author", "kind", "body", "html", "reply_to", "created_at"}
    assert sent | {"edited_at", "deleted_at", "status"} <= set(answer(schema, "post", messages, "201"))


async def test_the_documents_are_served_from_here_without_login(server: Server) -> None:
    nobody = server.nobody()
    told = (await nobody.api.get("/docs/openapi.json")).json()
    assert told["openapi"].startswith("3.")
    page = await nobody.browser.get("/docs")
    assert page.status_code == 200
    for path in ("/conversations/{conversation_id}/messages", "/live", "/auth/login"):
        assert path in says(page)
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.text), "nothing is loaded from elsewhere"
