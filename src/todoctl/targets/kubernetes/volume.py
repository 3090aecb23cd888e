"""The volume in a namespace: a claim, and its two sides, todoctl's own pod and the app's pod."""

import base64
import inspect

from todoctl.errors import UnavailableError
from todoctl.kube.pod_commands import CommandFailedError
from todoctl.kube.pod_side import INSIDE, PodSide
from todoctl.kube.waiting import rollout
from todoctl.targets.kubernetes import receive
from todoctl.targets.kubernetes.context import Context
from todoctl.targets.kubernetes.helper_pod import NAME, HelperPod
from todoctl.targets.volume import Side, require_aside

ASIDE, DETACHED = f"{INSIDE}.set-aside", f"{INSIDE}.detached"
PUT_SECONDS = 30.0
CHUNK = 1 << 15


class ClaimVolume:
    """The claim's directory; see `todoctl.targets.volume.Volume` for what each method promises."""

    directory = INSIDE

    def __init__(self, context: Context, pod: HelperPod) -> None:
        self._context = context
        self._pod = pod
        self._host: PodSide | None = None
        self._app: PodSide | None = None
        self._is_aside: bool | None = None
        self._detached = False

    def host(self) -> Side:
        """The pod that mounts the claim beside the app."""
        self._pod.require()
        if self._host is None:
            where = DETACHED if self._detached else INSIDE
            self._host = PodSide(self._context.api, NAME, fractions=True, directory=where)
        return self._host

    def sides(self) -> tuple[Side, Side]:
        api = self._context.api
        pod, *_ = rollout.require_standing(api)
        if self._app is None or self._app.pod != pod:
            self._close_app()
            self._app = PodSide(api, pod, fractions=True)
        return self.host(), self._app

    def close(self) -> None:
        self._close_host()
        self._close_app()

    def _close_host(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None

    def _close_app(self) -> None:
        if self._app is not None:
            self._app.close()
            self._app = None

    def is_set_aside(self) -> bool:
        if self._is_aside is None:
            self._is_aside = self._has(ASIDE)
        return self._is_aside

    def set_aside(self) -> None:
        if self._has(INSIDE):
            self._run("mv", "-T", INSIDE, ASIDE)
        else:
            self._run("mkdir", ASIDE)
        self._is_aside = True

    def empty(self) -> None:
        require_aside(self)
        self._run("rm", "-rf", INSIDE)

    def put(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        directory = DETACHED if self._detached else INSIDE
        if content is None:
            self._run("rm", "-f", f"{directory}/{name}")
            return
        self._run("mkdir", "-p", directory)
        command = ("python3", "-S", "-c", inspect.getsource(receive), f"{directory}/{name}")
        session = self._context.api.pod_commands.begin(self._pod.require(), *command)
        try:
            text = base64.b64encode(content).decode() + "\n"
            for start in range(0, len(text), CHUNK):
                session.write(text[start : start + CHUNK])
            if session.read_line(PUT_SECONDS) != str(len(content)):
                raise UnavailableError(
                    f"{directory}/{name} cannot be written in the pod {NAME}",
                    fix="Is the volume full? Make room, and run the command again",
                )
        finally:
            session.end()

    def detach(self) -> None:
        """Another directory is in its place, which the app may not even look into."""
        require_aside(self)
        self._run("mv", "-T", INSIDE, DETACHED)
        self._run("mkdir", "-m", "000", INSIDE)
        self._detached = True
        self._close_host()

    def attach(self) -> None:
        require_aside(self)
        self._run("rmdir", INSIDE)
        self._run("mv", "-T", DETACHED, INSIDE)
        self._detached = False
        self._close_host()

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        self._pod.runs = False  # it may have gone meanwhile, with its node
        if self.is_set_aside():
            self._run("rm", "-rf", DETACHED, INSIDE)
            self._run("mv", "-T", ASIDE, INSIDE)
            self._is_aside = False
            self._run("find", INSIDE, "-maxdepth", "0", "-empty", "-delete")
        self.close()
        self._pod.remove()

    def _has(self, path: str) -> bool:
        pod = self._pod.require()
        try:
            self._context.api.pod_commands.run(pod, "test", "-e", path)
        except CommandFailedError as error:
            if error.exit_code != 1:  # of anything else it does not follow that it is not there
                raise
            return False
        return True

    def _run(self, *command: str) -> None:
        self._context.tell_kubectl("exec", f"pod/{NAME}", "--", *command)
        self._context.api.pod_commands.run(self._pod.require(), *command)
