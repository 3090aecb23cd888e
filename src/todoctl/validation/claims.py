"""The claims: the sentences of docs/contract.md that a validation holds an app to, each under a name.

A test holds these against the document, word for word but for its markup.
"""

CLAIMS = {
    "valid": "the picture is younger than the TTL | it is shown | Valid",
    "grace": "it is older and the grace view is unspent | "
    "the grace is spent, the old picture is shown | Grace period",
    "renew": "there is none, or the grace is spent | a new one is fetched and shown; "
    "the per-image count starts again at 1 | Valid",
    "kept": "… and the fetch fails or takes over 3 s | the old picture is shown, or a placeholder where "
    "there is none | Old picture kept / No picture yet",
    "counted": "Every page view is counted once, per site and per picture, before it is answered.",
    "fetches": "Nothing but the policy fetches: one fetch at a time, however many visitors wait for it.",
    "start": "On a start with no picture at all one is fetched at once, in the background, as no access: "
    "the status becomes valid, the counts stay.",
    "survives": "A start with a picture fetches nothing, whatever its age: picture, times, grace and counts "
    "are as they were before, after a crash too.",
    "waits": "After a fetch that failed, the next one waits: 0.25 s, then twice as long each time, up to 60 "
    "s, or what the image service asked for in Retry-After, up to an hour.",
    "late": "A picture that comes later than a visitor is made to wait is taken when it comes, and the next "
    "view shows it.",
    "whole": "Only a whole picture is ever shown (JPEG, PNG, GIF, WebP or AVIF, by its bytes, 10 MiB at "
    "most).",
    "restart-answers": "after SIGTERM, how long new requests are still taken (and /readyz says 503) while a "
    "load balancer catches up",
    "takeover-valid": "A volume with only the original's two files is taken over with picture and counts",
    "lose-valid": "A running app puts back what it knows when files vanish",
    "damage": "A value out of its range, or of another type, is as if it were missing, and last_error says "
    "so until the next page view: a count begins at 0, the picture's time is its file's, and a picture that "
    "is not whole is none.",
    "scale": "Several processes on one volume act as one.",
    "detach": "While the volume cannot be read, page views go on in memory with the picture that is there, "
    "and last_error says so;",
    "attach": "when it can be read again, counting goes on from what the volume holds.",
    # What is said of the cache
    "times": "downloaded_at, expires_at, last_access_at | number or null",
    "state": "the state below; never an access. Cache-Control: no-store",
    "state-keys": "status | string | empty: no picture; valid; expired: too old, grace unspent",
    "last-error": "last_error | string or null | what is wrong now with the image service, the volume or the "
    "saved state, in one line",
    "ttl": "CACHE_TTL | 600 | seconds a picture is valid, decimals allowed, > 0",
    "source": "source | string | the IMAGE_URL in force",
    "image-facts": "image | null or object | sha256 (hex), content_type, size (bytes)",
    # The page and HTTP
    "page": "the page. Every one is one access and drives the policy. Cache-Control: no-store",
    "heading": "Title and <h1>: The Project App.",
    "line": "The line DevOps with Kubernetes 2025.",
    "labels": "with exactly these labels, in this order: Image Download time, Image Expiry time, "
    "Site Access count, Image Access count, Last Site Access, Status.",
    "page-picture": 'The picture is <img id="picture" src="/image?v=…" alt="…">',
    "parts": "GET /static/… | the page's own style and script",
    "picture": "the picture's bytes; never an access.",
    "picture-headers": "Strong ETag (the SHA-256), 304 (to an If-None-Match of one tag, of several or of *), "
    "Cache-Control: no-cache",
    "head": "the headers of the page; never an access",
    "security": "Every answer carries the security headers: Content-Security-Policy (nothing from "
    "elsewhere), X-Content-Type-Options: nosniff, X-Frame-Options: DENY and Referrer-Policy: no-referrer.",
    "refused": "Everything else is refused: unknown paths 404, other methods 405.",
    "ready": "200 when page views should be sent here",
    "health": "200 while the process serves",
    # The volume and the start
    "volume-same": "files on a volume",
    "volume-picture": "cached_image.jpg is the picture (whatever its type).",
    "volume-state": "cache_metadata.json is one JSON object with the original's keys and ours beside them",
    "directory": "CACHE_DIR | ./cache | directory of the two files below; made when missing",
    "log": "The log says where the cache is, what the TTL is, and of every picture that is found or fetched "
    "its SHA-256.",
    "traceback": "A failure is one line there, never a traceback.",
}
"""Name of a claim: its sentence."""

VARIANTS = {
    "valid": ["crowd-valid"],
    "grace": ["crowd-grace"],
    "fetches": ["crowd-renew"],
    "start": ["first"],
    "survives": [
        *("restart-valid", "restart-grace", "restart-renew", "restart-replaced"),
        *("kill-valid", "kill-grace", "kill-renew"),
    ],
    "lose-valid": ["spoil-valid"],
    "kept": [
        *("outage-error", "outage-dated", "outage-busy", "outage-nothing", "outage-half"),
        *("outage-login", "outage-sound", "outage-huge", "outage-slow"),
    ],
    "waits": ["outage-taken"],
    "labels": ["last-access"],
}
"""The same sentences for one label, or where something has just happened to the app: each is to be proved."""

CLAIMS |= {name: CLAIMS[sentence] for sentence, names in VARIANTS.items() for name in names}

LOG_LINES = 2000
"""How many of the log's last lines are read."""

SEEN = {
    "ttl": "TTL, picture source and address as asked for",
    "log": "the log names cache, TTL and picture",
    "volume-same": "both sides hold the same files",
    "volume-state": "the JSON there says what the app says",
    "volume-picture": "the picture there is the one shown",
    "start": "a picture before the first view",
    "first": "the first view shows it: Valid, counts 1 and 1",
    "valid": "the same picture, Valid, no download",
    "grace": "the same picture once more, Grace period, no download",
    "renew": "a new picture, Valid, image count 1, one download",
    **dict.fromkeys(("restart-valid", "kill-valid"), "valid stays valid"),
    **dict.fromkeys(("restart-grace", "kill-grace"), "its grace view still comes, once"),
    **dict.fromkeys(("restart-renew", "kill-renew"), "a spent grace stays spent"),
    "takeover-valid": "the original's files taken over",
    "lose-valid": "lost files put back",
    "damage": "bad values left out",
    "scale": "two processes count as one",
    "detach": "page views go on without it",
    "attach": "counting goes on from what it holds",
    "crowd-valid": "all answered and counted",
    "crowd-grace": "one grace view",
    "crowd-renew": "one download",
    "outage-error": "the old picture kept, in time",
    "outage-taken": "the next success taken",
    "page": "documented in form and headers",
    "head": "nothing but views counted",
}
"""What was seen where a claim was proved, for the one line of a scenario that passed."""
