"""Everything that a server offers and asks, used through either Python SDK: each observation is
printed as one JSON line, so that what is seen over HTTP can be compared with the bare pipe."""

import asyncio
import base64
import json
import re
import time
from urllib.request import urlopen

# Longer than any step takes on a busy machine.
PATIENCE = 30

DOCUMENT = "demo://resource/static/document/features.md"
TEXT = "demo://resource/dynamic/text/{resourceId}"

SAMPLE = {
    "role": "assistant",
    "content": {"type": "text", "text": "grüße from a model"},
    "model": "none",
    "stopReason": "endTurn",
}
FORM = {"action": "accept", "content": {"name": "Ünal", "check": True, "integer": 7, "number": 2.5}}
ROOTS = [{"uri": "file:///first", "name": "first"}, {"uri": "file:///second", "name": "zweite"}]

CLOCK = re.compile(r"\d{1,2}:\d\d:\d\d( [AP]M)?")


def is_ours(name, value):
    """What only 2026-07-28 puts into results: who answers, and how long that may be kept."""
    if name == "_meta":
        return list(value or {}) == ["io.modelcontextprotocol/serverInfo"]
    return name in ("resultType", "ttlMs", "cacheScope")


def scrub(value):
    """The value without what differs from run to run: the time of day, in texts and in blobs."""
    match value:
        case dict():
            fields = {name: scrub(field) for name, field in value.items() if not is_ours(name, field)}
            if value.get("mimeType") == "text/plain" and "blob" in value:
                fields["blob"] = scrub(base64.b64decode(value["blob"]).decode())
            return fields
        case list():
            return [scrub(item) for item in value]
        case str():
            return CLOCK.sub("TIME", value)
    return value


class User:
    """Whoever sits at the client: answers what servers ask, and remembers what they tell."""

    def __init__(self, prefix, answers):
        self.prefix = prefix
        self.answers = answers
        self.roots = ROOTS[:1]
        self.asked = []
        self.told = []
        self.news = asyncio.Condition()

    def sample(self, params):
        self.asked.append({"sampling": params})
        return SAMPLE

    def elicit(self, params):
        self.asked.append({"elicitation": params})
        return {"action": "accept"} if params.get("mode") == "url" else FORM

    def hear(self, message):
        self.told.append(message)

    def logs(self):
        """Texts of log messages, under the loggers' own names."""
        server = self.prefix.removesuffix("__")
        for message in self.told:
            if isinstance(message, dict) and message["method"] == "notifications/message":
                params = message["params"]
                logger = params.get("logger")
                if server:
                    logger = None if logger == server else (logger or "").removeprefix(f"{server}/")
                yield [params["level"], logger, params["data"]]

    def updated(self):
        """URIs of resources that were said to have changed."""
        for message in self.told:
            if isinstance(message, dict) and message["method"] == "notifications/resources/updated":
                yield message["params"]["uri"]

    def heard(self, method):
        return any(isinstance(message, dict) and message["method"] == method for message in self.told)


async def until(what, condition):
    """Waits for a condition that the transport's task makes true."""
    async with asyncio.timeout(PATIENCE):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


async def everything(kind, session):
    """Every page's items, in order."""
    items, cursor = [], None
    while True:
        page = await session.page(kind, cursor)
        items += getattr(page, kind if kind != "resource_templates" else _templates(page))
        cursor = getattr(page, "next_cursor", None) or getattr(page, "nextCursor", None)
        if cursor is None:
            return items


def _templates(page):
    return "resource_templates" if hasattr(page, "resource_templates") else "resourceTemplates"


class Observer:
    """Prints what is seen, and turns failures into something to see."""

    def __init__(self, job, sdk):
        self.job = job
        self.sdk = sdk

    def saw(self, about, value):
        line = {"job": self.job["name"], "about": about, "saw": scrub(value)}
        print(json.dumps(line, ensure_ascii=False), flush=True)

    async def outcome(self, about, awaitable):
        async with asyncio.timeout(PATIENCE):
            try:
                self.saw(about, {"result": await awaitable})
            except self.sdk.Failure as failure:
                self.saw(about, {"error": self.sdk.plain(failure.error)})


