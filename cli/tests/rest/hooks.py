"""What schemathesis cannot know of this API: the form of a farm file, and how long a step of the clock takes."""

import uuid

import schemathesis


@schemathesis.serializer("application/toml")
def toml(context, value):
    """Farm files are text; what is generated is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.deserializer("application/octet-stream")
def columns(context, response):
    """Columns of cells are bytes that begin with their name."""
    assert response.content.startswith(b"BESSCOL1"), response.content[:8]
    return response.content.decode("latin-1")


STEP_MAX = 50


@schemathesis.hook
def before_call(context, case, kwargs):
    """A day of steps would take minutes, and a key that is used again gets the first answer again: both are
    tested elsewhere, so that good values of them are made short and fresh here. Bad ones stay bad."""
    body = case.body if isinstance(case.body, dict) else {}
    step = body.get("step_ticks")
    if isinstance(step, (int, float)) and not isinstance(step, bool) and step == int(step) and STEP_MAX < step <= 864_000:
        body["step_ticks"] = int(step) % STEP_MAX + 1
    for name, key in list((case.headers or {}).items()):
        good = isinstance(key, str) and key.isascii() and key.isprintable() and 0 < len(key) <= 255
        if name.lower() == "idempotency-key" and good and not set(key) & set('" \\'):
            case.headers[name] = str(uuid.uuid4())
