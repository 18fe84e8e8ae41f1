CACHES['default']['LOCATION'] = [CACHES['default']['LOCATION'], 'second:11211']
SESSION_TIMEOUT *= 2
