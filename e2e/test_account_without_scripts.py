"""With JavaScript off: one's account, by plain forms only."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e.causerie import PASSWORD, Causerie, Person
from e2e.conftest import Visit


def log_in(page: Page, person: Person, password: str = PASSWORD) -> None:
    page.goto("/auth/login")
    page.get_by_label("Email or username").fill(person.username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_the_first_to_sign_up_is_told_that_they_are_the_administrator(
    own_causerie: Causerie, visit_without_scripts: Visit
) -> None:
    page = visit_without_scripts(None, "/", url=own_causerie.url)
    expect(page.get_by_text("The first person to sign up becomes the administrator")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Email").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Hello, Ada Lovelace!")).to_be_visible()
    expect(page.get_by_text("You are the first person here, so you are the administrator")).to_be_visible()
    expect(page.get_by_role("link", name="General", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_text("You are the first person here")).to_have_count(0)


def test_a_refused_sign_up_keeps_what_was_typed_and_says_what_is_wrong(
    causerie: Causerie, visit_without_scripts: Visit
) -> None:
    olive = causerie.person("Olive Owner")
    page = visit_without_scripts(None, "/auth/signup")
    page.get_by_label("Name", exact=True).fill("Olive Again")
    page.get_by_label("Username").fill(olive.username)
    page.get_by_label("Email").fill("again@example.org")
    page.get_by_label("Password").fill("password12")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("too easy to guess")).to_be_visible()
    expect(page.get_by_label("Password")).to_have_value("")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("This username is taken, or looks too much like one that is.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Olive Again")
    expect(page.get_by_label("Email")).to_have_value("again@example.org")
    expect(page.get_by_label("Username")).to_be_focused()


def test_one_logs_in_where_one_wanted_to_go_and_out_again(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    page = visit_without_scripts(None, f"/conversations/{chess}")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("Email or username").fill(f"{olive.username}@example.org")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Incorrect email, username or password.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Chess club")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(f"/conversations/{chess}")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_forgotten_password_is_reset_by_the_link_in_the_mail_once(
    causerie: Causerie, visit_without_scripts: Visit
) -> None:
    olive = causerie.person("Olive Owner")
    page = visit_without_scripts(None, "/auth/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email").fill(f"{olive.username}@example.org")
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_role("status").first).to_contain_text("a link has been sent")
    link = causerie.reset_link(f"{olive.username}@example.org")
    page.goto(link)
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Use at least 10 characters.")).to_be_visible()
    page.get_by_label("New password").fill("four green pears sing")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password has been changed. Please log in with the new one.")).to_be_visible()
    log_in(page, olive)
    expect(page.get_by_role("alert")).to_be_visible()
    log_in(page, olive, "four green pears sing")
    expect(page.get_by_role("heading", name="Hello, Olive Owner!")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("expired or has already been used")
    page.get_by_role("link", name="Request a new link").click()
    expect(page.get_by_role("heading", name="Forgotten password")).to_be_visible()


def test_another_device_is_signed_out_from_the_list(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    phone, desk = visit_without_scripts(None, "/auth/login"), visit_without_scripts(olive, "/me")
    log_in(phone, olive)
    desk.get_by_role("link", name="My devices").click()
    rows = desk.locator("li", has=desk.get_by_role("button", name="End session"))
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="this device")).to_have_count(1)
    rows.filter(has_not_text="this device").get_by_role("button", name="End session").click()
    expect(desk.get_by_text("That device has been logged out.")).to_be_visible()
    expect(rows).to_have_count(1)
    phone.reload()
    expect(phone.get_by_role("heading", name="Log in")).to_be_visible()


def test_the_language_is_chosen_at_the_door_and_on_the_account(
    causerie: Causerie, visit_without_scripts: Visit
) -> None:
    olive = causerie.person("Olive Owner")
    page = visit_without_scripts(None, "/auth/login")
    page.get_by_role("button", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page).to_have_url(f"{causerie.url}/auth/login")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    log_in(page, olive)
    page.goto("/me")
    page.get_by_label("Language").select_option("fr")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")


def test_name_time_zone_and_password_are_changed(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    page = visit_without_scripts(olive, "/me")
    page.get_by_label("Name", exact=True).fill("x" * 51)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Use at most 50 characters.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("x" * 51)
    page.get_by_label("Name", exact=True).fill("Olive Oyl")
    page.get_by_label("Time zone").select_option("Pacific/Auckland")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator(".sidebar-me")).to_contain_text("Olive Oyl")
    expect(page.get_by_label("Time zone")).to_have_value("Pacific/Auckland")
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Current password").fill("not this one")
    page.get_by_label("New password").fill("four green pears sing")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This is not your current password.")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill("four green pears sing")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password has been changed. All your other devices")).to_be_visible()


def test_an_account_is_closed(causerie: Causerie, visit_without_scripts: Visit) -> None:
    olive = causerie.person("Olive Owner")
    page = visit_without_scripts(olive, "/me/deactivate")
    page.get_by_label("Current password").fill("not this one")
    page.get_by_role("button", name="Deactivate my account").click()
    expect(page.get_by_text("This is not your current password.")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Deactivate my account").click()
    expect(page.get_by_text("Your account has been deactivated.")).to_be_visible()
    log_in(page, olive)
    expect(page.get_by_role("alert")).to_be_visible()
