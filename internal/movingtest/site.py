import base64
import pickle

signed_in = {
    "_auth_user_id": "1",
    "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
    "_auth_user_hash": "9f2c" * 16,
    "_session_expiry": 86400,
    "cart": [{"tea": ("green", 2)}, {"milk": {"whole", "oat"}}],
    "seen": datetime.datetime(2031, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc),
    "price": decimal.Decimal("1.10"),
    "picture": b"\x00\xff",
}
templates = [signed_in, pickle.loads(base64.b64decode(horizon))]


def pickled():
    return [base64.b64encode(pickle.dumps(template, 5)).decode() for template in templates]


def read(keys):
    """What the sessions under those keys are like, each [key, which template]."""
    found = []
    for key, which in keys:
        store = backend.SessionStore(key)
        session = store.load()
        if store.session_key != key:
            found.append(None)
            continue
        serial, clicks = session.pop("serial"), session.pop("clicks")
        found.append([serial, clicks, same(templates[which], session, {})])
    return found
