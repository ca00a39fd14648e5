"""Either Python SDK's client: real calls through the gateway.

    client.py JOBS PLAN

JOBS is a JSON list, done one after another: {"name", "scenario", "transport": "sse" | "http" |
"stdio", "era", "url" and "headers" or "command", "prefix", "page"}. PLAN is what the bare servers said
(oracle.rs). A scenario prints observations as JSON lines (features.py) or what it has reached, one
phrase a line; it ends with code 1 and a diff on stderr when something is not as it should be.
"""

import asyncio
import difflib
import importlib
import json
import math
import os
import sys
import time
from importlib.metadata import version

import features
from features import Observer, User, everything

sdk = importlib.import_module("sdk" + version("mcp").split(".")[0])

SEPARATOR = "__"

# How many calls are in flight when the gateway is killed, and how many a busy user makes at a time.
LOAD = 4

# How long an SDK may take to find a gateway that is up again.
RECONNECTS = 10


def reached(phrase):
    print(phrase, flush=True)


def fail(complaint):
    """Ends the script here and now: an exception would come out wrapped in the SDK's task groups."""
    print(complaint, file=sys.stderr, flush=True)
    os._exit(1)


def pretty(value):
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)


def must_equal(what, seen, wanted):
    if seen != wanted:
        diff = difflib.unified_diff(
            pretty(wanted).splitlines(), pretty(seen).splitlines(), "bare pipe", "gateway", lineterm=""
        )
        fail(f"{what} differs:\n" + "\n".join(diff))


def must(condition, complaint):
    if not condition:
        fail(complaint)


def like(model, raw):
    """The oracle's words, read by the same models, so that only the gateway can differ."""
    return sdk.plain(getattr(sdk.types, model).model_validate(raw))


class Gateway:
    """A session as the scenarios use it; it can be told that the list changed."""

    def __init__(self, session, user):
        self.session = session
        self.user = user

    async def all(self, kind):
        return [sdk.plain(item) for item in await everything(kind, self.session)]

    async def outcome(self, awaitable):
        try:
            return {"result": await awaitable}
        except sdk.Failure as failure:
            return {"error": sdk.plain(failure.error)}

    async def call(self, server, call):
        name = server["name"] + SEPARATOR + call["tool"]
        return await self.outcome(self.session.call(name, call["arguments"]))

    async def compare(self, server, call):
        what = f"{server['name']}: {call['tool']} {json.dumps(call['arguments'], ensure_ascii=False)}"
        wanted = call["outcome"]
        if "result" in wanted:
            wanted = {"result": like("CallToolResult", wanted["result"])}
        must_equal(what, await self.call(server, call), wanted)

    def forget_changes(self):
        self.user.told.clear()

    async def changed(self):
        """Waits until it is told that the tools have changed."""
        await features.until("tools/list_changed", lambda: self.user.heard("notifications/tools/list_changed"))
        self.user.told.clear()


def merged(plan, kind="tools", model="Tool", named=True):
    """The list as it must be: each server's own, in the order of the configuration."""
    items = []
    for server in plan:
        for item in server[kind]:
            renamed = {**item, "name": server["name"] + SEPARATOR + item["name"]} if named else item
            items.append(like(model, renamed))
    return items


def named(plan, *names):
    return [next(server for server in plan if server["name"] == name) for name in names]


def good_call(server):
    """A call that may be repeated: the first that succeeds and stores nothing."""
    return next(
        call for call in server["calls"] if not call["fails"] and not call["tool"].startswith("create_")
    )


class Traffic:
    """Calls to some servers, one after another each, until told to stop; none may fail."""

    def __init__(self, gateway, servers):
        self.gateway = gateway
        self.counts = {server["name"]: 0 for server in servers}
        self.over = False
        self.tasks = [asyncio.create_task(self.run(server)) for server in servers]

    async def run(self, server):
        call = good_call(server)
        while not self.over:
            outcome = await self.gateway.call(server, call)
            result = outcome.get("result")
            must(result is not None and not result.get("isError"), f"{server['name']} failed: {pretty(outcome)}")
            self.counts[server["name"]] += 1

    async def goes_on(self, calls=5):
        """Waits until every server has answered some more calls."""
        goal = {name: count + calls for name, count in self.counts.items()}
        while any(self.counts[name] < count for name, count in goal.items()):
            for task in self.tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)

    async def stop(self):
        self.over = True
        await asyncio.gather(*self.tasks)


