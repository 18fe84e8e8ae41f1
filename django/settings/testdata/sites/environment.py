import os
from os import environ, getenv
from os.path import dirname, join

DEBUG = os.environ.get('DJANGO_DEBUG', '') != 'False'
SECRET_KEY = os.environ['CLOAKROOM_TEST_KEY']
SECRET_KEY_FALLBACKS = [k for k in os.environ.get('CLOAKROOM_TEST_OLD', 'one,two,,three').split(',') if k]
DB_HOST = getenv('CLOAKROOM_TEST_HOST')
DB_PORT = int(environ.get('CLOAKROOM_TEST_PORT') or 5432)
DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': environ.get('CLOAKROOM_TEST_DB', default='dash'),
        'USER': 'dash',
        'PASSWORD': environ.setdefault('CLOAKROOM_TEST_PW', 'from the file'),
        'HOST': DB_HOST if DB_HOST is not None else 'db.example.org',
        'PORT': DB_PORT,
        'OPTIONS': {'sslmode': 'require' if DB_HOST else 'prefer'},
    },
}
if 'CLOAKROOM_TEST_REPLICA' in os.environ:
    DATABASES['replica'] = dict(DATABASES['default'], HOST=os.environ['CLOAKROOM_TEST_REPLICA'])
else:
    DATABASES['replica'] = {**DATABASES['default'], 'HOST': 'replica'}
SESSION_COOKIE_SECURE = os.environ.get('CLOAKROOM_TEST_SECURE', 'true').lower() in ('1', 'true', 'yes')
SESSION_COOKIE_DOMAIN = os.environ.get('CLOAKROOM_TEST_DOMAIN') or None
CACHES = {'default': {
    'BACKEND': 'django_redis.cache.RedisCache',
    'LOCATION': f"redis://{os.environ.get('CLOAKROOM_TEST_REDIS', 'localhost')}:{DB_PORT + 947:d}/{1}",
    'TIMEOUT': None,
    'OPTIONS': {'SOCKET_TIMEOUT': .5, 'SOCKET_CONNECT_TIMEOUT': 1_0 / 4, 'MAX': 0x10, 'NEGATIVE': -1e3},
}}
try:
    SESSION_COOKIE_AGE = int(os.environ['CLOAKROOM_TEST_AGE'])
except KeyError:
    SESSION_COOKIE_AGE = 3600
except (ValueError, TypeError) as e:
    SESSION_COOKIE_AGE = 1
finally:
    DONE = True
