"""The Python SDK 1.x, under the names that client.py and features.py use; sdk2.py is its twin."""

import asyncio
from contextlib import asynccontextmanager

from mcp import McpError as Failure
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from pydantic import AnyUrl


def plain(model):
    """As it came over the wire, as far as the SDK keeps it."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _transport(job):
    match job["transport"]:
        case "sse":
            return sse_client(job["url"], headers=job["headers"])
        case "http":
            http_client = create_mcp_http_client(headers=job["headers"]) if job["headers"] else None
            return streamable_http_client(job["url"], http_client=http_client)
        case "stdio":
            command, *args = job["command"]
            return stdio_client(StdioServerParameters(command=command, args=args, env=job.get("env")))


@asynccontextmanager
async def connected(job, user):
    """A session; `user` answers what the server asks and hears what it tells."""

    async def sample(context, params):
        return types.CreateMessageResult.model_validate(user.sample(plain(params)))

    async def elicit(context, params):
        return types.ElicitResult.model_validate(user.elicit(plain(params)))

    async def roots(context):
        return types.ListRootsResult.model_validate({"roots": user.roots})

    async def hear(message):
        if isinstance(message, Exception):
            user.hear(message)
        elif isinstance(message, types.ServerNotification):
            user.hear(plain(message))

    asks = user.answers and {
        "sampling_callback": sample,
        "elicitation_callback": elicit,
        "list_roots_callback": roots,
    }
    async with _transport(job) as (read, write, *_):
        async with ClientSession(read, write, message_handler=hear, **(asks or {})) as session:
            yield Session(session, await session.initialize())


class Session:
    def __init__(self, session, initialized):
        self.session = session
        self.instructions = initialized.instructions

    async def page(self, kind, cursor):
        method = getattr(self.session, f"list_{kind}")
        return await method(params=types.PaginatedRequestParams(cursor=cursor))

    async def call(self, name, arguments, progress=None):
        return plain(await self.session.call_tool(name, arguments, progress_callback=progress))

    async def prompt(self, name, arguments=None):
        return plain(await self.session.get_prompt(name, arguments))

    async def read(self, uri):
        return plain(await self.session.read_resource(AnyUrl(uri)))

    async def complete(self, ref, argument, context=None):
        model = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
        return plain(await self.session.complete(model.model_validate(ref), argument, context))

    async def set_level(self, level):
        await self.session.set_logging_level(level)

    async def subscribe(self, uri):
        await self.session.subscribe_resource(AnyUrl(uri))

    async def unsubscribe(self, uri):
        await self.session.unsubscribe_resource(AnyUrl(uri))

    async def roots_changed(self):
        await self.session.send_roots_list_changed()

    async def cancel(self, call):
        """Gives up a call in flight. This SDK tells the server nothing by itself: its user does."""
        params = types.CancelledNotificationParams(requestId=self.session._request_id - 1)
        await self.session.send_notification(types.ClientNotification(types.CancelledNotification(params=params)))
        call.cancel()
        await asyncio.wait([call])
