from .base import *
from . import base
from .components.caches import CACHES as THE_CACHES

SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'
CACHES['default']['LOCATION'].append('c:3')
DATABASES['default'].update(ENGINE='django.db.backends.postgresql', NAME='site')
OLD = base.SESSION_ENGINE
INSTALLED_APPS += ['more']
SESSION_COOKIE_SECURE = True

try:
    from .local import *
except ImportError:
    SESSION_COOKIE_PATH = '/no-local'

exec(open(base.ROOT / 'secrets' / 'extra.py').read())