async def until_listed(session, kind, condition):
    """Waits until a list has an item like this."""
    async with asyncio.timeout(PATIENCE):
        while not any(condition(item) for item in await everything(kind, session)):
            await asyncio.sleep(0.01)


async def offers(session, user, see):
    """What servers offer: tools, prompts, resources, completions."""
    prefix = user.prefix
    # Some tools are there for a client that can be asked; the server adds them a moment after its start.
    await see.outcome("echo", session.call(f"{prefix}echo", {"message": "grüße"}))
    await until_listed(session, "tools", lambda tool: tool.name == f"{prefix}get-roots-list")
    for kind in ("tools", "prompts", "resources", "resource_templates"):
        items = [see.sdk.plain(item) for item in await everything(kind, session)]
        if kind in ("tools", "prompts"):
            own = [item for item in items if item["name"].startswith(prefix)]
            items = [{**item, "name": item["name"].removeprefix(prefix)} for item in own]
        see.saw(f"list of {kind}", items)
    for name, arguments in [
        ("simple-prompt", None),
        ("args-prompt", {"city": "Zürich", "state": "ZH"}),
        ("args-prompt", {}),
        ("completable-prompt", {"department": "Sales", "name": "Eve"}),
        ("resource-prompt", {"resourceType": "Text", "resourceId": "3"}),
        ("resource-prompt", {"resourceType": "Blob", "resourceId": "4"}),
        ("resource-prompt", {"resourceType": "None", "resourceId": "4"}),
    ]:
        await see.outcome(f"prompt {name} {json.dumps(arguments)}", session.prompt(prefix + name, arguments))
    for uri in [DOCUMENT, TEXT.format(resourceId=5), "demo://resource/dynamic/blob/6", TEXT.format(resourceId="x")]:
        await see.outcome(f"read {uri}", session.read(uri))
    prompt = {"type": "ref/prompt", "name": f"{prefix}completable-prompt"}
    template = {"type": "ref/resource", "uri": TEXT}
    for about, asked in [
        ("a department", (prompt, {"name": "department", "value": "S"})),
        ("a name", (prompt, {"name": "name", "value": ""}, {"department": "Marketing"})),
        ("a resource", (template, {"name": "resourceId", "value": "12"})),
    ]:
        await see.outcome(f"completion of {about}", session.complete(*asked))
    for tool, arguments in [
        ("get-resource-links", {"count": 2}),
        ("get-resource-reference", {"resourceType": "Text", "resourceId": 2}),
        ("get-annotated-message", {"messageType": "error", "includeImage": True}),
        ("simulate-research-query", {"topic": "none"}),
    ]:
        await see.outcome(tool, session.call(prefix + tool, arguments))


async def progress(session, user, see):
    """Every step of a call, before its answer."""
    steps = []

    async def step(progress, total, message):
        steps.append([progress, total, message])

    tool = f"{user.prefix}trigger-long-running-operation"
    await see.outcome("a long call", session.call(tool, {"duration": 0.4, "steps": 4}, step))
    see.saw("its progress", steps)


async def news(session, user, see):
    """Logging by level, subscriptions, a list that changes."""
    await session.set_level("info")
    await session.subscribe(DOCUMENT)
    await until("a log message", lambda: any("Received Subscribe" in str(log[2]) for log in user.logs()))
    await session.set_level("error")
    await session.unsubscribe(DOCUMENT)
    await session.set_level("debug")
    other = TEXT.format(resourceId=9)
    await session.subscribe(other)
    await until("one more", lambda: any(other in str(log[2]) for log in user.logs()))
    # The roots are asked for, and that logged, some time after the start.
    see.saw("logs", [log for log in user.logs() if "Roots updated" not in str(log[2])])
    await session.call(f"{user.prefix}toggle-subscriber-updates", {})
    await until("an update", lambda: other in user.updated())
    await session.call(f"{user.prefix}toggle-subscriber-updates", {})
    see.saw("updated", sorted(set(user.updated())))
    await session.unsubscribe(other)
    data = {"name": "a.gz", "data": "data:text/plain,grüße", "outputType": "resourceLink"}
    await see.outcome("a new resource", session.call(f"{user.prefix}gzip-file-as-resource", data))
    changed = "notifications/resources/list_changed"
    await until("word of a new list", lambda: user.heard(changed))
    uri = "demo://resource/session/a.gz"
    # Whoever merges lists may tell of an earlier change first.
    await until_listed(session, "resources", lambda item: str(item.uri) == uri)
    await see.outcome("the new resource", session.read(uri))


