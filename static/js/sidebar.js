// The list of conversations: exact counts from the server, the latest activity on top, and their sum in the title.
const list = document.getElementById("sidebar-items");
const here = document.getElementById("conversation")?.dataset.conversation;
let title = document.title;

export function fromHtml(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}

function markCurrent() {
  if (here) list.querySelector(`#conversation-${here} > a`)?.setAttribute("aria-current", "page");
}

function total() {
  let unread = 0;
  for (const item of list.children) unread += Number(item.dataset.unread || 0);
  const shown = unread > 99 ? "99+" : String(unread);
  document.title = unread ? `(${shown}) ${title}` : title;
  if (unread) navigator.setAppBadge?.(unread).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}

function upsert(html) {
  const item = fromHtml(html).querySelector("li");
  const focused = document.activeElement?.closest?.(".sidebar-item")?.id === item.id;
  document.getElementById(item.id)?.remove();
  const next = [...list.children].find((other) => Number(other.dataset.activity ?? -1) <= Number(item.dataset.activity));
  list.insertBefore(item, next ?? null);
  if (focused) item.querySelector("a").focus();
  markCurrent();
  total();
}

// What the open conversation shows is known here first: how much of it is below the fold, and that something came.
function current({ unread, moved }) {
  const item = document.getElementById(`conversation-${here}`);
  if (!item) return;
  if (moved) {
    item.dataset.activity = String(Date.now() / 1000);
    if (list.firstElementChild !== item && !item.contains(document.activeElement)) list.prepend(item);
  }
  if (unread === undefined) return;
  item.dataset.unread = unread;
  item.classList.toggle("sidebar-item-unread", unread > 0);
  let badge = item.querySelector(".badge");
  if (!unread) badge?.remove();
  else {
    badge ??= item.querySelector("a").appendChild(Object.assign(document.createElement("span"), { className: "badge" }));
    badge.textContent = unread > 99 ? "99+" : unread;
  }
  total();
}

if (list) {
  document.addEventListener("live:sidebar", ({ detail }) => {
    const focused = document.activeElement?.closest?.(".sidebar-item")?.id;
    list.replaceChildren(fromHtml(detail));
    if (focused) document.querySelector(`#${focused} > a`)?.focus();
    markCurrent();
    total();
  });
  document.addEventListener("live:conversation", ({ detail }) => upsert(detail));
  document.addEventListener("live:conversation-gone", ({ detail }) => {
    document.getElementById(`conversation-${detail}`)?.remove();
    total();
    if (detail === here) document.getElementById("connection").textContent = document.body.dataset.gone;
  });
  document.addEventListener("live:conversation-head", ({ detail }) => {
    for (const part of [...fromHtml(detail).children]) document.getElementById(part.id)?.replaceWith(part);
    const name = document.querySelector("#conversation-title bdi")?.textContent;
    if (name) title = `${name} · Causerie`;
    total();
  });
  document.addEventListener("timeline:state", ({ detail }) => current(detail));
  total();
}
