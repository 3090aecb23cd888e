"""The environment, the start on an empty volume, and the log."""

from tests.faults.fault import Fault

FAULTS = (
    Fault(
        "CACHE_TTL ignored",
        "settings",
        '_seconds(environ, "CACHE_TTL", default.ttl, positive=True)',
        "default.ttl",
        "ttl",
        "fresh",
    ),
    Fault(
        "CACHE_TTL without its decimals",
        "settings",
        "seconds = float(value)",
        "seconds = float(value.split('.')[0]) or float(value)",
        "ttl",
        "restart",
    ),
    Fault(
        "IMAGE_URL ignored",
        "settings",
        '_image_url(environ, "IMAGE_URL", default.image_url)',
        "SAMPLE_URL",
        "source",
        "fresh",
    ),
    Fault(
        "CACHE_DIR ignored",
        "settings",
        '_filled(environ, "CACHE_DIR", str(default.cache_dir))',
        "default.cache_dir",
        "directory",
        "mount",
    ),
    Fault(
        "files beside CACHE_DIR",
        "server",
        "Store(settings.cache_dir)",
        "Store(settings.cache_dir.with_name('caches'))",
        "directory",
        "mount",
    ),
    Fault(
        "no picture at the start",
        "cache",
        "self._begin_refresh(prefetch=True)",
        "pass",
        "start",
        "fresh",
    ),
    Fault(
        "start's download counted as an access",
        "policy",
        "access_count=state.access_count,\n",
        "access_count=state.access_count + (state.access_count == 0),\n",
        "start",
        "fresh",
    ),
    Fault(
        "log without the cache directory",
        "server",
        "        settings.cache_dir,\n        settings.ttl,",
        "        settings.cache_dir.name,\n        settings.ttl,",
        "log",
        "deployed",
    ),
    Fault(
        "log without the fetched picture's SHA-256",
        "cache",
        'log.info("new picture: %s", self._held.state.picture)',
        'log.info("new picture")',
        "log",
        "fresh",
    ),
    Fault(
        "log without the found picture's SHA-256",
        "cache",
        'log.info("picture on the volume: %s, downloaded at %s", state.picture, downloaded_at)',
        'log.info("picture on the volume, downloaded at %s", downloaded_at)',
        "log",
        "restart",
    ),
    Fault(
        "directory not made when missing",
        "store",
        "            self.directory.mkdir(parents=True, exist_ok=True)\n",
        "",
        "directory",
        "fresh",
    ),
    Fault(
        "redirects not followed", "fetch", "follow_redirects=True", "follow_redirects=False", "start", "fresh"
    ),
)
