"""Executes settings files with Python itself, and writes what names stand for.

Standard input: a JSON list of lists of files. The first of each is a settings
file, those after it are Horizon's snippets. Standard output: a JSON list of the
names of each.
"""
import datetime
import json
import os
import pathlib
import sys
import types


def tagged(value, depth=0):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, pathlib.PurePath):
        return {"Path": str(value)}
    if isinstance(value, datetime.timedelta):
        return {"timedelta": str(round(value / datetime.timedelta(microseconds=1)))}
    if depth > 20 or value is os.environ:
        return {"other": type(value).__name__}
    if isinstance(value, dict):
        return {"dict": [[tagged(k, depth + 1), tagged(v, depth + 1)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [tagged(v, depth + 1) for v in value]}
    if isinstance(value, (set, frozenset)):
        return {"set": sorted((tagged(v, depth + 1) for v in value), key=repr)}
    if isinstance(value, (list, range, type({}.keys()), type({}.values()), type({}.items()))):
        return {"list": [tagged(v, depth + 1) for v in value]}
    return {"other": type(value).__name__}


def module(name, **names):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(names)


def first_line(path, *_):
    with open(path) as f:
        return f.readline()


for package in "horizon", "horizon.utils", "openstack_dashboard":
    module(package)
module("horizon.utils.secret_key", generate_or_read_from_file=first_line)
sys.modules["horizon.utils"].secret_key = sys.modules["horizon.utils.secret_key"]
module("openstack_dashboard.settings", HORIZON_CONFIG={})

output, sys.stdout = sys.stdout, sys.stderr  # which the files may print to
known, path = set(sys.modules), list(sys.path)
answers = []
for file, *snippets in json.load(sys.stdin):
    for name in set(sys.modules) - known:  # the last one's files
        if getattr(sys.modules[name], "__file__", None) and "testdata" in sys.modules[name].__file__:
            del sys.modules[name]
    folder = os.path.dirname(file)
    sys.path = [folder, os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))] + path
    sys.argv = [""]
    package = ".".join(folder.split(os.sep)[-1:]) if os.path.exists(os.path.join(folder, "__init__.py")) else None
    names = {"__file__": file, "__name__": package + ".x" if package else "x", "__package__": package}
    environ = dict(os.environ)
    with open(file) as f:
        exec(compile(f.read(), file, "exec"), names)
    if snippets:
        names = {name: value for name, value in names.items() if not name.startswith("_")}
        for snippet in snippets:
            with open(snippet) as f:
                exec(f.read(), names)
    os.environ.clear()
    os.environ.update(environ)
    answers.append({n: tagged(v) for n, v in names.items() if not n.startswith("__")})
json.dump(answers, output)
