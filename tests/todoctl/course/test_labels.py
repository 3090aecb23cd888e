"""The documented labels, wherever they stand."""

from todoctl.course import labels
from todoctl.evidence.times import Span

ORIGINAL = """<p>DevOps</p><div><b>Image Cache Metadata</b><br/>
Image Download time: Mon Nov 24 05:35:33 2025<br/>Image Expiry time: <i>Mon Nov 24 05:45:33 2025</i><br/>
Site Access count: 12<br/>Image Access count: 3<br/>Last Site Access: Mon Nov  4 05:36:00 2025<br/>
Cache timer status: Grace period<br/></div>"""


def test_lines_as_the_original_has_them() -> None:
    told = labels.read(ORIGINAL.encode())
    assert told.downloaded == Span(1763962533.0, 1763962534.0)
    assert told.expires == Span(1763963133.0, 1763963134.0)
    assert told.last_view == Span(1762234560.0, 1762234561.0)
    assert (told.views, told.picture_views, told.status) == (12, 3, "Grace period")


def test_what_is_not_told() -> None:
    assert labels.read(b"<p>Status: done</p>") == labels.Labels()
    assert labels.read(b"Image Download time: Mon Foo 24 05:35:33 2025").downloaded is None
    assert labels.read(b"status: valid").status == "Valid"
