"""An agent as small as can be: FastMCP's client, and a model that is told of the tools before every step."""

import asyncio
import json
import os

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StreamableHttpTransport
from openai import AsyncOpenAI

token = os.environ.get("MCPROXY_TOKEN")
headers = {"Authorization": f"Bearer {token}"} if token else {}
kind = SSETransport if os.environ["MCPROXY_TRANSPORT"] == "sse" else StreamableHttpTransport
transport = kind(os.environ["MCPROXY_URL"], headers=headers)
model = AsyncOpenAI(base_url=os.environ["MODEL_URL"] + "/v1")


def described(tool):
    return {"type": "function", "function": {"name": tool.name, "parameters": tool.inputSchema}}


async def called(client, call):
    try:
        arguments = json.loads(call.function.arguments)
        result = await client.call_tool(call.function.name, arguments, raise_on_error=False)
        return " ".join(getattr(part, "text", "") for part in result.content)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


async def main():
    async with Client(transport) as client:
        messages, tools = [{"role": "user", "content": os.environ["PROMPT"]}], []
        while True:
            try:
                tools = [described(tool) for tool in await client.list_tools()]
            except Exception as error:
                print(f"no list: {type(error).__name__}: {error}")
            answer = await model.chat.completions.create(model="scripted", messages=messages, tools=tools)
            message = answer.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                return
            for call in message.tool_calls:
                content = await called(client, call)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


asyncio.run(main())
