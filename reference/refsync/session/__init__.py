"""Sans-IO sessions: bytes are fed in, bytes are taken out, nothing here opens or waits.

Everything that converses is an ``async def`` over a ``Link``; a driver
(``transport.pump`` for real connections, a test for bytes in memory) feeds the
link and steps the conversation whenever there is something new.
"""
