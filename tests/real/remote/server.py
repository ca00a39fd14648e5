"""A server that echoes, made with either Python SDK, in one of its ways to serve HTTP."""

import sys

way, port = sys.argv[1], int(sys.argv[2])
transport = "sse" if way == "sse" else "streamable-http"
served = {"host": "127.0.0.1", "port": port}
if way == "stateless":
    served |= {"stateless_http": True, "json_response": True}

try:
    from mcp.server.mcpserver import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP

    server, served = FastMCP("echo", **served), {}
else:
    server = MCPServer("echo")


@server.tool()
def echo(text: str) -> str:
    """Says it again."""
    return text


server.run(transport=transport, **served)
