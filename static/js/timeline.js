// The messages on the page. A fragment replaces the one with its id, or takes its place by position.
import { learn, requote } from "./quotes.js";
import { isAtBottom, reachesEnd, steady } from "./scrolling.js";
import { fromHtml } from "./sidebar.js";

const conversation = document.getElementById("conversation");
const messages = document.getElementById("messages");
const announcer = document.getElementById("announcer");
const me = document.body.dataset.me;
const MOST = 600;
const KEEP = 400;
const early = new Map(); // came while the page did not reach the end: by position
let incoming = [];

export const all = () => [...messages.querySelectorAll(":scope > .message[data-position]")];
export const position = (item) => Number(item.dataset.position);

// Puts a message in its place; `instead` is what stood for it until now.
export const upsert = (html, instead) => place([html], instead);

// What came for the end before the pages on the way to it had been read.
export function placeEarly() {
  const waiting = [...early.entries()].sort(([one], [other]) => one - other);
  early.clear();
  place(waiting.map(([, html]) => html), null, false);
}

// Of a conversation in which nothing was written, the page says so; with the first message it is where it begins.
export function begin() {
  const empty = messages.querySelector(".beginning:only-child");
  empty?.querySelector(".icon")?.remove();
  const said = empty?.querySelector(".beginning-said");
  if (said) said.textContent = messages.dataset.begins;
}

// However many come at once, the page is laid out once.
function place(htmls, instead = null, tell = true) {
  const items = htmls.map((html) => fromHtml(html).querySelector("li")).filter(Boolean);
  let fresh = [];
  learn(items);
  steady(() => {
    fresh = items.filter((item) => put(item, instead));
    trim();
    requote();
  });
  for (const item of items) if (item.isConnected) htmx.process(item);
  if (!tell || !fresh.length) return;
  announce(fresh);
  document.dispatchEvent(new CustomEvent("timeline:new", { detail: fresh }));
}

// Says whether it is new at the end.
function put(item, instead) {
  const there = document.getElementById(item.id);
  if (there) {
    instead?.remove();
    const keeps = there.classList.contains("message-editing") || Number(there.dataset.change) >= Number(item.dataset.change);
    if (!keeps) there.replaceWith(item);
    return false;
  }
  const shown = all();
  const last = shown.length ? position(shown.at(-1)) : 0;
  if (shown.length && position(item) < position(shown[0]) && document.getElementById("older")) return false;
  if (!reachesEnd() && position(item) > last) {
    early.set(position(item), item.outerHTML);
    if (early.size > MOST) early.delete(early.keys().next().value); // the pages to come have the older ones
    return !item.matches(".message-deleted, :has(.message-edited)");
  }
  // Our own may come by the feed before its acknowledgement: what waits in its place makes room.
  if (item.dataset.author === me) instead ??= messages.querySelector(".message-pending:not(.message-unsent, [hidden])");
  if (instead) instead.hidden = true;
  begin();
  let next = null;
  for (let at = shown.length - 1; at >= 0 && position(shown[at]) > position(item); at -= 1) next = shown[at];
  messages.insertBefore(item, next ?? messages.querySelector(".message-pending"));
  return !next;
}

// Someone has another name: the same messages, none of them new.
function rename(html) {
  steady(() => {
    for (const item of fromHtml(html).querySelectorAll("li.message")) {
      const there = document.getElementById(item.id);
      if (there && !there.matches(".message-editing") && Number(there.dataset.change) <= Number(item.dataset.change)) there.replaceWith(item);
    }
  });
}

// A page that stays open in a lively room forgets its oldest; they are paged in again when looked for.
function trim() {
  const shown = all();
  if (shown.length <= MOST || !isAtBottom()) return;
  const kept = shown.at(-KEEP);
  while (messages.firstElementChild !== kept) messages.firstElementChild.remove();
  const pager = document.getElementById("older-template").content.cloneNode(true);
  const link = pager.querySelector("a");
  link.href = `/conversations/${conversation.dataset.conversation}?before=${position(kept)}`;
  link.setAttribute("hx-get", `/conversations/${conversation.dataset.conversation}/messages?before=${position(kept)}`);
  messages.prepend(pager);
  htmx.process(messages.firstElementChild);
  document.dispatchEvent(new CustomEvent("timeline:trimmed"));
}

function announce(items) {
  if (document.hidden) return;
  for (const item of items.filter((each) => each.dataset.author !== me).slice(-5)) {
    const parts = [".message-author", ".message-body"].map((part) => item.querySelector(part)?.textContent ?? "");
    announcer.append(Object.assign(document.createElement("p"), { textContent: parts.join(" ") }));
  }
  while (announcer.children.length > 5) announcer.firstElementChild.remove();
}

if (messages) {
  document.addEventListener("live:renamed", ({ detail }) => rename(detail));
  // All that one reading of the stream brought comes in one go.
  document.addEventListener("live:message", ({ detail }) => {
    if (incoming.push(detail) > 1) return;
    setTimeout(() => {
      const came = incoming;
      incoming = [];
      place(came);
    });
  });
}
