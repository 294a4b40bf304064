"""The table of truth, whole: it is meant to be read."""

import pytest

from app.people import policy
from app.people.policy import ROLES

# Rows write to columns: student, parent, teacher, admin.
SCHOOL = """
student: no yes yes yes
parent: yes no yes yes
teacher: yes yes yes yes
admin: yes yes yes yes
"""


def printed(which: policy.Policy) -> str:
    lines = []
    for author in ROLES:
        answers = ["yes" if policy.may_write_to(which, author, reader) else "no" for reader in ROLES]
        lines.append(f"{author}: {' '.join(answers)}")
    return "\n".join(lines)


def test_in_a_school_students_and_parents_do_not_write_among_themselves() -> None:
    assert ROLES == ("student", "parent", "teacher", "admin")
    assert printed("school") == SCHOOL.strip()


def test_where_it_is_open_everyone_writes_to_everyone() -> None:
    assert set(printed("open").replace(":", "").split()) == {*ROLES, "yes"}
    assert all(policy.may_make_groups("open", role) for role in ROLES)
    assert all(policy.may_write_in_group("open", role, None) for role in ROLES)
    assert all(policy.may_write_in_general("open", role, False) for role in ROLES)


@pytest.mark.parametrize(("role", "may"), [("student", False), ("parent", False), ("teacher", True), ("admin", True)])
def test_in_a_school_groups_and_the_general_room_are_the_staff_s(role: str, may: bool) -> None:
    assert policy.may_make_groups("school", role) is may
    assert policy.may_write_in_general("school", role, everyone_writes=False) is may
    assert policy.may_write_in_general("school", role, everyone_writes=True)
    for owner in ROLES:
        assert policy.may_write_in_group("school", role, owner) is (may or owner in ("teacher", "admin"))
    assert policy.may_write_in_group("school", role, None) is may, "of a group that nobody looks after"


def test_teachers_and_administrators_answer_what_the_staff_is_asked() -> None:
    for which in ("open", "school"):
        assert [role for role in ROLES if policy.may_answer(which, role)] == ["teacher", "admin"]


def test_administrators_alone_announce() -> None:
    assert [role for role in ROLES if policy.may_announce(role)] == ["admin"]