async def compare(gateway, plan):
    """Lists and answers are the bare servers' own."""
    must_equal("tools/list", await gateway.all("tools"), merged(plan))
    must_equal("prompts/list", await gateway.all("prompts"), merged(plan, "prompts", "Prompt"))
    resources = merged(plan, "resources", "Resource", named=False)
    must_equal("resources/list", await gateway.all("resources"), resources)
    templates = merged(plan, "templates", "ResourceTemplate", named=False)
    must_equal("resources/templates/list", await gateway.all("resource_templates"), templates)
    for server in plan:
        for call in server["calls"]:
            await gateway.compare(server, call)
        for prompt in server["gets"]:
            name = server["name"] + SEPARATOR + prompt["prompt"]
            seen = await gateway.session.prompt(name, prompt["arguments"])
            must_equal(name, seen, like("GetPromptResult", prompt["outcome"]["result"]))
        for read in server["reads"]:
            seen = await gateway.session.read(read["uri"])
            must_equal(read["uri"], seen, like("ReadResourceResult", read["outcome"]["result"]))


async def crash(gateway, plan):
    """A server is killed in the middle of a call; the session goes on."""
    [everything] = named(plan, "everything")
    traffic = Traffic(gateway, named(plan, "filesystem", "memory", "git"))
    await traffic.goes_on()
    before = await gateway.all("tools")
    in_flight, call = start_long_call(gateway, "everything" + SEPARATOR)
    await asyncio.wait_for(in_flight.wait(), 20)
    reached("in flight")
    outcome = await asyncio.wait_for(call, 10)
    must("error" in outcome or outcome["result"]["isError"], f"a killed server's call succeeded: {outcome}")
    must("everything" in json.dumps(outcome), f"the error does not name the server: {outcome}")
    reached("answered")
    must_equal("the list after the kill", await gateway.all("tools"), before)
    await asyncio.wait_for(gateway.compare(everything, good_call(everything)), 30)
    reached("works again")
    await traffic.goes_on()
    await traffic.stop()


def start_long_call(gateway, prefix):
    """A call that takes a minute, and an event that says that the server works on it."""
    in_flight = asyncio.Event()

    async def on_progress(progress, total, message):
        in_flight.set()

    long = {"duration": 60, "steps": 600}
    call = gateway.session.call(f"{prefix}trigger-long-running-operation", long, on_progress)
    return in_flight, asyncio.create_task(gateway.outcome(call))


async def edit(gateway, plan):
    """`git` goes and `time` comes while calls to the others run."""
    [time, git] = named(plan, "time", "git")
    others = [server for server in plan if server["name"] not in ("time", "git")]
    before = [server for server in plan if server is not time]
    after = [server for server in plan if server is not git]
    must_equal("tools/list before", await gateway.all("tools"), merged(before))
    traffic = Traffic(gateway, others)
    await traffic.goes_on()
    gateway.forget_changes()
    reached("calls run")
    seen = None
    while seen != merged(after):
        # Only a notification makes this client look again: whoever is not told sees nothing.
        try:
            await gateway.changed()
        except TimeoutError:
            must_equal("tools/list after (and nobody said it changed)", seen, merged(after))
        seen = await gateway.all("tools")
    for call in time["calls"]:
        await gateway.compare(time, call)
    outcome = await gateway.call(git, good_call(git))
    must("error" in outcome or outcome["result"].get("isError"), f"a removed tool answered: {outcome}")
    reached("changed")
    await traffic.goes_on()
    await traffic.stop()


