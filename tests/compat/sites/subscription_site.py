"""A GraphQL schema by Strawberry with subscriptions, over WebSocket and over HTTP."""

# No `from __future__ import annotations`: Strawberry reads them when the schema is built.
import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from typing import Any

import strawberry
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError

# Which subscriptions have ended, for each loop that this module serves on.
ENDED: dict[Any, asyncio.Queue[str]] = defaultdict(asyncio.Queue)


@strawberry.type
class Query:
    """What may be read."""

    @strawberry.field
    def hello(self, info: strawberry.Info) -> str:
        return f"hello {(info.context['connection_params'] or {}).get('name')}"

    @strawberry.field
    async def ended(self) -> str:
        """Waits for the next subscription that has ended, and says which."""
        return await ENDED[asyncio.get_running_loop()].get()


@strawberry.type
class Subscription:
    """What may be followed."""

    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def tick(self, name: str) -> AsyncGenerator[int, None]:
        number = 0
        try:
            while True:
                yield number
                number += 1
                await asyncio.sleep(0)
        finally:
            ENDED[asyncio.get_running_loop()].put_nowait(name)

    @strawberry.subscription
    async def broken(self) -> AsyncGenerator[int, None]:
        yield 1
        raise LookupError("no second one")


class Endpoint(GraphQL):
    """Lets in whoever does not say that it is nobody."""

    async def get_context(self, request: Any, response: Any) -> Any:
        return {"connection_params": None}

    async def on_ws_connect(self, context: Any) -> Any:
        name = (context["connection_params"] or {}).get("name")
        if name == "nobody":
            raise ConnectionRejectionError({"why": "nobody is not let in"})
        return {"welcome": name} if name else None


schema = strawberry.Schema(query=Query, subscription=Subscription)
app = Endpoint(schema)
