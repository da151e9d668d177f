"""A GraphQL schema by Strawberry, over HTTP: queries, mutations, an upload and its playground."""

# No `from __future__ import annotations`: Strawberry reads them when the schema is built.
import asyncio

import strawberry
from strawberry.asgi import GraphQL
from strawberry.file_uploads import Upload


@strawberry.type
class Book:
    """Something to ask for."""

    title: str
    year: int

    @strawberry.field
    async def age(self) -> int:
        await asyncio.sleep(0)
        return 2000 - self.year


BOOKS = [Book(title="Emma", year=1815), Book(title="Ulysses", year=1922)]


@strawberry.type
class Query:
    """What may be read."""

    @strawberry.field
    def books(self, before: int = 3000) -> list[Book]:
        return [book for book in BOOKS if book.year < before]

    @strawberry.field
    def broken(self) -> str:
        raise LookupError("no such thing")


@strawberry.type
class Mutation:
    """What may be changed."""

    @strawberry.mutation
    async def measure(self, file: Upload) -> int:
        try:
            return len(await file.read())
        finally:
            await file.close()  # nobody else does


schema = strawberry.Schema(query=Query, mutation=Mutation)
app = GraphQL(schema, multipart_uploads_enabled=True)
