"""The tables of PgQueuer, as its own release makes them."""

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-20T00:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "jobs"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="causerie", description=DESCRIPTION)

    async def run() -> None:
        engine = engine_finder()
        assert engine is not None
        # Many statements, a function body among them: the simple protocol takes them as one.
        async with engine.transaction() as transaction:
            await transaction.connection.execute(QueryBuilderEnvironment().build_install_query())

    manager.add_raw(run)
    return manager
