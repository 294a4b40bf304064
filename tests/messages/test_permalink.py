"""A message has an address of its own."""

import re

from tests.conftest import Cast


async def test_a_program_gets_the_message(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "hello")
    assert (await cast.mina.api.get(f"/messages/{sent['id']}")).json() == sent


async def test_a_browser_is_led_to_its_place_however_far_back_it_is(cast: Cast) -> None:
    ids = [(await cast.say(cast.milo, f"number {n}"))["id"] for n in range(150)]
    for number in (0, 3, 70, 149):
        answer = await cast.mina.browser.get(f"/messages/{ids[number]}")
        assert answer.status_code == 303
        there = answer.headers["location"]
        assert there.endswith(f"#message-{ids[number]}")
        page = (await cast.mina.browser.get(there)).text
        assert re.search(rf'<li class="message[^>]* id="message-{ids[number]}"', page)
        assert f"number {number}<" in page


async def test_htmx_gets_the_fragment_as_it_stands_in_the_page(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "hello")
    fragment = (await cast.mina.browser.get(f"/messages/{sent['id']}", headers={"hx-request": "true"})).text
    assert fragment.strip().startswith("<li ")
    assert fragment.strip() in (await cast.mina.browser.get(f"/conversations/{cast.chess}")).text


async def test_outsiders_and_the_removed_do_not_know_it(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "hello")
    for who in (cast.oscar, cast.remy, cast.ada):
        assert (await who.api.get(f"/messages/{sent['id']}")).status_code == 404
        assert (await who.browser.get(f"/messages/{sent['id']}")).status_code == 404
    for number in (0, 10**12, 2**63 - 1, 2**70):
        assert (await cast.milo.api.get(f"/messages/{number}")).status_code in (400, 404)