async def asks(session, user, see):
    """What a server asks its client: sampling, elicitation by form and by URL, roots."""
    url = {"url": "http://127.0.0.1/consent", "message": "Bitte öffnen", "elicitationId": "e-1"}
    for tool, arguments in [
        ("trigger-sampling-request", {"prompt": "wörter", "maxTokens": 9}),
        ("trigger-elicitation-request", {}),
        ("trigger-url-elicitation", url),
        ("get-roots-list", {}),
    ]:
        await see.outcome(tool, session.call(user.prefix + tool, arguments))


async def questions(session, user, see):
    """The same, what is wrong with it, and how it changes."""
    prefix = user.prefix
    await asks(session, user, see)
    see.saw("asked", user.asked)
    required = {"url": "http://127.0.0.1/other", "errorPath": True}
    try:
        await session.call(f"{prefix}trigger-url-elicitation", required)
    except see.sdk.Failure as failure:
        error = see.sdk.plain(failure.error)
        for elicitation in error["data"]["elicitations"]:
            elicitation["elicitationId"] = "ID"
        see.saw("a required elicitation", error)
    user.roots = ROOTS
    await session.roots_changed()
    await until("two roots", lambda: any("2 root(s)" in str(log[2]) for log in user.logs()))
    await see.outcome("more roots", session.call(f"{prefix}get-roots-list", {}))
    see.saw("logs of roots", sorted(log[1:] for log in user.logs() if "Roots updated" in str(log[2])))


async def eras(session, user, see):
    """What clients of either era can do."""
    await offers(session, user, see)
    await progress(session, user, see)
    await asks(session, user, see)
    # Without a handshake a form needs no id.
    for asked in user.asked:
        asked.get("elicitation", {}).pop("elicitationId", None)
    see.saw("asked", user.asked)


async def listening(session, user, see):
    """What is heard without a handshake: of a resource, and of a new list."""
    other = TEXT.format(resourceId=9)
    async with session.listen([other]) as stream:
        see.saw("granted", see.sdk.plain(stream.honored))
        await session.call(f"{user.prefix}toggle-subscriber-updates", {})
        await until("an update", lambda: other in user.updated())
        await session.call(f"{user.prefix}toggle-subscriber-updates", {})
        name = f"{time.time_ns()}.gz"
        data = {"name": name, "data": "data:text/plain,grüße", "outputType": "resourceLink"}
        await session.call(f"{user.prefix}gzip-file-as-resource", data)
        changed = "notifications/resources/list_changed"
        await until("word of a new list", lambda: user.heard(changed))
        uri = f"demo://resource/session/{name}"
        await until_listed(session, "resources", lambda item: str(item.uri) == uri)
    see.saw("the end of it", "local")


async def features(session, user, see):
    see.saw("instructions", session.instructions)
    await offers(session, user, see)
    await progress(session, user, see)
    await news(session, user, see)
    await questions(session, user, see)


async def cancel(session, user, see):
    """A call that is given up ends at the server, which here holds a connection to a page."""
    page, key = see.job["page"], see.job["name"]

    def get(what):
        return asyncio.to_thread(lambda: urlopen(f"{page}/{what}/{key}", timeout=PATIENCE).read().decode())

    url = f"{page}/never/{key}"
    call = asyncio.create_task(session.call(f"{user.prefix}fetch", {"url": url}))
    see.saw("the page", await get("arrived"))
    await session.cancel(call)
    see.saw("after the cancellation", await get("gone"))
    see.saw("the call was given up", call.cancelled())
    await see.outcome("the next call", session.call(f"{user.prefix}fetch", {"url": f"{page}/page.txt"}))
