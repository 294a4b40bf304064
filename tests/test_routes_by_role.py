"""The same routes in a school, for someone of each role who has nothing to do with the group: what their role opens to
them, and that it opens nothing else. The rest is as the table of `test_routes.py` has it for an outsider."""

import dataclasses

import pytest

from app.core import database
from app.core.settings import Settings
from tests.conftest import Cast
from tests.test_routes import ACTORS, TABLE, Scene
from tests.test_routes import scene as scene

OUTSIDER = ACTORS.index("outsider")
# Where a role is answered otherwise than the outsider of the table, who is a student where everyone may do everything.
NO_GROUPS = {"student": 403, "parent": 403}
STAFF_ALONE = {"teacher": 200, "admin": 200}
OTHERWISE: dict[str, dict[str, int]] = {
    "PUT /direct/{username:str}": {"student": 403},  # to Mina, a student too
    "POST /conversations": NO_GROUPS,
    "POST /me/bots": NO_GROUPS,
    "GET /support": STAFF_ALONE,
    "PUT /conversations/{conversation_id:int}/assignee": STAFF_ALONE,
    "DELETE /conversations/{conversation_id:int}/assignee": STAFF_ALONE,
    "PUT /conversations/{conversation_id:int}/closed": STAFF_ALONE,
    "DELETE /conversations/{conversation_id:int}/closed": STAFF_ALONE,
    "PUT /people/{username:str}/role": {"admin": 204},
    "POST /broadcasts": {"admin": 201},
    "GET /admin/jobs": {"admin": 200},
    "POST /admin/jobs/tries": {"admin": 204},
    "POST /admin/jobs/{letter_id:int}/tries": {"admin": 204},
    "DELETE /admin/jobs/{letter_id:int}": {"admin": 204},
    "GET /admin/audits": {"admin": 200},
    "GET /admin/conversations": {"admin": 200},
    "GET /admin/conversations/{conversation_id:int}/audit": {"admin": 200},
    "POST /admin/conversations/{conversation_id:int}/audit": {"admin": 422},
    "GET /admin/webhooks": {"admin": 200},
    "POST /admin/webhooks": {"admin": 201},
    "PUT /admin/webhooks/{webhook_id:int}/secret": {"admin": 200},
    "DELETE /admin/webhooks/{webhook_id:int}": {"admin": 204},
    "POST /admin/subscriptions": {"admin": 201},
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, role_policy="school")


@pytest.fixture
async def cast(cast: Cast) -> Cast:
    """Olive makes groups, so she is a teacher; and pupils write to her."""
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", cast.olive.id)
    return cast


@pytest.mark.parametrize("role", ["student", "parent", "teacher", "admin"])
async def test_each_role_gets_what_is_stated(scene: Scene, role: str) -> None:
    scene.others["rory"] = rory = await scene.cast.server.someone("rory", role=role)
    await rory.api.get("/conversations/general")
    wrong = []
    for row, path, expected, body in TABLE:
        status = OTHERWISE.get(row, {}).get(role, int(expected.split()[OUTSIDER]))
        answer = await scene.ask("rory", row.split()[0], path, body, accept="application/json")
        if answer.status_code != status:
            wrong.append(f"{row}: {answer.status_code} instead of {status}")
    assert not wrong, "\n".join(wrong)
