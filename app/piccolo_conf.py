"""Where Piccolo looks for its engine and its apps (PICCOLO_CONF)."""

from piccolo.conf.apps import AppRegistry

from app.core import database

DB = database.engine()
APP_REGISTRY = AppRegistry(apps=["app.piccolo_app"])
