import copy
CACHES = {'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}
CACHES['default']['LOCATION'] = 'one'
CACHES['default'].update({'TIMEOUT': 60, 'KEY_PREFIX': 'a'}, KEY_PREFIX='b')
CACHES['default'].setdefault('OPTIONS', {})['MAX_ENTRIES'] = 1000
CACHES['default']['OPTIONS'].setdefault('MAX_ENTRIES', 1)
CACHES.update(sessions=copy.deepcopy(CACHES['default']))
CACHES['sessions']['LOCATION'] = 'two'
CACHES['gone'] = {}
del CACHES['gone']
CACHES['popped'] = 1
POPPED = CACHES.pop('popped'), CACHES.pop('popped', None)
shared = CACHES['default']
shared['VERSION'] = 2
shared['VERSION'] += 1
SECRET_KEY_FALLBACKS = ['a']
SECRET_KEY_FALLBACKS.append('b')
SECRET_KEY_FALLBACKS.extend(('c', 'd'))
SECRET_KEY_FALLBACKS += 'e',
SECRET_KEY_FALLBACKS.insert(0, 'z')
SECRET_KEY_FALLBACKS.remove('c')
SECRET_KEY_FALLBACKS[1] = 'A'
SECRET_KEY_FALLBACKS = SECRET_KEY_FALLBACKS + ['f']
SESSION_CACHE_ALIAS = 'session'
SESSION_CACHE_ALIAS += 's'
DATABASES = {}
DATABASES['default'] = dict(ENGINE='django.db.backends.postgresql', NAME='x')
for alias in ('one', 'two'):
    DATABASES[alias] = {**DATABASES['default'], 'NAME': 'db_' + alias}
    if alias == 'two':
        continue
    DATABASES[alias]['HOST'] = alias
for key, value in {'USER': 'u', 'PASSWORD': 'p'}.items():
    DATABASES['default'][key] = value
else:
    DATABASES['default']['PORT'] = 1
while SESSION_CACHE_ALIAS == 'sessions':
    SESSION_CACHE_ALIAS = 'default'
    break
globals()['SESSION_ENGINE'] = 'django.contrib.sessions.backends.cached_db'
globals().update({'SESSION_COOKIE_NAME': 'by_globals'})
if 'SESSION_COOKIE_NAME' in globals():
    SESSION_COOKIE_PATH = '/' + SESSION_COOKIE_NAME
exec("SESSION_COOKIE_DOMAIN = 'exec.example.org'")
