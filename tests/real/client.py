"""The Python SDK's client: real calls through the gateway's SSE endpoint.

    client.py SCENARIO URL PLAN

PLAN is what the bare servers said (oracle.rs). Each scenario prints what it has reached, one
phrase a line, and ends with code 1 and a diff on stderr when something is not as it should be.
"""

import asyncio
import difflib
import json
import os
import sys
from contextlib import asynccontextmanager

from mcp import MCPError
from mcp.client import Client
from mcp.client.sse import sse_client
import mcp_types as types

SEPARATOR = "__"


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


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def wanted_outcome(outcome):
    """The oracle's outcome, read by the same models, so that only the gateway can differ."""
    if "error" in outcome:
        return {"error": outcome["error"]}
    return {"result": plain(types.CallToolResult.model_validate(outcome["result"]))}


class Gateway:
    def __init__(self, client, changed):
        self.client = client
        self.changed = changed

    async def tools(self, cache_mode="refresh"):
        """Every page's tools, in order."""
        tools, cursor = [], None
        while True:
            page = await self.client.list_tools(cursor=cursor, cache_mode=cache_mode)
            tools += [plain(tool) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return tools

    async def call(self, server, call):
        name = server["name"] + SEPARATOR + call["tool"]
        try:
            return {"result": plain(await self.client.call_tool(name, call["arguments"]))}
        except MCPError as error:
            return {"error": plain(error.error)}

    async def compare(self, server, call):
        what = f"{server['name']}: {call['tool']} {json.dumps(call['arguments'], ensure_ascii=False)}"
        must_equal(what, await self.call(server, call), wanted_outcome(call["outcome"]))


@asynccontextmanager
async def connected(url):
    changed = asyncio.Event()

    async def on_message(message):
        if isinstance(message, types.ToolListChangedNotification):
            changed.set()
        elif isinstance(message, Exception):
            fail(f"the transport failed: {message!r}")

    async with Client(sse_client(url), message_handler=on_message) as client:
        yield Gateway(client, changed)


def merged(plan):
    """The list as it must be: each server's own, in the order of the configuration."""
    tools = []
    for server in plan:
        for tool in server["tools"]:
            renamed = {**tool, "name": server["name"] + SEPARATOR + tool["name"]}
            tools.append(plain(types.Tool.model_validate(renamed)))
    return tools


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
    must_equal("tools/list", await gateway.tools(), merged(plan))
    for server in plan:
        for call in server["calls"]:
            await gateway.compare(server, call)
    reached("same")


async def crash(gateway, plan):
    """A server is killed in the middle of a call; the session goes on."""
    [everything] = named(plan, "everything")
    traffic = Traffic(gateway, named(plan, "filesystem", "memory", "git"))
    await traffic.goes_on()
    before = await gateway.tools()
    in_flight = asyncio.Event()

    async def on_progress(progress, total, message):
        in_flight.set()

    async def long_call():
        try:
            result = await gateway.client.call_tool(
                "everything__trigger-long-running-operation",
                {"duration": 50, "steps": 500},
                progress_callback=on_progress,
            )
            must(result.is_error, f"a killed server's call succeeded: {plain(result)}")
            return json.dumps(plain(result))
        except MCPError as error:
            return str(error)

    call = asyncio.create_task(long_call())
    await asyncio.wait_for(in_flight.wait(), 20)
    reached("in flight")
    answer = await asyncio.wait_for(call, 10)
    must("everything" in answer, f"the error does not name the server: {answer}")
    reached("answered")
    must_equal("the list after the kill", await gateway.tools(), before)
    await asyncio.wait_for(gateway.compare(everything, good_call(everything)), 30)
    reached("works again")
    await traffic.goes_on()
    await traffic.stop()


async def edit(gateway, plan):
    """`git` goes and `time` comes while calls to the others run."""
    [time, git] = named(plan, "time", "git")
    others = [server for server in plan if server["name"] not in ("time", "git")]
    before = [server for server in plan if server is not time]
    after = [server for server in plan if server is not git]
    must_equal("tools/list before", await gateway.tools(), merged(before))
    traffic = Traffic(gateway, others)
    await traffic.goes_on()
    gateway.changed.clear()
    reached("calls run")
    seen = None
    while seen != merged(after):
        # Only a notification makes this client look again: whoever is not told sees nothing.
        try:
            await asyncio.wait_for(gateway.changed.wait(), 30)
        except TimeoutError:
            must_equal("tools/list after (and nobody said it changed)", seen, merged(after))
        gateway.changed.clear()
        seen = await gateway.tools()
    for call in time["calls"]:
        await gateway.compare(time, call)
    outcome = await gateway.call(git, good_call(git))
    must("error" in outcome or outcome["result"].get("isError"), f"a removed tool answered: {outcome}")
    reached("changed")
    await traffic.goes_on()
    await traffic.stop()


async def main():
    scenario, url, plan = sys.argv[1:]
    with open(plan, encoding="utf-8") as file:
        plan = json.load(file)
    scenarios = {"compare": compare, "crash": crash, "edit": edit}
    async with connected(url) as gateway:
        await scenarios[scenario](gateway, plan)


asyncio.run(main())
