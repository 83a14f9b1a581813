"""A model survives Threat Dragon whole; and no file can do more than be refused."""

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.errors import Misconfigured
from seclab.exchange.threat_dragon import NEWEST, from_threat_dragon, to_threat_dragon
from seclab.exchange.tmt_csv import REQUIRED, from_tmt_csv
from tests.drawn_models import threat_models
from tests.small_model import small_model
from tests.strategies import json_values

DOCUMENT = to_threat_dragon(small_model(), version=NEWEST)


@settings(max_examples=20)
@given(threat_models())
def test_a_model_comes_back_the_same(model):
    document = json.loads(json.dumps(to_threat_dragon(model, version=NEWEST)))
    assert from_threat_dragon(document) == model


def places(value, path=()):
    """The path to every value in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


PLACES = list(places(DOCUMENT))


@settings(max_examples=80)
@given(path=st.sampled_from(PLACES), value=json_values)
def test_anything_in_the_place_of_anything_is_read_or_refused(path, value):
    document = json.loads(json.dumps({"": DOCUMENT}))
    *way, last = ("", *path)
    where = document
    for key in way:
        where = where[key]
    where[last] = value
    with suppress(Misconfigured):
        from_threat_dragon(document[""])


@settings(max_examples=60)
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "ignore"))
)
def test_any_bytes_below_the_header_of_a_threat_list_are_read_or_refused(data):
    with suppress(Misconfigured):
        from_tmt_csv(",".join(REQUIRED).encode() + b"\n" + data, file="x.csv")
