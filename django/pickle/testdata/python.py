"""Python's side of the tests.

write SEED COUNT: print random sessions as {"protocol": int, "pickle": base64}, a line each.
dumps: read sessions as JSON and print them pickled in every protocol, in base64.
names: print what Python 2 called the globals of Python 3.
bench: read sessions in base64 and print how many µs it takes to write and to read each.
same: read {"name", "before", "after"} and print the name of each pair that is not
equal, object for object: types, values, the order within, and what is shared.
"""
import base64
import collections
import datetime
import decimal
import enum
import fractions
import functools
import json
import pathlib
import pickle
import random
import struct
import sys
import types
import uuid

sys.modules["python"] = sys.modules[__name__]
__name__ = "python"  # what the classes below are pickled as


class Plain:
    pass


class Slots:
    __slots__ = ("a", "b")


class Both(Slots):
    pass


class Text(str):
    pass


class Number(int):
    pass


class Bag(dict):
    pass


class Row(list):
    pass


class Crowd(set):
    pass


class Point(collections.namedtuple("Point", "x y")):
    pass


class Keyword:
    def __new__(cls, a, *, b):
        self = object.__new__(cls)
        self.a, self.b = a, b
        return self

    def __getnewargs_ex__(self):
        return (self.a,), {"b": self.b}


class Stateful:
    def __getstate__(self):
        return (self.a, "state")

    def __setstate__(self, state):
        self.a = state[0]


class Outer:
    class Inner:
        pass


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


def function(*args):
    pass


def same(a, b, seen):
    if type(a).__name__ == type(b).__name__ == "__proxy__":  # of Django's lazy(), a class of its own each time
        keep.append((a.__reduce__(), b.__reduce__()))
        return same(*keep[-1], seen)
    if type(a) is not type(b):
        return False
    if a is None or isinstance(a, (type, types.FunctionType, types.BuiltinFunctionType, enum.Enum)):
        return a is b
    if type(a) in (int, bool, str, bytes):
        return a == b
    if type(a) is float:
        return struct.pack("d", a) == struct.pack("d", b)
    if id(a) in seen or -id(b) in seen:
        return seen.get(id(a)) == id(b) and seen.get(-id(b)) == id(a)
    if not (type(a) in (tuple, frozenset) and not a):
        seen[id(a)], seen[-id(b)] = id(b), id(a)
    if isinstance(a, (set, frozenset)):
        return a == b and len(a) == len(b) and same(getattr(a, "__dict__", None), getattr(b, "__dict__", None), seen)
    if type(a) is dict:
        return len(a) == len(b) and all(
            same(k, l, seen) and same(a[k], b[l], seen) for k, l in zip(a, b))
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(same(x, y, seen) for x, y in zip(a, b))
    if type(a) in (bytearray, decimal.Decimal, datetime.datetime, datetime.timedelta, uuid.UUID, complex):
        return repr(a) == repr(b)
    x, y = ([list(p) if hasattr(p, "__next__") else p for p in v.__reduce_ex__(4)] for v in (a, b))
    keep.append((x, y))  # so that no id is used twice
    return same(x, y, seen)


def sessions_same(a, b):
    return len(a) == len(b) and same(*({k: v[k] for k in sorted(v, key=lambda k: (type(k).__name__, str(k)))} for v in (a, b)), {})


def compare():
    for line in sys.stdin:
        pair = json.loads(line)
        keep.clear()
        try:
            before, after = (pickle.loads(base64.b64decode(pair[side])) for side in ("before", "after"))
            if not sessions_same(before, after):
                print(pair["name"], "differs", flush=True)
        except Exception as e:
            print(pair["name"], repr(e), flush=True)


keep = []


