"""A migration written as SQL, which names what Piccolo's columns cannot."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder


def of_statements(migration_id: str, description: str, statements: str) -> MigrationManager:
    """The migration that runs these statements one after the other; each ends with a semicolon at the end of a line."""
    manager = MigrationManager(migration_id=migration_id, app_name="causerie", description=description)

    async def run() -> None:
        engine = engine_finder()
        assert engine is not None
        for statement in statements.split(";\n"):
            if statement.strip():
                await engine.run_ddl(statement)

    manager.add_raw(run)
    return manager
