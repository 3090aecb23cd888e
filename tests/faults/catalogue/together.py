"""Several processes on one volume."""

from tests.faults.fault import Fault

FAULTS = (
    Fault(
        "no lock on the volume between reading and saving",
        "store",
        "        self.loaded = True\n",
        "        self.loaded = True\n"
        '        globals()["_wait"] = lambda *_: None\n'
        "        time.sleep(0.01)\n",
        "counted",
        "together",
    ),
    Fault(
        "each process fetches for itself",
        "store",
        "            yield _lock(file)\n",
        "            yield True\n",
        "crowd-renew",
        "together",
    ),
    Fault(
        "each process begins with a picture of its own",
        "cache",
        "if self._waiting or (prefetch and self._prefetches()):",
        "if self._waiting or prefetch:",
        "fetches",
        "together",
    ),
    Fault(
        "what others have saved is not read",
        "cache",
        "found = self._store.load()",
        "found = known if self._store.loaded else self._store.load()",
        "counted",
        "together",
    ),
    Fault(
        "what others have saved is read only when a picture is due",
        "cache",
        "found = self._store.load()",
        "found = known if known.content and not known.state.grace_used else self._store.load()",
        "crowd-grace",
        "together",
    ),
    Fault(
        "/image does not look for others' pictures",
        "store",
        "return _signature(self._picture_path) != self._signature",
        "return False",
        "page-picture",
        "together",
    ),
    Fault(
        "who waits for another process gets the old picture",
        "cache",
        "                    if self._held.state.fetch_error:\n",
        "                    if self._held.state.picture:\n",
        "crowd-renew",
        "together",
    ),
)
