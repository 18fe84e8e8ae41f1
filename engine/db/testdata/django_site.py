"""A Django site with nothing but sessions, asked on standard input.

Each line is a JSON list, [verb, argument, ...], and so is each answer: [result].
"""

import json
import sys

import django
from django.conf import settings

path, overrides = sys.argv[1], json.loads(sys.argv[2])
settings.configure(
    **{
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": path}},
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "INSTALLED_APPS": ["django.contrib.sessions"],
        "SECRET_KEY": "a secret key of this test",
        "SESSION_SERIALIZER": "django.contrib.sessions.serializers.JSONSerializer",
        "USE_TZ": True,
        **overrides,
    }
)
django.setup()

from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection


def migrate():
    call_command("migrate", verbosity=0)


def unapplied():
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def schema():
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name LIKE 'django_session%' ORDER BY name")
        return [row[0] for row in cursor.fetchall()]


def create(data):
    session = SessionStore()
    session.update(data)
    session.create()
    session.update(data)
    session.save()
    return session.session_key


def load(key):
    session = SessionStore(key)
    return dict(session.items()) if session.exists(key) else None


def set(key, name, value):
    session = SessionStore(key)
    session[name] = value
    session.save()


def expire(key, seconds):
    session = SessionStore(key)
    session.set_expiry(seconds)
    session.save()


def cycle(key):
    session = SessionStore(key)
    session.cycle_key()
    session.save()
    return session.session_key


def flush(key):
    SessionStore(key).flush()


for line in sys.stdin:
    verb, *arguments = json.loads(line)
    print(json.dumps([globals()[verb](*arguments)]), flush=True)
