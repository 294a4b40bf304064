// What was on the screen is read: the server is told, the count of what is below is shown, and a line marks what is new.
import { isAtBottom, lastPosition, toBottom } from "./timeline.js";

const conversation = document.getElementById("conversation");
const timeline = document.getElementById("timeline");
const messages = document.getElementById("messages");
const jump = document.getElementById("jump");
const me = document.body.dataset.me;
let read = Number(conversation?.dataset.read ?? 0);
const below = new Set(); // positions of others' messages that came while they could not be seen
let timer = 0;

const reachesEnd = () => !document.getElementById("newer");
const isWatched = () => !document.hidden && document.hasFocus();
const seesAll = () => isWatched() && isAtBottom() && reachesEnd();
const tell = (detail) => document.dispatchEvent(new CustomEvent("timeline:state", { detail }));

function lowestSeen() {
  if (isAtBottom() && reachesEnd()) return lastPosition();
  const bottom = timeline.getBoundingClientRect().bottom;
  let seen = 0;
  for (const item of messages.querySelectorAll(":scope > .message[data-position]")) {
    if (item.getBoundingClientRect().bottom <= bottom + 4) seen = Number(item.dataset.position);
    else break;
  }
  return seen;
}

function look() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (!isWatched()) return;
    const seen = lowestSeen();
    for (const position of below) if (position <= seen) below.delete(position);
    show();
    if (seen <= read) return;
    const before = read;
    read = seen;
    try {
      const answer = await fetch(`/conversations/${conversation.dataset.conversation}/read`, {
        method: "PUT",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ position: seen }),
        keepalive: true,
      });
      if (!answer.ok && answer.status >= 500) read = before; // told again at the next look
    } catch {
      read = before;
    }
  }, 250);
}

function show() {
  const label = jump.dataset;
  jump.hidden = isAtBottom() && reachesEnd();
  jump.textContent = !below.size ? label.latest : below.size === 1 ? label.one : label.many.replace("{n}", below.size);
  if (seesAll()) tell({ unread: 0 });
}

// The line stands above the first message that was not seen. An older one goes: what is below it was read since.
function drawLine(item) {
  const before = [...messages.querySelectorAll(":scope > .message[data-position]")].at(-2);
  if (before && Number(before.dataset.position) > read && document.getElementById("unread")) return;
  document.getElementById("unread")?.remove();
  item.before(document.getElementById("unread-template").content.cloneNode(true));
}

if (conversation) {
  document.addEventListener("timeline:new", ({ detail: item }) => {
    const others = item.dataset.author !== me && item.dataset.kind !== "system";
    const unseen = others && !seesAll();
    if (unseen && !below.size && item.isConnected) drawLine(item);
    if (unseen) below.add(Number(item.dataset.position));
    tell({ came: item, counts: unseen });
    show();
    look();
  });
  jump.addEventListener("click", (event) => {
    if (!reachesEnd()) return; // the page that it links to begins at the end
    event.preventDefault();
    toBottom();
    look();
  });
  // A line of the server may have been counted before it was told what was seen here.
  for (const name of ["live:sidebar", "live:conversation"]) document.addEventListener(name, () => seesAll() && tell({ unread: 0 }));
  timeline.addEventListener("scroll", () => (show(), look()), { passive: true });
  document.addEventListener("timeline:paged", look);
  document.addEventListener("visibilitychange", look);
  addEventListener("focus", look);
  if (!isAtBottom() || !reachesEnd()) jump.hidden = false;
  look();
}