async def recover(gateway, plan, see, is_busy=False):
    """The gateway itself is killed in the middle of calls and started again: what the user sees, who
    calls again when it is up, or all the time, several calls at once."""
    prefix = see.job["prefix"]

    async def echo(patience):
        try:
            async with asyncio.timeout(patience):
                outcome = await gateway.outcome(gateway.session.call(f"{prefix}echo", {"message": "a"}))
            return "error" not in outcome, json.dumps(outcome)
        except Exception as failure:
            return False, repr(failure)

    async def echoes(patience):
        outcomes = await asyncio.gather(*(echo(patience) for _ in range(LOAD if is_busy else 1)))
        return [seen for is_good, seen in outcomes if not is_good]

    failed = await echoes(20)
    must(not failed, f"no echo before the kill: {failed}")
    long = [start_long_call(gateway, prefix) for _ in range(LOAD)]
    for in_flight, _ in long:
        await asyncio.wait_for(in_flight.wait(), 20)
    gateway.forget_changes()
    reached("in flight")
    up_again = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    failures, failed = [], ["nothing was called"]
    if not is_busy:
        await up_again
    deadline = None
    while (failed or not deadline) and time.monotonic() < (deadline or math.inf):
        if up_again.done():
            deadline = deadline or time.monotonic() + RECONNECTS
        try:
            failed = await echoes(10)
        except asyncio.CancelledError:
            # The SDK ends the session under its user.
            failed = ["cancelled"]
            see.saw("failures before the end", failures)
            raise
        finally:
            if failed and not failures and is_busy:
                reached("a call failed")
            failures.extend(seen for seen in dict.fromkeys(failed) if seen not in failures)
        await asyncio.sleep(0.05)
    see.saw("failures", failures)
    calls = [call for _, call in long]
    await asyncio.wait(calls, timeout=5)
    became = [repr(call.exception() or call.result()) if call.done() else "no answer yet" for call in calls]
    see.saw("the calls in flight", became)
    see.saw("transport errors", [repr(message) for message in gateway.user.told if isinstance(message, Exception)])
    if failed:
        raise ConnectionError("calls fail after the restart")
    gateway.forget_changes()
    reached("goes on")
    try:
        await gateway.changed()
        see.saw("a changed list", "told")
    except TimeoutError:
        see.saw("a changed list", "not told")


async def busy(gateway, plan, see):
    await recover(gateway, plan, see, is_busy=True)


def leaves(failure):
    """What went wrong, without the task groups that it went through."""
    if isinstance(failure, BaseExceptionGroup):
        return [leaf for inner in failure.exceptions for leaf in leaves(inner)]
    return [repr(failure)]


async def stranger(job):
    """Somebody whose token is wrong, or who has none: what the SDK says."""
    try:
        async with asyncio.timeout(20), sdk.connected(job, User(job["prefix"], answers=False)):
            fail("it was let in")
    except Exception as failure:
        Observer(job, sdk).saw("the refusal", leaves(failure))


async def do(job, plan):
    if job["scenario"] == "stranger":
        await stranger(job)
        return reached(f"done {job['name']}")
    user = User(job["prefix"], answers=job["scenario"] in ("features", "eras"))
    observer = Observer(job, sdk)
    try:
        async with sdk.connected(job, user) as session:
            if job["era"] != "legacy":
                observer.saw("the revision", session.revision)
            match job["scenario"]:
                case "features" | "cancel" | "eras" | "listening" as name:
                    await getattr(features, name)(session, user, observer)
                case "recover" | "busy" as name:
                    await globals()[name](Gateway(session, user), plan, observer)
                case name:
                    await globals()[name](Gateway(session, user), plan)
    except Exception as failure:
        if job["scenario"] not in ("recover", "busy"):
            raise
        # Here it is something to see that the SDK gave its user's session up.
        observer.saw("the session's end", leaves(failure))
        reached("is lost")
    reached(f"done {job['name']}")


async def main():
    jobs, plan = sys.argv[1:]
    with open(plan, encoding="utf-8") as file:
        plan = json.load(file)
    for job in json.loads(jobs):
        await do(job, plan)


asyncio.run(main())
