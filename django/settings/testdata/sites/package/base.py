import os
from pathlib import Path
from .components.caches import *
ROOT = Path(__file__).parents[1]
SECRET_KEY = (ROOT / 'secrets' / 'key.txt').read_text().strip()
SESSION_ENGINE = 'django.contrib.sessions.backends.db'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': str(ROOT / 'db.sqlite3')}}
INSTALLED_APPS = ['django.contrib.sessions']
_private = 'not exported'
