"""Django sites with nothing but sessions, each asked on a socket of its own.

The first line is the JSON text of settings. Each after it is a JSON list, [verb,
argument, ...], and so is each answer: [result, null], or [null, traceback]. The
last answer is null.
"""

import builtins
import collections
import datetime
import decimal
import importlib
import json
import os
import signal
import socket
import sys
import traceback
import types
import uuid

import django
import django.contrib.sessions.backends.base
import django.core.cache.backends.base
import django.core.management.commands.migrate
import django.db.models
import django.db.migrations.executor
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy



def next_site():
    """A fork for each site that is asked for: what stands above takes longest."""
    asked = socket.socket(fileno=3)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        _, fds, _, _ = socket.recv_fds(asked, 1, 1)
        if not fds:
            sys.exit()  # the test's process has ended
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asked.close()
            return socket.socket(fileno=fds[0])
        os.close(fds[0])


conversation = next_site()
questions, answers = conversation.makefile("r"), conversation.makefile("w")


class Token:
    """As Horizon keeps it: an object whose class is not Go's to know."""

    def __init__(self, user, project):
        self.user = user
        self.project = self.tenant = project
        self.roles = [{"name": "member"}]
        self.expires = datetime.datetime(2031, 2, 3, tzinfo=datetime.timezone.utc)


horizon = types.ModuleType("openstack_auth.user")
Token.__module__, horizon.Token = horizon.__name__, Token
sys.modules["openstack_auth"], sys.modules[horizon.__name__] = types.ModuleType("openstack_auth"), horizon


class site:
    """What Django is set up with unless the test has another."""

    ALLOWED_HOSTS = ["*"]
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    INSTALLED_APPS = ["django.contrib.sessions"]
    SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
    USE_TZ = True


chosen = {name: value for name, value in vars(site).items() if name.isupper()}
exec(json.loads(questions.readline()), chosen)
settings.configure(**{name: value for name, value in chosen.items() if name.isupper()})
django.setup()

backend = importlib.import_module(settings.SESSION_ENGINE)


class Gone(Exception):
    """There is no such session."""


def opened(key):
    """The session of a request with that cookie, as it was found."""
    session = backend.SessionStore(key)
    session.load()
    if session.session_key != key or session.modified:
        raise Gone
    return backend.SessionStore(key)


def value(tagged):
    form, content = tagged
    return eval(content, globals()) if form == "python" else content


def values(tagged):
    return {name: value(v) for name, v in tagged.items()}


def saved(session):
    session.save()
    return session.session_key


def create(data):
    session = backend.SessionStore()
    session.update(values(data))
    return saved(session)


def load(key):
    return plain(dict(opened(key).items()))


def plain(v):
    """As much of it as JSON has."""
    if type(v) is dict:
        return {name if type(name) is str else repr(name): plain(member) for name, member in v.items()}
    if type(v) is list:
        return [plain(member) for member in v]
    return v if type(v) in (type(None), bool, int, float, str) else repr(v)


def set(key, name, tagged):
    session = opened(key)
    session[name] = value(tagged)
    return saved(session)


def delete(key, name):
    session = opened(key)
    del session[name]
    return saved(session)


def set_expiry(key, tagged):
    session = opened(key)
    session.set_expiry(value(tagged))
    return saved(session)


def expires(key):
    """When the back end lets go of the session, as far as Django can tell."""
    session = opened(key)
    if hasattr(session, "model"):
        at = session.model.objects.get(pk=key).expire_date
    elif hasattr(session, "_last_modification"):
        at = session.get_expiry_date(modification=session._last_modification())
    else:
        at = session.get_expiry_date()
    return at.timestamp()


def at_browser_close(key):
    return opened(key).get_expire_at_browser_close()


def cycle_key(key):
    session = opened(key)
    session.cycle_key()
    return saved(session)


def flush(key):
    opened(key).flush()


def difference(key, want):
    want, got = values(want), dict(opened(key).items())
    lines = []
    for name in sorted({*want, *got}, key=str):
        if name not in got:
            lines.append(f"{name!r} is missing")
        elif name not in want:
            lines.append(f"{name!r} is {got[name]!r}, want none")
        elif not same(want[name], got[name], {}):
            lines.append(f"{name!r} is {got[name]!r}, want {want[name]!r}")
    return "\n".join(lines)


def same(a, b, seen):
    """Equal in type, value and all that is within, and shared where a is."""
    if isinstance(a, Promise):  # each unpickled one has a class of its own
        return isinstance(b, Promise) and str(a) == str(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, (dict, list)) or hasattr(a, "__dict__"):
        if id(a) in seen:
            return seen[id(a)] == id(b)
        seen[id(a)] = id(b)
    if isinstance(a, collections.OrderedDict) and list(a) != list(b):
        return False
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            any(same(name, other, seen) for other in b if other == name) and same(a[name], b[name], seen) for name in a
        )
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y, seen) for x, y in zip(a, b))
    if isinstance(a, (builtins.set, frozenset)):
        return a == b and sorted(map(repr, a)) == sorted(map(repr, b))
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)
    if isinstance(a, datetime.datetime):
        return a == b and a.utcoffset() == b.utcoffset()
    if hasattr(a, "__dict__"):
        return same(vars(a), vars(b), seen)
    return a == b


def migrate():
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def python(expression):
    return eval(expression, globals())


def run(code):
    exec(code, globals())


for line in questions:
    verb, *arguments = json.loads(line)
    try:
        answer = [globals()[verb](*arguments), None]
    except Gone:
        answer = [None, "gone"]
    except Exception:
        answer = [None, traceback.format_exc()]
    print(json.dumps(answer), file=answers, flush=True)
print("null", file=answers, flush=True)
