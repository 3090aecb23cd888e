"""The jobs by which k3s installs its Helm charts, Traefik among them, and what is in their way.

https://docs.k3s.io/add-ons/helm
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from todoctl.kube.waiting import conditions, pods
from todoctl.kube.waiting.blocker import Blocker, Grade
from todoctl.kube.waiting.snapshot import Snapshot

PREFIX = "helm-install-"
JOB_LABEL = "job-name"

RUNS = 3
"""Failed ones after which a job counts as failed: k3s itself lets it try a thousand times.

The first may fail because what another chart brings is not there yet.
"""


def blocker(now: Snapshot) -> Blocker | None:
    """What the charts that are not installed yet wait for; None where there are none.

    Where there are several, that of the one that gets on best: which of them brings the ingress controller
    is not known.
    """
    jobs = [job for job in now.all("Job") if job.metadata.name.startswith(PREFIX)]
    if not jobs:
        charts = ", ".join(now.api.helm_charts())
        return Blocker(what=f"no Helm job yet for {charts}") if charts else None
    done = [job.status.completion_time for job in jobs if job.status.succeeded]
    found = [_of_job(now, job, done) for job in jobs if not job.status.succeeded]
    return min(found, key=lambda one: one.grade, default=None)


def _of_job(now: Snapshot, job: Any, done: Sequence[Any]) -> Blocker:  # noqa: ANN401
    """`done` is when other charts' jobs were complete."""
    name = f"Helm job {job.metadata.name}"
    fix = f"See 'kubectl -n {job.metadata.namespace} logs job/{job.metadata.name}'"
    found = now.pods(job.metadata.namespace, **{JOB_LABEL: job.metadata.name})
    if why := conditions.holds(job, "Failed"):
        return Blocker(what=f"{name} has failed: {why}", grade=Grade.FINAL, fix=fix)
    if not found:
        return Blocker(what=f"{name} has no pod yet")
    pod = found[-1]
    blocker = now.blocker(pod)
    if blocker is None:
        line = pods.last_line(now.api, pod, pod.spec.containers[0].name)
        return Blocker(what=f"{name} runs{line and f': {line}'}")
    for container in pod.status.container_statuses or []:
        runs, ended = pods.ends(container)
        if runs:
            tried = runs >= RUNS and all(moment < ended.started_at for moment in done)
            grade = Grade.FINAL if tried else Grade.PENDING
            return replace(blocker, what=f"{name}: {blocker.what}", grade=grade, fix=fix)
    return blocker