def write(seed, count):
    r = random.Random(seed)

    def text():
        return "".join(chr(r.choice([r.randrange(32, 127), r.randrange(0x300), r.randrange(0x110000), r.randrange(0xD800, 0xE000), 10, 92]))
                       for _ in range(r.choice([0, 1, 3, 8, 8, 300 if r.random() < 0.1 else 2])))

    def scalar():
        return r.choice([
            lambda: None, lambda: True, lambda: False, text, text,
            lambda: r.randrange(-3, 300), lambda: r.randrange(-2**31 - 2, 2**31 + 2), lambda: 2**r.randrange(70) - r.randrange(3),
            lambda: r.randrange(-2**r.randrange(1, 3000), 2**r.randrange(1, 3000)), lambda: -(2**(8 * r.randrange(1, 40) - 1)) - r.randrange(2),
            lambda: struct.unpack("d", struct.pack("Q", r.getrandbits(64)))[0], lambda: round(r.uniform(-9, 9), 2),
            lambda: r.randbytes(r.choice([0, 1, 9, 300])), lambda: bytearray(r.randbytes(r.randrange(6))),
            lambda: datetime.datetime(r.randrange(1, 10000), r.randrange(1, 13), r.randrange(1, 29), 1, 2, 3, r.randrange(10**6), fold=r.randrange(2)),
            lambda: datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(minutes=r.randrange(-700, 700)))),
            lambda: datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.timezone.utc),
            lambda: datetime.date(r.randrange(1, 10000), 12, 31), lambda: datetime.time(23, 59, fold=r.randrange(2)),
            lambda: datetime.timedelta(r.randrange(-9, 9), 5, 7), lambda: decimal.Decimal(r.choice(["1.20", "NaN", "-0", "1E+9"])),
            lambda: uuid.UUID(int=r.getrandbits(r.choice([1, 63, 64, 128]))), lambda: complex(1, -2.5), lambda: fractions.Fraction(1, 3),
            lambda: range(3), lambda: Outer.Inner, lambda: function, lambda: len, lambda: Colour.RED, lambda: pathlib.PurePosixPath("a/b"),
            lambda: ValueError("x", 1), lambda: functools.partial(function, 1, k=2), lambda: types.SimpleNamespace(a=1), lambda: Text(text()),
            lambda: Number(7), lambda: slice(1, 2), lambda: {}.get and dict,
        ])()

    def hashable():
        while True:
            v = scalar()
            try:
                if hash(v) == hash(v) and pickle.loads(pickle.dumps(v)) == v:
                    return v
            except TypeError:
                pass

    def fill(o, made, depth):
        o.a = value(made, depth)
        if r.random() < 0.5:
            o.b = value(made, depth)
        return o

    def some():
        return range(r.randrange(5))

    def many():
        return range(r.choice([999, 1000, 1001, 2000]))  # around the size of Python's batches

    def value(made, depth):
        if made and r.random() < 0.15:
            return r.choice(made)
        if depth > 4 or r.random() < 0.5:
            v = scalar()
        else:
            d = depth + 1 if r.random() < 0.9 else 9
            v = r.choice([
                lambda: r.choice([list, set, frozenset, tuple, collections.deque, dict.fromkeys])(many()) if r.random() < 0.1 else [],
                lambda: [value(made, d) for _ in some()], lambda: tuple(value(made, d) for _ in some()),
                lambda: {hashable(): value(made, d) for _ in some()}, lambda: {text(): value(made, d) for _ in some()},
                lambda: {hashable() for _ in some()}, lambda: frozenset(hashable() for _ in some()),
                lambda: collections.OrderedDict((hashable(), value(made, d)) for _ in some()),
                lambda: collections.defaultdict(list, {text(): value(made, d)}), lambda: collections.Counter("hello"),
                lambda: collections.deque([value(made, d) for _ in some()], r.choice([None, 5])),
                lambda: fill(Plain(), made, d), lambda: fill(Slots(), made, d), lambda: fill(Both(), made, d), lambda: fill(Stateful(), made, d),
                lambda: fill(Outer.Inner(), made, d), lambda: fill(Bag(k=value(made, d)), made, d), lambda: fill(Row([1, value(made, d)]), made, d),
                lambda: Crowd([1, 2]), lambda: Keyword(value(made, d), b=value(made, d)), lambda: Point(value(made, d), 2),
                lambda: fill(Text(text()), made, d),
            ])()
        made.append(v)
        return v

    while count:
        made = []
        session = {(text() if r.random() < 0.9 else hashable()): value(made, 0) for _ in range(r.randrange(9))}
        for protocol in range(6):
            try:
                pickled = pickle.dumps(session, protocol)
                pickle.loads(pickled)
            except (TypeError, pickle.PicklingError, ValueError):
                continue  # beyond what this protocol can say
            print(json.dumps({"protocol": protocol, "pickle": base64.b64encode(pickled).decode()}))
        count -= 1


def stub(module, name):
    """Make a class that the records name, if its package is not installed."""
    try:
        __import__(module)
    except Exception:
        parts = module.split(".")
        for i in range(len(parts)):
            sys.modules.setdefault(".".join(parts[:i + 1]), types.ModuleType(".".join(parts[:i + 1])))
        setattr(sys.modules[module], name, type(name, (), {"__module__": module}))


def dumps():
    for line in sys.stdin:
        for protocol in range(6):
            print(base64.b64encode(pickle.dumps(json.loads(line), protocol)).decode())


def names():
    import _compat_pickle
    for (module, name), renamed in _compat_pickle.NAME_MAPPING.items():
        print(module, name, *renamed)
    for module, renamed in _compat_pickle.IMPORT_MAPPING.items():
        print(module, "x", renamed, "x")


def bench():
    import timeit
    for line in sys.stdin:
        name, pickled = line.split()
        pickled = base64.b64decode(pickled)
        session = pickle.loads(pickled)
        for what in (lambda: pickle.dumps(session, 5)), (lambda: pickle.loads(pickled)):
            print(name, round(min(timeit.repeat(what, number=200, repeat=20)) * 5000, 2))


def with_django(command):
    from django.conf import settings
    settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], USE_I18N=False)
    import django
    django.setup()
    stub("openstack_auth.user", "Token")
    stub("keystoneauth1.access.access", "AccessInfoV3")
    command()


if sys.argv[1] == "write":
    write(int(sys.argv[2]), int(sys.argv[3]))
elif sys.argv[1] in ("same", "bench"):
    with_django(compare if sys.argv[1] == "same" else bench)
else:
    {"dumps": dumps, "names": names}[sys.argv[1]]()
