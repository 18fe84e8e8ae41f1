# -*- coding: utf-8 -*-
"""As Django 1.x made them."""
from __future__ import unicode_literals
import os, sys
BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(BASE_DIR, 'apps'))
PROJECT_ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..'))
SECRET_KEY = u'k' + 'ey' * 20 + "\x21\u00e9\101" r'\n' '''"quoted"'''
DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': 'site', 'USER': 'u', 'PASSWORD': 'p\'w',
                         'HOST': '/var/run/mysqld/mysqld.sock', 'PORT': '',
                         'OPTIONS': {'charset': 'utf8mb4', 'init_command': "SET sql_mode='STRICT_TRANS_TABLES'"}}}
SESSION_COOKIE_AGE = 60 * 60 * 24 * 7 * 2  # two weeks
SESSION_COOKIE_NAME = '%s_%d' % ('site', 7)
SESSION_FILE_PATH = os.path.join(BASE_DIR, 'var', 'sessions')
ADMINS = (
    # ('Your Name', 'your_email@example.com'),
)
MANAGERS = ADMINS
USE_TZ = not True; TIME_ZONE = 'Europe/Prague'
if 'test' in sys.argv or 'test_coverage' in sys.argv:
    DATABASES['default']['ENGINE'] = 'django.db.backends.sqlite3'
