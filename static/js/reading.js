// What was on the screen is read: the server is told, the count of what is below is shown, and a line marks what is new.
import { isAtBottom, reachesEnd, toBottom } from "./scrolling.js";
import { all, position } from "./timeline.js";

const conversation = document.getElementById("conversation");
const timeline = document.getElementById("timeline");
const jump = document.getElementById("jump");
const me = document.body.dataset.me;
let read = Number(conversation?.dataset.read ?? 0);
const below = new Set(); // positions of others' messages that came while they could not be seen
let timer = 0;

const isWatched = () => !document.hidden && document.hasFocus();
const seesAll = () => isWatched() && isAtBottom() && reachesEnd();
const tell = (detail) => document.dispatchEvent(new CustomEvent("timeline:state", { detail }));

function lowestSeen() {
  const shown = all();
  if (isAtBottom() && reachesEnd()) return shown.length ? position(shown.at(-1)) : 0;
  const bottom = timeline.getBoundingClientRect().bottom;
  const cut = shown.findIndex((item) => item.getBoundingClientRect().bottom > bottom + 4);
  const seen = cut < 0 ? shown.at(-1) : shown[cut - 1];
  return seen ? position(seen) : 0;
}

// A quarter of a second after the first cause, whatever comes meanwhile: a lively conversation never pauses so long.
function look() {
  timer ||= setTimeout(async () => {
    timer = 0;
    if (!isWatched()) return;
    const seen = lowestSeen();
    for (const at of below) if (at <= seen) below.delete(at);
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
  const before = all().findLast((other) => position(other) < position(item));
  if (before && position(before) > read && document.getElementById("unread")) return;
  document.getElementById("unread")?.remove();
  item.before(document.getElementById("unread-template").content.cloneNode(true));
}

if (conversation) {
  document.addEventListener("timeline:new", ({ detail: items }) => {
    const others = items.filter((item) => item.dataset.author !== me && item.dataset.kind !== "system");
    const unseen = seesAll() ? [] : others;
    const first = unseen.find((item) => item.isConnected);
    if (first && !below.size) drawLine(first);
    for (const item of unseen) below.add(position(item));
    tell({ came: unseen });
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
