# unknown: SESSION_COOKIE_NAME SESSION_COOKIE_DOMAIN CACHES SESSION_ENGINE
import os, socket
import sys

HOST = socket.gethostname()
if HOST == 'production':
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = 'prod'
else:
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = 'dev'
SESSION_COOKIE_AGE = 5 if HOST else 5
if HOST.startswith('x'):
    SESSION_COOKIE_DOMAIN = 'x.example.org'
CACHES = {'default': {'BACKEND': 'a.b', 'LOCATION': 'known'}}
if len(HOST) > 5000:
    CACHES['default']['TIMEOUT'] = 5
if sys.version_info[0] >= 3:
    SESSION_COOKIE_PATH = '/three'
else:
    SESSION_COOKIE_PATH = '/two'
try:
    import no_such_module_of_ours
    SESSION_ENGINE = 'with.it'
except ImportError:
    SESSION_ENGINE = 'without.it'
try:
    import no_such_module_of_ours as x
except ImportError:
    x = None
try:
    import json
    SESSION_SERIALIZER = 'django.contrib.sessions.serializers.JSONSerializer'
except ImportError:
    SESSION_SERIALIZER = 'other.one'
if os.path.exists('/') and os.path.isdir('/') and not os.path.isfile('/'):
    USE_TZ = True
elif nonsense:
    USE_TZ = None
from contextlib import suppress
with suppress(ImportError):
    from .nothing_like_it import *
    USE_TZ = None
with suppress(KeyError, ImportError):
    TIME_ZONE = os.environ['CLOAKROOM_TEST_NO_SUCH']
