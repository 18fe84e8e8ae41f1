from urllib.parse import quote, quote_plus
REDIS = {'host': 'redis.example.org', 'password': "p@ss/w:rd"}
CACHES = {
    'default': {
        'BACKEND': 'django.core.cache.backends.redis.RedisCache',
        'LOCATION': ['redis://:%s@%s:6379/0' % (quote(REDIS['password'], safe=''), REDIS['host']),
                     'redis://:' + quote(REDIS['password']) + '@replica'],
    },
    'other': {'BACKEND': 'django.core.cache.backends.dummy.DummyCache', 'LOCATION': quote_plus('a b')},
}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
