"""What django-redis compresses with, where Debian has no package of it.

The compressors are the system's own libraries, which the packages named lz4 and
pyzstd stand on as well, and the gzip of Python, for which django-redis has had a
class since 5.3.
"""

import ctypes
import gzip
import sys
import types

from django_redis.compressors.base import BaseCompressor
from django_redis.exceptions import CompressorError

_size = ctypes.c_size_t
_lz4 = ctypes.CDLL("liblz4.so.1")
_lz4.LZ4F_compressFrameBound.restype = _size
_lz4.LZ4F_compressFrame.restype = _size
_lz4.LZ4F_decompress.restype = _size
_zstd = ctypes.CDLL("libzstd.so.1")
_zstd.ZSTD_compressBound.restype = _size
_zstd.ZSTD_compress.restype = _size
_zstd.ZSTD_decompress.restype = _size
_LARGEST = 1 << 20


def _lz4_compress(value):
    bound = _lz4.LZ4F_compressFrameBound(_size(len(value)), None)
    out = ctypes.create_string_buffer(bound)
    n = _lz4.LZ4F_compressFrame(out, _size(bound), value, _size(len(value)), None)
    return out.raw[:n]


def _lz4_decompress(value):
    context = ctypes.c_void_p()
    _lz4.LZ4F_createDecompressionContext(ctypes.byref(context), 100)
    out = ctypes.create_string_buffer(_LARGEST)
    n, read = _size(_LARGEST), _size(len(value))
    left = _lz4.LZ4F_decompress(context, out, ctypes.byref(n), value, ctypes.byref(read), None)
    _lz4.LZ4F_freeDecompressionContext(context)
    if left != 0:
        raise RuntimeError("no frame of LZ4")
    return out.raw[: n.value]


def _zstd_compress(value):
    bound = _zstd.ZSTD_compressBound(_size(len(value)))
    out = ctypes.create_string_buffer(bound)
    n = _zstd.ZSTD_compress(out, _size(bound), value, _size(len(value)), 3)
    return out.raw[:n]


class _ZstdError(Exception):
    pass


def _zstd_decompress(value):
    out = ctypes.create_string_buffer(_LARGEST)
    n = _zstd.ZSTD_decompress(out, _size(_LARGEST), value, _size(len(value)))
    if _zstd.ZSTD_isError(_size(n)):
        raise _ZstdError
    return out.raw[:n]


def _module(name, **members):
    module = sys.modules[name] = types.ModuleType(name)
    vars(module).update(members)


class GzipCompressor(BaseCompressor):
    min_length = 15

    def compress(self, value):
        return gzip.compress(value) if len(value) > self.min_length else value

    def decompress(self, value):
        try:
            return gzip.decompress(value)
        except gzip.BadGzipFile as e:
            raise CompressorError(e)


_module("lz4")
_module("lz4.frame", compress=_lz4_compress, decompress=_lz4_decompress)
_module("pyzstd", compress=_zstd_compress, decompress=_zstd_decompress, ZstdError=_ZstdError)
_module("compressors", GzipCompressor=GzipCompressor)
