// The messages on the page. A fragment replaces the one with its id, or takes its place by position; what stands on the
// screen never jumps: the end is followed only by who is at the end.
import { fromHtml } from "./sidebar.js";

const conversation = document.getElementById("conversation");
const timeline = document.getElementById("timeline");
const messages = document.getElementById("messages");
const announcer = document.getElementById("announcer");
const composer = document.getElementById("composer-body");
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
  const anchor = [...messages.children].find((item) => item.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (follow) toBottom();
  if (!anchor?.isConnected) return;
  const moved = anchor.getBoundingClientRect().top - before;
  if (follow) slide(-moved);
  else timeline.scrollTop += moved;
}

// What makes room at the end glides there: a jump is hard to follow with the eyes.
function slide(by) {
  if (!by || document.hidden) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const timing = still ? { duration: 40, easing: "steps(1, end)" } : { duration: 140, easing: "ease-out" };
  messages.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { ...timing, composite: "add" });
}

// Puts a message in its place; `instead` is what stood for it until now. Gives it when it is new at the end.
export function upsert(html, instead = null) {
  const item = fromHtml(html).querySelector("li");
  if (!item) return null;
  const there = document.getElementById(item.id);
  if (there) {
    instead?.remove();
    if (there.classList.contains("message-editing") || Number(there.dataset.change) > Number(item.dataset.change)) return null;
    steady(() => there.replaceWith(item));
    htmx.process(item);
    return null;
  }
  const shown = all();
  if (shown.length && position(item) < position(shown[0]) && document.getElementById("older")) return null;
  if (!reachesEnd() && position(item) > lastPosition()) {
    const changed = item.matches(".message-deleted, :has(.message-edited)");
    early.set(position(item), html);
    if (early.size > MOST) early.delete(early.keys().next().value); // the pages to come have the older ones
    return changed ? null : item;
  }
  const next = [...shown].reverse().reduce((found, other) => (position(other) > position(item) ? other : found), null);
  // Our own may come by the feed before its acknowledgement: what waits in its place makes room.
  if (item.dataset.author === me) instead ??= messages.querySelector(".message-pending:not(.message-unsent)");
  steady(() => {
    if (instead) instead.hidden = true;
    begin();
    messages.insertBefore(item, next ?? messages.querySelector(".message-pending"));
    trim();
  });
  htmx.process(item);
  return next ? null : item;
}

// Of a conversation in which nothing was written, the page says so; with the first message it is where it begins.
export function begin() {
  const empty = messages.querySelector(".beginning:only-child");
  if (empty) empty.textContent = messages.dataset.begins;
}

// A page that stays open in a lively room forgets its oldest; they are paged in again when looked for.
function trim() {
  const shown = [...all()];
  if (shown.length <= MOST || !isAtBottom()) return;
  const kept = shown.at(-KEEP);
  while (messages.firstElementChild !== kept) messages.firstElementChild.remove();
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
    const edited = messages.querySelector(".message-editing textarea, .message-editing [autofocus]");
    // Whoever saved or gave up goes on writing; a screen that is touched would open its keyboard.
    if (edited) edited.focus();
    else if (document.activeElement === document.body && matchMedia("(pointer: fine)").matches) composer.focus({ preventScroll: true });
  });
  const start = document.querySelector(location.hash && /^#[\w-]+$/.test(location.hash) ? location.hash : "#unread") ?? document.getElementById("unread");
  if (start && start.id !== "end" && messages.contains(start)) start.scrollIntoView({ block: start.id === "unread" ? "start" : "center" });
  else toBottom();
  watchPagers();
}
