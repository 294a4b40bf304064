// The list of conversations: exact counts from the server, the latest activity on top, and their sum in the title.
const list = document.getElementById("sidebar-items");
const here = document.getElementById("conversation")?.dataset.conversation;
// Without what the server counted before it.
let title = document.title.slice(document.querySelector("title").dataset.counted?.trim().length ?? 0).trim();
let gone = false; // put out of the conversation that is open

export function fromHtml(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}

function markCurrent() {
  if (here) list.querySelector(`#conversation-${here} > a`)?.setAttribute("aria-current", "page");
}

const isMuted = (item) => Number(item.dataset.mutedUntil ?? 0) * 1000 > Date.now();

function total() {
  let unread = 0;
  for (const item of list.children) unread += isMuted(item) ? 0 : Number(item.dataset.unread || 0);
  const cut = unread < 100 && list.querySelector("[data-cut]"); // there may be others that nobody told us of
  if (cut) return showMore(cut);
  const shown = unread > 99 ? "99+" : String(unread);
  document.title = unread ? `(${shown}) ${title}` : title;
  if (unread) navigator.setAppBadge?.(unread).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}

const beyond = () => JSON.parse(list.querySelector("[data-unread-of]")?.dataset.unreadOf ?? "{}");

// Of a line that is (or was) among those that are not shown: it counts by itself from now on.
function forgetBeyond(id) {
  const { [id]: its, ...others } = beyond();
  if (!its) return;
  const more = list.querySelector("[data-unread-of]");
  const unread = Number(more.dataset.unread) - its;
  more.dataset.unreadOf = JSON.stringify(others);
  more.dataset.unread = unread;
  more.querySelector(".badge").remove();
  if (unread) more.querySelector("a").append(badge(unread));
}

// As if somebody had asked for it: with more lines come those that the sum does not know of. The title waits for them.
function showMore(more) {
  delete more.dataset.cut;
  const source = more.querySelector("a");
  htmx.ajax("GET", source.getAttribute("hx-get"), { source, target: more, swap: "outerHTML" });
}

// The pinned ones first, then by the latest activity; what is no conversation ("more") stands last.
const rank = (item) => [item.dataset.pinned === undefined ? 0 : 1, Number(item.dataset.activity ?? -1)];
const isBefore = ([pin, at], [otherPin, otherAt]) => pin > otherPin || (pin === otherPin && at >= otherAt);

function place(item) {
  const mine = rank(item);
  list.insertBefore(item, [...list.children].find((other) => other !== item && isBefore(mine, rank(other))) ?? null);
}

// More of the list was asked for. What came into it before, out of its turn, stands where it belongs, once, as it was told:
// each change of it comes by the stream, also one that the answer is too old for.
function join() {
  const before = new Set();
  for (const item of list.querySelectorAll(".sidebar-item")) {
    if (before.has(item.id)) item.remove();
    else before.add(item.id);
  }
  for (const id of Object.keys(beyond())) if (before.has(`conversation-${id}`)) forgetBeyond(id);
  // From the end: what follows is in order already.
  for (const item of [...list.querySelectorAll(".sidebar-item")].reverse()) {
    if (item.nextElementSibling && !isBefore(rank(item), rank(item.nextElementSibling))) place(item);
  }
  markCurrent();
  total();
}

// A silence that ends while the page is open.
function unmute() {
  const ended = [...list.querySelectorAll("[data-muted-until]")].filter((item) => !isMuted(item));
  for (const item of ended) {
    delete item.dataset.mutedUntil;
    item.classList.remove("sidebar-item-muted");
    item.querySelector(".icon-silent")?.nextElementSibling.remove();
    item.querySelector(".icon-silent")?.remove();
  }
  if (ended.length) total();
}

function upsert(html) {
  const item = fromHtml(html).querySelector("li");
  const focused = document.activeElement?.closest?.(".sidebar-item")?.id === item.id;
  document.getElementById(item.id)?.remove();
  forgetBeyond(item.dataset.conversation);
  place(item);
  if (focused) item.querySelector("a").focus();
  markCurrent();
  total();
}

// Of the open conversation this page knows first what came and what was seen; the server's lines follow a moment later.
function current({ unread, came }) {
  const item = document.getElementById(`conversation-${here}`);
  if (!item) return;
  if (came) {
    item.dataset.activity = Math.max(...[...list.children].map((other) => Number(other.dataset.activity ?? 0)));
    if (!item.contains(document.activeElement)) place(item);
    // What a line of the server has counted already is not counted again when it arrives.
    unread = Number(item.dataset.unread) + came.filter((each) => Number(each.dataset.change) > Number(item.dataset.change)).length;
  }
  if (unread === undefined || unread === Number(item.dataset.unread)) return;
  item.dataset.unread = unread;
  item.classList.toggle("sidebar-item-unread", unread > 0);
  item.querySelector(".badge")?.remove();
  if (unread) item.querySelector("a").append(badge(unread));
  total();
}

function badge(unread) {
  const template = document.getElementById("badge-template");
  const made = template.content.firstElementChild.cloneNode(true);
  made.firstElementChild.textContent = unread > 99 ? "99+" : unread;
  made.lastElementChild.textContent = unread === 1 ? template.dataset.one : template.dataset.many.replace("{n}", unread);
  return made;
}

// Put back into it: the page goes on where it was left.
function cameBack() {
  if (!gone || !document.getElementById(`conversation-${here}`)) return;
  gone = false;
  document.dispatchEvent(new CustomEvent("live:back"));
}

if (list) {
  document.addEventListener("live:sidebar", ({ detail }) => {
    const focused = document.activeElement?.closest?.(".sidebar-item")?.id;
    list.replaceChildren(fromHtml(detail));
    htmx.process(list);
    if (focused) document.querySelector(`#${focused} > a`)?.focus();
    markCurrent();
    total();
    cameBack();
  });
  document.addEventListener("live:conversation", ({ detail }) => {
    upsert(detail);
    cameBack();
  });
  document.addEventListener("live:conversation-gone", ({ detail }) => {
    document.getElementById(`conversation-${detail}`)?.remove();
    forgetBeyond(detail);
    total();
    if (detail !== here) return;
    gone = true;
    document.getElementById("connection").textContent = document.body.dataset.gone;
  });
  document.addEventListener("live:conversation-archived", ({ detail }) => {
    document.getElementById(`conversation-${detail}`)?.remove();
    forgetBeyond(detail);
    total();
  });
  document.addEventListener("live:conversation-head", ({ detail }) => {
    for (const part of [...fromHtml(detail).children]) document.getElementById(part.id)?.replaceWith(part);
    const name = document.querySelector("#conversation-title bdi")?.textContent;
    if (name) title = `${name} · Causerie`;
    total();
  });
  document.addEventListener("timeline:state", ({ detail }) => current(detail));
  document.addEventListener("htmx:after:swap", join);
  total();
}
