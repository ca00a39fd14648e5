"""OpenAI Agents as its documentation has it."""

import asyncio
import os

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerSse, MCPServerStreamableHttp
from openai import AsyncOpenAI

set_tracing_disabled(True)
kind = MCPServerSse if os.environ["MCPROXY_TRANSPORT"] == "sse" else MCPServerStreamableHttp
token = os.environ.get("MCPROXY_TOKEN")
params = {"url": os.environ["MCPROXY_URL"]}
if token:
    params["headers"] = {"Authorization": f"Bearer {token}"}


async def main():
    async with kind(params=params, name="mcproxy") as server:
        client = AsyncOpenAI(base_url=os.environ["MODEL_URL"] + "/v1")
        model = OpenAIChatCompletionsModel(model="scripted", openai_client=client)
        agent = Agent(name="agent", mcp_servers=[server], model=model)
        result = await Runner.run(agent, os.environ["PROMPT"], max_turns=60)
        print(result.final_output)


asyncio.run(main())
