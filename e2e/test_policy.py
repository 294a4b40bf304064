"""What pages may load and run. Every page of every test is watched for it; here, that the watch is awake."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.causerie import Causerie
from e2e.conftest import Visit, Watch
from e2e.steps import eventually

ATTEMPTS = {
    "an inline style": "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')",
    "an inline handler": "document.body.insertAdjacentHTML('beforeend', '<p onclick=\"alert(1)\">x</p>'); document.body.lastElementChild.click()",
    "an inline script": "document.body.append(Object.assign(document.createElement('script'), { textContent: 'alert(2)' }))",
    "a script of another site": "document.body.append(Object.assign(document.createElement('script'), { src: '//elsewhere.test/x.js' }))",
    "a picture of another site": "document.body.append(Object.assign(document.createElement('img'), { src: '//elsewhere.test/x.png' }))",
    "a call to another site": "fetch('http://elsewhere.test/').catch(() => {})",
    "a frame": "document.body.append(Object.assign(document.createElement('iframe'), { src: '/' }))",
    "a javascript: link": "const a = document.createElement('a'); a.href = 'javascript:alert(3)'; document.body.append(a); a.click()",
}


def test_what_the_policy_forbids_does_not_happen_and_is_seen(causerie: Causerie, visit: Visit, watch: Watch) -> None:
    page = visit(causerie.person("Olive Owner"))
    for what, attempt in ATTEMPTS.items():
        before = len(watch.seen)
        page.evaluate(f"() => {{ {attempt} }}")
        eventually(page, lambda seen=before: len(watch.seen) > seen, what)  # type: ignore[misc]
    assert not [seen for seen in watch.seen if seen.startswith(("dialog", "script"))]
    watch.expects("policy:", "Content Security Policy", "elsewhere: ", "net::ERR")


def test_a_dialog_and_an_error_of_a_script_are_seen(causerie: Causerie, visit: Visit, watch: Watch) -> None:
    page = visit(None, "/auth/login")
    page.evaluate("setTimeout(() => { throw new Error('on purpose') })")
    page.evaluate("setTimeout(() => alert('on purpose'))")
    eventually(page, lambda: len(watch.seen) >= 2, "both are seen")
    watch.expects("on purpose")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_form_cannot_be_sent_to_another_site(causerie: Causerie, visit: Visit, watch: Watch) -> None:
    page = visit(None, "/auth/login")
    page.evaluate("document.forms[0].action = 'http://elsewhere.test/'; document.forms[0].submit()")
    eventually(page, lambda: watch.seen, "it is refused")
    watch.expects("form-action", "http://elsewhere.test/")
    assert page.url.endswith("/auth/login")
