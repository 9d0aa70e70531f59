"""A scene whose calendar can be watched: its clock is the scene's, its messages go where a test lets them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tests.sync_scene import SETTINGS, Scene, stage

from genie.flows.hear import hear
from genie.providers import registry
from genie.providers.memory.world import Post
from genie.providers.registry import ProviderSettings
from genie.store.models import Channel

HOOKS = "https://genie.example.com/hooks"
PUSH: ProviderSettings = replace(SETTINGS, webhooks=HOOKS)


def push_stage(*, realtime: bool = True, page_size: int = 50) -> Scene:
    scene = stage(realtime=realtime, page_size=page_size)
    scene.settings = PUSH
    scene.world.clock = lambda: scene.now
    return scene


def watched() -> Scene:
    """In step, with an open channel that has said hello."""
    scene = push_stage()
    scene.drain()
    deliver(scene)
    scene.drain()
    scene.world.requests.clear()
    return scene


def deliver(scene: Scene, posts: Iterable[Post] | None = None) -> list[bool]:
    """Bring the messages to the webhook (else all on their way). Was each of a channel of ours?"""
    read = registry.notifications("memory")
    assert read
    told = []
    for post in scene.world.delivered() if posts is None else posts:
        assert post.address == f"{HOOKS}/memory"
        told.append(hear(kind="memory", notifications=read({}, {}, post.body).notifications, now=scene.now))
    return told


def channel(scene: Scene) -> Channel:
    """The one that is open."""
    return Channel.objects.get(calendar=scene.calendar, state=Channel.State.OPEN)


def asked(scene: Scene, name: str) -> int:
    """How many requests of this name reached the calendar system."""
    return len([method for method, _ in scene.world.requests if method == name])
