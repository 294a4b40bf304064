"""What a token may do: for each route the scope that it needs. A route that is not here is refused to every token.

    read     every page, every GET and the feed
    write    what changes conversations, messages, contacts and blocks: what members do
    admin    what an administrator alone may; its person must be one, too
    account  nothing that a token may ever do: whoever finds one must not be able to make more of it. The account itself
             (name, password, e-mail, devices, tokens, bots, its end) is managed by who is signed in; and so is what
             would go on when the token has ended: new webhooks, who administrates, who owns a group, the codes that
             let people in
    open     needs nobody, so it needs no scope

Each scope is only what it says: who writes and reads needs both. That `admin` is needed where a route is for
administrators and others (the announcements, the e-mail on a person's page) `Me.is_admin` says. An export of a
conversation is read with `read`, for all that is in it could be; to ask for one is `write`, for it makes work, a file
and a notification. All of one's own data, with devices and settings, is of the account: `exports/access.py` says so.
"""

from typing import Literal

Needed = Literal["open", "read", "write", "admin", "account"]

_BY_SCOPE: dict[Needed, str] = {
    "open": """
        GET / · GET /health · GET /info · GET /sw.js
        GET /auth/signup · GET /auth/login · GET /auth/forgot-password · GET /auth/reset-password
        GET /auth/confirm-email · GET /unsubscribe · POST /unsubscribe · POST /hooks/{webhook_id}/{secret}
        GET /exports/keys · GET /verify · POST /verify
    """,
    "read": """
        GET /me · GET /me.css · GET /me/privacy · GET /me/blocks
        GET /people · GET /people/online · GET /people/{username} · GET /avatars/{person_id}/{digest}
        GET /contacts · GET /contacts/invitation · GET /contacts/invitation/{code}
        GET /conversations · GET /conversations/new · GET /conversations/general · GET /conversations/announcements
        GET /conversations/{conversation_id} · GET /conversations/{conversation_id}/messages
        GET /conversations/{conversation_id}/members · GET /conversations/{conversation_id}/settings
        GET /conversations/{conversation_id}/mentionable · GET /join/{code} · GET /support · GET /support/new
        GET /messages · GET /messages/{message_id} · GET /messages/{message_id}/edit
        GET /messages/{message_id}/delete · GET /messages/{message_id}/receipts · GET /mentions · GET /live
        GET /notifications · GET /notifications/{notification_id} · GET /me/notification-settings
        GET /conversations/{conversation_id}/webhooks · GET /subscriptions/{subscription_id}
        GET /conversations/{conversation_id}/export · GET /exports · GET /exports/{export_id}
        GET /exports/{export_id}/download
    """,
    "write": """
        POST /me/active
        POST /contacts · PUT /contacts/{contact_id}/accept · DELETE /contacts/{contact_id}
        POST /contacts/invitation · POST /contacts/invitation/{code}
        PUT /people/{username}/block · DELETE /people/{username}/block · PUT /direct/{username}
        POST /conversations · PATCH /conversations/{conversation_id} · DELETE /conversations/{conversation_id}
        POST /conversations/{conversation_id}/members
        DELETE /conversations/{conversation_id}/members/{person_id} · POST /join/{code}
        PUT /conversations/{conversation_id}/read · PUT /conversations/{conversation_id}/unread
        PUT /conversations/{conversation_id}/mute · DELETE /conversations/{conversation_id}/mute
        PUT /conversations/{conversation_id}/archive · DELETE /conversations/{conversation_id}/archive
        PUT /conversations/{conversation_id}/pin · DELETE /conversations/{conversation_id}/pin
        PUT /conversations/{conversation_id}/assignee · DELETE /conversations/{conversation_id}/assignee
        PUT /conversations/{conversation_id}/closed · DELETE /conversations/{conversation_id}/closed
        POST /conversations/{conversation_id}/typing · POST /conversations/{conversation_id}/messages
        PATCH /messages/{message_id} · DELETE /messages/{message_id}
        PUT /conversations/{conversation_id}/level · DELETE /conversations/{conversation_id}/level
        PUT /notifications/read · PUT /notifications/{notification_id}/read
        DELETE /notifications · DELETE /notifications/{notification_id}
        DELETE /conversations/{conversation_id}/webhooks/{webhook_id} · DELETE /subscriptions/{subscription_id}
        POST /subscriptions/{subscription_id}/deliveries/{delivery_id}
        POST /exports · POST /exports/{export_id}/cancel · DELETE /exports/{export_id}
    """,
    "admin": """
        POST /broadcasts
        GET /admin/jobs · POST /admin/jobs/tries · POST /admin/jobs/{letter_id}/tries · DELETE /admin/jobs/{letter_id}
        GET /admin/webhooks · DELETE /admin/webhooks/{webhook_id}
        GET /admin/audits · GET /admin/conversations · GET /admin/conversations/{conversation_id}/audit
    """,
    "account": """
        POST /auth/signup · POST /auth/login · POST /auth/logout · POST /auth/forgot-password
        POST /auth/reset-password · POST /auth/confirm-email · POST /language
        PATCH /me · DELETE /me · GET /me/delete · GET /me/deactivate · POST /me/deactivate
        PUT /me/avatar · DELETE /me/avatar · PATCH /me/privacy · PUT /me/notification-settings
        DELETE /me/mail-refusals
        GET /me/push-subscriptions · POST /me/push-subscriptions · DELETE /me/push-subscriptions/{subscription_id}
        GET /me/email · PUT /me/email · GET /me/password · PUT /me/password
        GET /me/sessions · DELETE /me/sessions/{session_id}
        GET /me/tokens · POST /me/tokens · DELETE /me/tokens/{token_id}
        GET /me/bots · POST /me/bots · GET /me/bots/{bot_id} · PATCH /me/bots/{bot_id} · DELETE /me/bots/{bot_id}
        PUT /me/bots/{bot_id}/avatar · DELETE /me/bots/{bot_id}/avatar
        GET /me/bots/{bot_id}/tokens · POST /me/bots/{bot_id}/tokens · DELETE /me/bots/{bot_id}/tokens/{token_id}
        PUT /people/{username}/role · PUT /conversations/{conversation_id}/owner
        PUT /conversations/{conversation_id}/code · DELETE /conversations/{conversation_id}/code
        PUT /conversations/{conversation_id}/webhooks/{webhook_id}/secret
        POST /conversations/{conversation_id}/webhooks · POST /conversations/{conversation_id}/subscriptions
        PUT /subscriptions/{subscription_id}/secret · PUT /subscriptions/{subscription_id}/enabled
        POST /admin/webhooks · PUT /admin/webhooks/{webhook_id}/secret · POST /admin/subscriptions
        POST /admin/conversations/{conversation_id}/audit
    """,
}

# By method and path, as in "GET /people/{username}".
NEEDED: dict[str, Needed] = {
    route.strip(): scope
    for scope, routes in _BY_SCOPE.items()
    for line in routes.strip().split("\n")
    for route in line.split("·")
}
