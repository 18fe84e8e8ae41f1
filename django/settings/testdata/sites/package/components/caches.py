__all__ = ['CACHES', 'SESSION_CACHE_ALIAS']
CACHES = {'default': {'BACKEND': 'django.core.cache.backends.memcached.PyMemcacheCache', 'LOCATION': ['a:1', 'b:2']}}
SESSION_CACHE_ALIAS = 'default'
SESSION_COOKIE_AGE = 1
