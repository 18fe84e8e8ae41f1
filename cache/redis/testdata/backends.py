"""Cache back ends that this Django does not have, with the wire of their own
sources: Django's since 4.0, and the redis_cache that came before django-redis.
"""

import pickle
import sys
import types

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache


class RedisCache(BaseCache):
    """What both do: plain integers as they are, and seconds to live."""

    protocol = pickle.HIGHEST_PROTOCOL

    def __init__(self, location, params):
        super().__init__(params)
        self.client = redis.Redis(**self.parse(location))

    def dumps(self, value):
        return value if type(value) is int else pickle.dumps(value, self.protocol)

    def loads(self, value):
        try:
            return int(value)
        except ValueError:
            return pickle.loads(value)

    def seconds(self, timeout):
        return max(0, int(self.default_timeout if timeout == DEFAULT_TIMEOUT else timeout))

    def get(self, key, default=None, version=None):
        value = self.client.get(self.make_key(key, version))
        return default if value is None else self.loads(value)

    def set(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        self.store(self.make_key(key, version), self.dumps(value), self.seconds(timeout))

    def add(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        return self.store_new(self.make_key(key, version), self.dumps(value), self.seconds(timeout))

    def delete(self, key, version=None):
        return bool(self.client.delete(self.make_key(key, version)))

    def has_key(self, key, version=None):
        return bool(self.client.exists(self.make_key(key, version)))


class Django(RedisCache):
    """django.core.cache.backends.redis.RedisCache"""

    def parse(self, location):
        return redis.ConnectionPool.from_url(location).connection_kwargs

    def store(self, key, value, seconds):
        if seconds == 0:
            self.client.delete(key)
        else:
            self.client.set(key, value, ex=seconds)

    def store_new(self, key, value, seconds):
        return bool(self.client.set(key, value, ex=seconds, nx=True))


class Old(RedisCache):
    """redis_cache.cache.RedisCache"""

    def parse(self, location):
        host, port, db = location.split(":")
        if host == "unix":
            return {"unix_socket_path": port, "db": int(db)}
        return {"host": host, "port": int(port), "db": int(db)}

    def store(self, key, value, seconds):
        if seconds > 0:
            self.client.setex(key, seconds, value)
        else:
            self.client.set(key, value)

    def store_new(self, key, value, seconds):
        new = self.client.setnx(key, value)
        return new and bool(self.client.expire(key, seconds))


backends = sys.modules["backends"] = types.ModuleType("backends")
backends.Django, backends.Old = Django, Old
