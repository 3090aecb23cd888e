"""What the page says."""

from tests.faults.fault import Fault, on_page

EXPIRY = "<div><dt>Image Expiry time</dt><dd>$expires</dd></div>\n"
SITE = "<div><dt>Site Access count</dt><dd>$site_count</dd></div>\n"

FAULTS = (
    on_page("label renamed", "<dt>Site Access count</dt>", "<dt>Site access count</dt>", "labels", "page"),
    on_page("label missing", EXPIRY, "", "labels", "page"),
    on_page("labels reordered", EXPIRY + SITE, SITE + EXPIRY, "labels", "page"),
    Fault(
        "expiry by the default TTL",
        "page",
        "expires, shown = expires_at(state, ttl),",
        "expires, shown = expires_at(state, 600.0),",
        "times",
        "fresh",
    ),
    Fault(
        "last access is the one before",
        "cache",
        "View(after, now)",
        "View(after._replace(last_access_at=state.last_access_at), now)",
        "last-access",
        "page",
    ),
    Fault(
        "site count as before the view",
        "page",
        "return form % (state.access_count, ",
        "return form % (state.access_count - 1, ",
        "counted",
        "page",
    ),
    Fault(
        "image count is the site's",
        "page",
        "state.image_access_count)\n",
        "state.access_count)\n",
        "labels",
        "renew",
    ),
    Fault(
        "times two hours ahead",
        "page",
        "datetime.fromtimestamp(min(moment, _LAST), UTC)",
        "datetime.fromtimestamp(min(moment + 7200, _LAST), UTC)",
        "labels",
        "page",
    ),
    Fault(
        "milliseconds always 000",
        "page",
        'isoformat(timespec="milliseconds")[:-6] + "Z"',
        'isoformat(timespec="seconds")[:-6] + ".000Z"',
        "labels",
        "page",
    ),
    on_page("heading", "<h1>The Project App</h1>", "<h1>The project app</h1>", "heading", "page"),
    on_page("line", "DevOps with Kubernetes 2025", "DevOps with Kubernetes 2024", "line", "page"),
    on_page("no alt text", 'alt="$description"', 'alt=""', "page-picture", "page"),
    Fault(
        "picture straight from the image service",
        "page",
        'f"/image?v={',
        'f"https://picsum.photos/500?v={',
        "page-picture",
        "page",
    ),
    Fault(
        "picture's version always the same",
        "page",
        "v={state.picture.sha256[:16]}",
        "v={state.picture.content_type}",
        "page-picture",
        "renew",
    ),
    on_page("no data-status", 'data-status="$status" ', "", "labels", "page"),
    Fault(
        "data-status valid whenever there is a picture",
        "page",
        '"status": shown,',
        '"status": "valid" if state.picture else "empty",',
        "labels",
        "grace",
    ),
)
