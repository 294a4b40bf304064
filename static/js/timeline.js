// The messages on the page. A fragment replaces the one with its id, or takes its place by position; what stands on the
// screen never jumps: the end is followed only by who is at the end.
import { fromHtml } from "./sidebar.js";

const conversation = document.getElementById("conversation");
const timeline = document.getElementById("timeline");
const messages = document.getElementById("messages");
const announcer = document.getElementById("announcer");
const NEAR = 60;
const MOST = 600;
const KEEP = 400;
const me = document.body.dataset.me;
const early = new Map(); // came while the page did not reach the end: by position

const all = () => messages.querySelectorAll(":scope > .message[data-position]");
const position = (item) => Number(item.dataset.position);
const reachesEnd = () => !document.getElementById("newer");
// The scroller is reversed (so that without scripts it starts at its end): its scrollTop is 0 there and negative above.
export const isAtBottom = () => Math.abs(timeline.scrollTop) < NEAR;
export const toBottom = () => (timeline.scrollTop = 0);
export const lastPosition = () => position([...all()].at(-1) ?? { dataset: { position: 0 } });

// Keeps what is seen where it is while `change` happens, or stays at the end.
export function steady(change) {
  const follow = isAtBottom() && reachesEnd();
  const top = timeline.getBoundingClientRect().top;
  const anchor = follow ? null : [...messages.children].find((item) => item.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (follow) toBottom();
  else if (anchor?.isConnected) timeline.scrollTop += anchor.getBoundingClientRect().top - before;
}

export function upsert(html) {
  const item = fromHtml(html).querySelector("li");
  if (!item) return null;
  const there = document.getElementById(item.id);
  if (there) {
    if (there.classList.contains("message-editing") || Number(there.dataset.change) > Number(item.dataset.change)) return null;
    steady(() => there.replaceWith(item));
    htmx.process(item);
    return null;
  }
  const shown = all();
  if (shown.length && position(item) < position(shown[0]) && document.getElementById("older")) return null;
  if (!reachesEnd() && position(item) > lastPosition()) {
    if (early.size < MOST) early.set(position(item), html);
    return item;
  }
  const next = [...shown].reverse().reduce((found, other) => (position(other) > position(item) ? other : found), null);
  steady(() => {
    messages.querySelector(".beginning:only-child")?.remove();
    messages.insertBefore(item, next ?? messages.querySelector(".message-pending"));
    trim();
  });
  htmx.process(item);
  return next ? null : item;
}

// A page that stays open in a lively room forgets its oldest; they are paged in again when looked for.
function trim() {
  const shown = [...all()];
  if (shown.length <= MOST || !isAtBottom()) return;
  const dropped = shown.slice(0, shown.length - KEEP);
  document.getElementById("older")?.remove();
  for (const item of dropped) item.remove();
  const pager = document.getElementById("older-template").content.cloneNode(true);
  const link = pager.querySelector("a");
  const first = position(all()[0]);
  link.href = `/conversations/${conversation.dataset.conversation}?before=${first}`;
  link.setAttribute("hx-get", `/conversations/${conversation.dataset.conversation}/messages?before=${first}`);
  messages.prepend(pager);
  htmx.process(messages.firstElementChild);
  watchPagers();
}

function announce(item) {
  if (document.hidden || item.dataset.author === me) return;
  const line = document.createElement("p");
  line.textContent = `${item.querySelector(".message-author")?.textContent ?? ""} ${item.querySelector(".message-body")?.textContent ?? ""}`;
  announcer.append(line);
  while (announcer.children.length > 5) announcer.firstElementChild.remove();
}

// Paging: a pager that comes near the screen is followed by itself.
const pagers = timeline && new IntersectionObserver(
  (entries) => entries.forEach((entry) => entry.isIntersecting && entry.target.querySelector("a").click()),
  { root: timeline, rootMargin: "600px 0px" },
);

function watchPagers() {
  for (const pager of messages.querySelectorAll(".pager")) pagers.observe(pager);
}

if (timeline) {
  document.addEventListener("live:message", ({ detail }) => {
    const item = upsert(detail);
    if (!item) return;
    announce(item);
    document.dispatchEvent(new CustomEvent("timeline:new", { detail: item }));
  });
  let anchor = null;
  let before = 0;
  document.addEventListener("htmx:before:swap", (event) => {
    if (!event.target.closest?.("#messages")) return;
    const top = timeline.getBoundingClientRect().top;
    anchor = [...all()].find((item) => item.getBoundingClientRect().bottom > top);
    before = anchor?.getBoundingClientRect().top ?? 0;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (anchor?.isConnected) timeline.scrollTop += anchor.getBoundingClientRect().top - before;
    anchor = null;
    for (const twice of messages.querySelectorAll("#unread ~ #unread")) twice.remove();
    watchPagers();
    if (reachesEnd()) {
      for (const at of [...early.keys()].sort((a, b) => a - b)) upsert(early.get(at));
      early.clear();
    }
    document.dispatchEvent(new CustomEvent("timeline:paged"));
    messages.querySelector(".message-editing textarea, .message-editing [autofocus]")?.focus();
  });
  const start = document.querySelector(location.hash && /^#[\w-]+$/.test(location.hash) ? location.hash : "#unread") ?? document.getElementById("unread");
  if (start && start.id !== "end" && messages.contains(start)) start.scrollIntoView({ block: start.id === "unread" ? "start" : "center" });
  else toBottom();
  watchPagers();
}
