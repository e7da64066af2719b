import asyncio

from engine.edges.tasks import Owner


def test_an_error_in_a_task_is_told_with_its_name():
    failed = []

    async def work():
        raise OSError("gone")

    async def run():
        owner = Owner(lambda name, error: failed.append((name, str(error))))
        owner.start("reader", work())
        await asyncio.sleep(0.01)
        await owner.stop()

    asyncio.run(run())
    assert failed == [("reader", "gone")]


def test_stopping_cancels_the_youngest_first():
    ended = []

    async def work(name):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    async def run():
        owner = Owner(lambda name, error: ended.append(error))
        for name in ("one", "two", "three"):
            owner.start(name, work(name))
        await asyncio.sleep(0)
        await owner.stop()

    asyncio.run(run())
    assert ended == ["three", "two", "one"]
