"""The Python SDK 2.x, under the names that client.py and features.py use; sdk1.py is its twin."""

import asyncio
from contextlib import asynccontextmanager, nullcontext

from mcp import MCPError as Failure
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
import mcp_types as types


def plain(model):
    """As it came over the wire, as far as the SDK keeps it; without what only 2026-07-28 puts around a result."""
    plain = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for name in ("resultType", "ttlMs", "cacheScope"):
        plain.pop(name, None)
    meta = plain.get("_meta") or {}
    if meta.pop("io.modelcontextprotocol/serverInfo", None) and not meta:
        del plain["_meta"]
    return plain


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
        user.hear(message if isinstance(message, Exception) else plain(message))

    asks = user.answers and {
        "sampling_callback": sample,
        "elicitation_callback": elicit,
        "list_roots_callback": roots,
    }
    mode = "2026-07-28" if job["era"] == "modern" else job["era"]
    async with Client(_transport(job), mode=mode, message_handler=hear, **(asks or {})) as client:
        session = Session(client)
        # Without a handshake nobody is told of what changes but who listens.
        listening = session.listen() if session.is_modern else nullcontext()
        async with listening:
            yield session


class Session:
    def __init__(self, client):
        self.client = client
        self.instructions = client.instructions
        self.revision = client.protocol_version
        self.is_modern = client.protocol_version >= "2026"

    async def page(self, kind, cursor):
        method = getattr(self.client, f"list_{kind}")
        return await method(cursor=cursor, cache_mode="refresh")

    async def call(self, name, arguments, progress=None):
        return plain(await self.client.call_tool(name, arguments, progress_callback=progress))

    async def prompt(self, name, arguments=None):
        return plain(await self.client.get_prompt(name, arguments))

    async def read(self, uri):
        return plain(await self.client.read_resource(uri))

    async def complete(self, ref, argument, context=None):
        model = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
        return plain(await self.client.complete(model.model_validate(ref), argument, context))

    async def set_level(self, level):
        await self.client.set_logging_level(level)

    async def subscribe(self, uri):
        await self.client.subscribe_resource(uri)

    async def unsubscribe(self, uri):
        await self.client.unsubscribe_resource(uri)

    def listen(self, uris=()):
        """What is heard there comes to the same handler as everything."""
        return self.client.listen(
            tools_list_changed=True, resources_list_changed=True, resource_subscriptions=uris
        )

    async def roots_changed(self):
        await self.client.send_roots_list_changed()

    async def cancel(self, call):
        """Gives up a call in flight; the SDK tells the server."""
        call.cancel()
        await asyncio.wait([call])
