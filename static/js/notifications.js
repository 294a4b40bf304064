// What one was told of: the number in the list, a word in the corner, and the line on the page of notifications.
import { fromHtml } from "./sidebar.js";

const MOST = 3; // words in the corner at a time
const LASTS = 8_000;
const toasts = document.getElementById("toasts");
let list = document.querySelector("#notifications");
let asked = 0; // how often for the whole list, and how often it was answered
let answered = 0;
const here = document.getElementById("conversation")?.dataset.conversation;

// Whoever looks at the conversation sees it there.
const isOnScreen = (item) => item.dataset.conversation === here && !document.hidden && document.hasFocus();

function toast(item) {
  const made = document.createElement("div");
  made.className = "toast";
  made.dataset.about = item.id;
  made.append(item.querySelector(".notification-main").cloneNode(true), closing(made));
  [...toasts.children].find((other) => other.dataset.about === item.id)?.remove();
  toasts.append(made);
  while (toasts.children.length > MOST) toasts.firstElementChild.remove();
  // Not while it is pointed at or has the focus.
  const leave = () => (made.matches(":hover, :focus-within") ? setTimeout(leave, LASTS) : made.remove());
  setTimeout(leave, LASTS);
}

function closing(made) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon-button toast-close";
  button.textContent = "×";
  button.setAttribute("aria-label", document.body.dataset.close);
  button.addEventListener("click", () => made.remove());
  return button;
}

function place(item) {
  document.getElementById(item.id)?.remove();
  list.hidden = false;
  list.parentElement.querySelector(".empty")?.remove();
  list.prepend(item);
  htmx.process(item);
}

// Something of it was edited or deleted, or is not theirs any more, or was read: the list as it is now. Who was at
// something in it stays there.
async function ask() {
  const mine = ++asked;
  const answer = await fetch(location.href, { headers: { accept: "text/html", "hx-request": "true" } });
  const html = await answer.text();
  if (!answer.ok || mine !== asked) return;
  answered = mine;
  put(fromHtml(html));
}

function put(came) {
  const fresh = came.getElementById("notifications") ?? document.createElement("ul");
  if (fresh.isEqualNode(list)) return;
  const at = list.contains(document.activeElement) ? document.activeElement : null;
  const row = at?.closest(".notification")?.id;
  const nth = row ? [...document.getElementById(row).querySelectorAll("a, button")].indexOf(at) : -1;
  const around = list.parentElement;
  for (const old of around.querySelectorAll(":scope > .more, :scope > .empty")) old.remove();
  list.remove();
  around.append(came);
  if (!fresh.isConnected) around.append(fresh);
  list = fresh;
  htmx.process(around);
  if (row) document.getElementById(row)?.querySelectorAll("a, button")[nth]?.focus();
}

// A word in the corner goes with what it tells of.
async function check(made) {
  const url = made.querySelector(".notification-main").getAttribute("href");
  const answer = await fetch(url, { headers: { accept: "application/json" } });
  if (answer.status !== 404 && !answer.ok) return;
  const now = answer.ok ? await answer.json() : null;
  if (now?.text !== (made.querySelector(".notification-text")?.textContent ?? "") || now.read) made.remove();
}

document.addEventListener("live:notification", ({ detail }) => {
  const came = fromHtml(detail);
  document.getElementById("notifications-badge")?.replaceWith(came.getElementById("notifications-badge"));
  const item = came.querySelector(".notification");
  if (list && (!item || asked !== answered)) ask().catch(() => {}); // no network: it comes back, and is told then
  if (!item) for (const made of toasts.children) check(made).catch(() => {});
  if (!item || isOnScreen(item)) return;
  if (list?.dataset.newest !== undefined) place(item);
  else if (item.dataset.quiet === undefined) toast(item);
});
